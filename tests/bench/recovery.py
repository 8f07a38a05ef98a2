"""How long it takes from the end of a fault to a count that is live and true again, beside the plain client.

Each fault has a gateway, an appliance and a plain client of its own, in network namespaces, with avahi and cables that
have weather. During the fault the gateway gets an order more: what shows it is back. As root.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.program import BenchError
from tests.bench.table import Row
from tests.blackbox import lab
from tests.blackbox.boxes import ROOT, Box
from tests.blackbox.gateways import OtherGateway
from tests.blackbox.lab import Host, Lab

NAMES = ("time to a live count after", "appliance", "plain client")
TOKEN = "b" * 48
PATIENCE = 60.0
"""Seconds after which a client is taken to be lost; the appliance's goal is to be back within them."""
AT_ONCE = 4
"""Faults at a time: more would keep each other from the processor."""


@dataclass
class Site:
    """What a fault befalls. hosts: of the two clients. free: an address that nobody has."""

    gateway: OtherGateway
    hosts: Sequence[Host]
    free: int

    def weather(self, way: str | None = None, **weather: float) -> None:
        """On both clients' cables."""
        for host in self.hosts:
            host.weather(way, **weather)

    def plug(self, plugged: bool) -> None:
        """Pull both clients' cables, or plug them in."""
        for host in self.hosts:
            host.plug(plugged)


Deed = Callable[[Site], object]


@dataclass(frozen=True)
class Fault:
    """begin, end: what is done to a site. lasts: seconds between them."""

    begin: Deed
    end: Deed
    lasts: float


def _moves(site: Site) -> None:
    site.gateway.host.move(site.free)
    site.gateway.do("up")


def _renumber(site: Site) -> None:
    for number, host in enumerate(site.hosts):
        host.move(site.free + 1 + number)


def _is_silent(site: Site) -> None:
    site.gateway.do("behave", silent=True)
    site.gateway.do("close")


def _is_half_booted(site: Site) -> None:
    site.gateway.do("behave", half_booted=True)
    site.gateway.do("close")


def _calm(site: Site) -> None:
    site.weather()


FAULTS: dict[str, Fault] = {
    "feeds closed by the gateway": Fault(lambda s: s.gateway.do("close"), lambda s: None, 0.0),
    "gateway power-cycled": Fault(lambda s: s.gateway.do("down"), lambda s: s.gateway.do("up"), 8.0),
    "gateway at another address": Fault(lambda s: s.gateway.do("down"), _moves, 8.0),
    "own address changed": Fault(_renumber, lambda s: None, 0.0),
    "cable pulled": Fault(lambda s: s.plug(False), lambda s: s.plug(True), 15.0),
    "nothing goes through": Fault(lambda s: s.weather(loss=1.0), _calm, 35.0),
    "nothing goes out": Fault(lambda s: s.weather("out", loss=1.0), _calm, 35.0),
    "nothing comes in": Fault(lambda s: s.weather("in", loss=1.0), _calm, 35.0),
    "30 % loss": Fault(lambda s: s.weather(loss=0.3), _calm, 35.0),
    "2 s of delay": Fault(lambda s: s.weather(delay=1.0), _calm, 35.0),
    "every packet twice": Fault(lambda s: s.weather(twice=1.0), _calm, 15.0),
    "packets out of order": Fault(lambda s: s.weather(delay=0.005, jitter=0.2), _calm, 15.0),
    "avahi restarted": Fault(lambda s: s.gateway.host.vanish(goodbye=True), lambda s: s.gateway.advertise(), 5.0),
    "gateway accepts, says nothing": Fault(_is_silent, lambda s: s.gateway.do("behave", silent=False), 20.0),
    "gateway half booted": Fault(_is_half_booted, lambda s: s.gateway.do("behave", half_booted=False), 20.0),
}


class Plain:
    """A plain client on a host. lines: when it showed which count; None where it says that there is none."""

    def __init__(self, host: Host, folder: Path) -> None:
        folder.mkdir()
        file = folder / "token"
        file.write_text(TOKEN)
        program = [sys.executable, "-m", "tests.bench.plain_lines", "--token-file", str(file)]
        self._process = host.start(program, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        self.lines: list[tuple[float, int | None]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def shows(self, count: int, within: float) -> float | None:
        """When it began to show a count that it shows now, or will within some seconds; None where it does not."""
        with self._news:
            there = self._news.wait_for(lambda: self.lines and self.lines[-1][1] == count, max(0.0, within))
            return self.lines[-1][0] if there else None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            with self._news:
                self.lines.append((time.monotonic(), json.loads(text)["active"]))
                self._news.notify_all()


def measure(only: Sequence[str] = ()) -> list[Row]:
    """Have each fault befall both, and time them. Raises BenchError."""
    if (why := lab.missing()) is not None:
        raise BenchError(why)
    if not Path("/dev/net/tun").exists():
        raise BenchError("this kernel has no /dev/net/tun")
    names = list(only or FAULTS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(_befall, names))
    return [Row(name, "s", *times, limit=PATIENCE) for name, times in zip(names, found, strict=True)]


def _befall(name: str) -> tuple[float, float]:
    fault = FAULTS[name]
    with _site() as (site, box, plain):
        site.gateway.do("start", count=2)
        box.wait(40, since=0, state="connected", active=2)
        if plain.shows(2, 40) is None:
            raise BenchError(f"{name}: the plain client did not connect")
        time.sleep(2)
        fault.begin(site)
        time.sleep(fault.lasts / 2)
        site.gateway.do("start")
        time.sleep(fault.lasts / 2)
        fault.end(site)
        ended = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(plain.shows, 3, PATIENCE)
            try:
                back: float | None = box.wait(PATIENCE, state="connected", active=3)["at"]
            except AssertionError:
                back = None
            plain_back = waiting.result()
    ours, theirs = (math.inf if at is None else max(0.0, at - ended) for at in (back, plain_back))
    return ours, theirs


@contextmanager
def _site() -> Iterator[tuple[Site, Box, Plain]]:
    """A lab with one of each, all connected."""
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
        stack.callback(box.close, {TOKEN})
        plain = Plain(hosts[1], folder / "plain")
        stack.callback(plain.close)
        yield Site(gateway, hosts, 90), box, plain
