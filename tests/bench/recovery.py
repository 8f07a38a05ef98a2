"""Time from the end of a fault to a live and correct count, compared with the plain client.

Each fault has its own gateway, appliance and plain client, in network namespaces, with avahi and impaired cables.
During the fault the gateway gets another order: a client that shows it has recovered. Requires root.

A faulty server is one of tests/hostile/servers.py: it takes the gateway's place, and later serves new connections
correctly while the open ones stay as they are.
"""

from __future__ import annotations

import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.core.transitions import GOOD_AFTER
from tests.bench.program import BenchError
from tests.bench.recovery_processes import FaultyServer, PlainClient
from tests.bench.table import Row
from tests.blackbox import lab
from tests.blackbox.boxes import Box
from tests.blackbox.gateways import OtherGateway
from tests.blackbox.lab import Host, Lab
from tests.hostile.appliance_process import TOKEN

NAMES = ("time to a live count after", "appliance", "plain client")
RECOVERY_LIMIT = 60.0
"""Seconds after which a client counts as lost; the appliance's goal is to recover within them."""
AT_ONCE = 4
"""Faults at a time: more would compete for the processor."""
BEFORE, AFTER = 2, 3
"""Orders before and after a fault."""
MAX_STOP_SECONDS = 10.0
"""Seconds in which a program must stop: generous, because the stop is not measured and the machine is busy."""
FAULTY_SECONDS = 25.0
"""Seconds of a faulty server: longer than the timeout of a feed without pongs."""


@dataclass
class Site:
    """The site of one fault. hosts: of the two clients. free: an unused address."""

    gateway: OtherGateway
    hosts: Sequence[Host]
    free: int
    box: Box
    plain: PlainClient
    stack: ExitStack
    server: FaultyServer | None = None

    def impair(self, way: str | None = None, **impairment: float) -> None:
        """Impair both clients' cables."""
        for host in self.hosts:
            host.impair(way, **impairment)

    def plug(self, plugged: bool) -> None:
        """Pull both clients' cables, or plug them in."""
        for host in self.hosts:
            host.plug(plugged)

    def replace_with_faulty_server(self, behaviour: str) -> None:
        """Replace the gateway by a faulty server of this kind."""
        self.gateway.do("down")
        self.server = FaultyServer(self.gateway, behaviour, AFTER)
        self.stack.callback(self.server.close)

    def repair_server(self) -> None:
        """Make the server work. Raises BenchError unless both clients have connected to it."""
        assert self.server is not None
        self.server.repair()

    def restart(self) -> None:
        """Start both clients again."""
        self.box.launch()
        self.plain.start()


Action = Callable[[Site], object]


@dataclass(frozen=True)
class Fault:
    """begin, end: actions on a site. lasts: seconds between them. alone: without other faults, as it uses all CPUs."""

    begin: Action
    end: Action
    lasts: float
    alone: bool = False


def _change_gateway_address(site: Site) -> None:
    site.gateway.host.move(site.free)
    site.gateway.do("up")


def _change_client_addresses(site: Site) -> None:
    for number, host in enumerate(site.hosts):
        host.move(site.free + 1 + number)


def _silence_gateway(site: Site) -> None:
    site.gateway.do("behave", silent=True)
    site.gateway.do("close")


def _reject_feeds(site: Site) -> None:
    site.gateway.do("behave", half_booted=True)
    site.gateway.do("close")


def _send_one_byte_per_frame(site: Site) -> None:
    site.gateway.do("behave", crumbs=True)
    site.gateway.do("close")


def _end_program(site: Site) -> None:
    site.box.end(within=MAX_STOP_SECONDS)
    site.plain.end()


def _kill_program(site: Site) -> None:
    site.box.kill()
    site.plain.end(signal.SIGKILL)


def _faulty_server(behaviour: str, *, alone: bool = False) -> Fault:
    return Fault(lambda s: s.replace_with_faulty_server(behaviour), lambda s: s.repair_server(), FAULTY_SECONDS, alone)


def _end_impairment(site: Site) -> None:
    site.impair()


FAULTS: dict[str, Fault] = {
    "feeds closed by the gateway": Fault(lambda s: s.gateway.do("close"), lambda s: None, 0.0),
    "gateway power-cycled": Fault(lambda s: s.gateway.do("down"), lambda s: s.gateway.do("up"), 8.0),
    "gateway's address changed": Fault(lambda s: s.gateway.do("down"), _change_gateway_address, 8.0),
    "box's address changed": Fault(_change_client_addresses, lambda s: None, 0.0),
    "cable pulled": Fault(lambda s: s.plug(False), lambda s: s.plug(True), 15.0),
    "all packets blocked": Fault(lambda s: s.impair(loss=1.0), _end_impairment, 35.0),
    "outgoing packets blocked": Fault(lambda s: s.impair("out", loss=1.0), _end_impairment, 35.0),
    "incoming packets blocked": Fault(lambda s: s.impair("in", loss=1.0), _end_impairment, 35.0),
    "30 % packet loss": Fault(lambda s: s.impair(loss=0.3), _end_impairment, 35.0),
    "2 s latency": Fault(lambda s: s.impair(delay=1.0), _end_impairment, 35.0),
    "duplicated packets": Fault(lambda s: s.impair(twice=1.0), _end_impairment, 15.0),
    "reordered packets": Fault(lambda s: s.impair(delay=0.005, jitter=0.2), _end_impairment, 15.0),
    "avahi restarted": Fault(lambda s: s.gateway.host.vanish(goodbye=True), lambda s: s.gateway.advertise(), 5.0),
    "gateway accepts, never answers": Fault(_silence_gateway, lambda s: s.gateway.do("behave", silent=False), 20.0),
    "gateway still starting": Fault(_reject_feeds, lambda s: s.gateway.do("behave", half_booted=False), 20.0),
    "token deleted and restored": Fault(
        lambda s: s.gateway.do("tokens", keep=[]), lambda s: s.gateway.do("tokens", keep=[TOKEN]), 10.0
    ),
    "client stopped": Fault(_end_program, lambda s: s.restart(), 2.0),
    "client killed": Fault(_kill_program, lambda s: s.restart(), 2.0),
    "messages in 1-byte frames": Fault(_send_one_byte_per_frame, lambda s: s.gateway.do("behave", crumbs=False), 15.0),
    **{
        behaviour: _faulty_server(behaviour)
        for behaviour in (
            "HTML from another device",
            "HTTP redirects",
            "1 byte per second",
            "truncated response",
            "oversized response",
            "invalid Content-Length",
            "gigabytes of data",
            "compression bomb",
            "every close code",
        )
    },
    "flood of pings": _faulty_server("flood of pings", alone=True),
}


def measure(only: Sequence[str] = ()) -> list[Row]:
    """Measure the recovery of both clients from each fault. Raises BenchError."""
    if (why := lab.missing()) is not None:
        raise BenchError(why)
    if not Path("/dev/net/tun").exists():
        raise BenchError("this kernel has no /dev/net/tun")
    names = list(only or FAULTS)
    found: dict[str, tuple[float, float]] = {}
    for alone, at_once in ((False, AT_ONCE), (True, 1)):
        now = [name for name in names if FAULTS[name].alone is alone]
        with ThreadPoolExecutor(at_once) as pool:
            found |= zip(now, pool.map(_time_fault, now), strict=True)
    return [Row(name, "s", *found[name], limit=RECOVERY_LIMIT) for name in names]


def _time_fault(name: str) -> tuple[float, float]:
    fault = FAULTS[name]
    with _site() as site:
        box, plain = site.box, site.plain
        site.gateway.do("start", count=BEFORE)
        box.wait(40, since=0, state="connected", active=BEFORE)
        if plain.time_of_count(BEFORE, 40) is None:
            raise BenchError(f"{name}: the plain client did not connect")
        # A feed that ends sooner counts as flapping, and the next one is not shown at once.
        time.sleep(GOOD_AFTER + 1.0)
        fault.begin(site)
        time.sleep(fault.lasts / 2)
        site.gateway.do("start")
        time.sleep(fault.lasts / 2)
        fault.end(site)
        ended = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(plain.time_of_count, AFTER, RECOVERY_LIMIT)
            try:
                back: float | None = box.wait(RECOVERY_LIMIT, state="connected", active=AFTER)["at"]
            except AssertionError:
                back = None
            plain_back = waiting.result()
        ours, theirs = (math.inf if at is None else max(0.0, at - ended) for at in (back, plain_back))
        # Printed at once, so that a failure in a later fault does not lose this result.
        print("  ".join(cell for cell in Row(name, "s", ours, theirs).cells() if cell), file=sys.stderr, flush=True)
    return ours, theirs


@contextmanager
def _site() -> Iterator[Site]:
    """A site with a gateway, an appliance and a plain client, all connected."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        net = Lab()
        stack.callback(net.close)
        gateway = OtherGateway(net.host(10), "Gateway", token=TOKEN)
        stack.callback(gateway.close)
        gateway.advertise()
        hosts = [net.host(50 + number, cable=True) for number in range(2)]
        box = Box(hosts[0], folder / "box")
        box.hold_token("Gateway", TOKEN)
        box.start()
        stack.callback(box.close, {TOKEN}, MAX_STOP_SECONDS)
        plain = PlainClient(hosts[1], folder / "plain")
        stack.callback(plain.end, signal.SIGKILL)
        yield Site(gateway, hosts, 90, box, plain, stack)
