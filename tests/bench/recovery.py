"""How long it takes from the end of a fault to a count that is live and true again, beside the plain client.

Each fault has a gateway, an appliance and a plain client of its own, in network namespaces, with avahi and cables that
have weather. During the fault the gateway gets an order more: what shows it is back. As root.

A server gone wrong is one of tests/hostile/servers.py: it takes the gateway's place, and becomes good for who comes
anew, while the lines that are open stay as they are.
"""

from __future__ import annotations

import json
import math
import signal
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
from tests.hostile.appliance_process import TOKEN

NAMES = ("time to a live count after", "appliance", "plain client")
PATIENCE = 60.0
"""Seconds after which a client is taken to be lost; the appliance's goal is to be back within them."""
AT_ONCE = 4
"""Faults at a time: more would keep each other from the processor."""
BEFORE, AFTER = 2, 3
"""Orders before a fault and after it."""
TO_END = 10.0
"""Seconds in which a program has to end here: how long that takes is not measured, and the machine is busy."""
HOSTILE_FOR = 25.0
"""Seconds that a server is gone wrong: longer than a feed without an answer may live."""


@dataclass
class Site:
    """What a fault befalls. hosts: of the two clients. free: an address that nobody has."""

    gateway: OtherGateway
    hosts: Sequence[Host]
    free: int
    box: Box
    plain: Plain
    stack: ExitStack
    hostile: Hostile | None = None

    def weather(self, way: str | None = None, **weather: float) -> None:
        """On both clients' cables."""
        for host in self.hosts:
            host.weather(way, **weather)

    def plug(self, plugged: bool) -> None:
        """Pull both clients' cables, or plug them in."""
        for host in self.hosts:
            host.plug(plugged)

    def go_wrong(self, mood: str) -> None:
        """Have a server in such a mood take the gateway's place."""
        self.gateway.do("down")
        self.hostile = Hostile(self.gateway, mood)
        self.stack.callback(self.hostile.close)

    def come_right(self) -> None:
        """Make it a good gateway. Raises BenchError where nobody has met it."""
        assert self.hostile is not None
        self.hostile.come_right()

    def restart(self) -> None:
        """Start both clients again."""
        self.box.launch()
        self.plain.start()


Deed = Callable[[Site], object]


@dataclass(frozen=True)
class Fault:
    """begin, end: what is done to a site. lasts: seconds between them. alone: it leaves no processor to another."""

    begin: Deed
    end: Deed
    lasts: float
    alone: bool = False


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


def _is_in_crumbs(site: Site) -> None:
    site.gateway.do("behave", crumbs=True)
    site.gateway.do("close")


def _end_program(site: Site) -> None:
    site.box.end(within=TO_END)
    site.plain.end()


def _kill_program(site: Site) -> None:
    site.box.kill()
    site.plain.end(signal.SIGKILL)


def _gone_wrong(mood: str, *, alone: bool = False) -> Fault:
    return Fault(lambda s: s.go_wrong(mood), lambda s: s.come_right(), HOSTILE_FOR, alone)


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
    "token deleted and restored": Fault(
        lambda s: s.gateway.do("tokens", keep=[]), lambda s: s.gateway.do("tokens", keep=[TOKEN]), 10.0
    ),
    "own program ended": Fault(_end_program, lambda s: s.restart(), 2.0),
    "own program killed": Fault(_kill_program, lambda s: s.restart(), 2.0),
    "messages, a byte a frame": Fault(_is_in_crumbs, lambda s: s.gateway.do("behave", crumbs=False), 15.0),
    "a page of some other device": _gone_wrong("answers with a page"),
    "redirects": _gone_wrong("redirects"),
    "a byte a second": _gone_wrong("drips a byte a second"),
    "less than was promised": _gone_wrong("promises more than it sends"),
    "more than was promised": _gone_wrong("sends more than it promised"),
    "a length that is none": _gone_wrong("a length that is none"),
    "gigabytes": _gone_wrong("answers with gigabytes"),
    "a compression bomb": _gone_wrong("a bomb"),
    "closes with each code": _gone_wrong("closes with each code"),
    "pings as fast as they go": _gone_wrong("pings as fast as they go", alone=True),
}


class Hostile:
    """A server gone wrong, on a gateway's host and port."""

    def __init__(self, gateway: OtherGateway, mood: str) -> None:
        nowhere = f"{gateway.host.address}:9"
        program = [sys.executable, "-m", "tests.hostile.servers", str(gateway.port), mood, nowhere, str(AFTER)]
        self._mood = mood
        self._process = gateway.host.start(program, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BenchError(f"no server: {mood}")

    def come_right(self) -> None:
        """Make it good for who comes anew. Raises BenchError unless both clients have met it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        if int(self._process.stdout.readline()) < 2:
            raise BenchError(f"not both clients met the server: {self._mood}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate(timeout=10)


class Plain:
    """A plain client on a host. lines: when it showed which count; None where it says that there is none."""

    def __init__(self, host: Host, folder: Path) -> None:
        folder.mkdir()
        self._host = host
        self._file = folder / "token"
        self._file.write_text(TOKEN)
        self.lines: list[tuple[float, int | None]] = []
        self._news = threading.Condition()
        self.start()

    def start(self) -> None:
        """Start it."""
        program = [sys.executable, "-m", "tests.bench.plain_lines", "--token-file", str(self._file)]
        self._process = self._host.start(program, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def shows(self, count: int, within: float) -> float | None:
        """When it began to show a count that it shows now, or will within some seconds; None where it does not."""
        with self._news:
            there = self._news.wait_for(lambda: self.lines and self.lines[-1][1] == count, max(0.0, within))
            return self.lines[-1][0] if there else None

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it still runs."""
        self._process.send_signal(how)
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
    found: dict[str, tuple[float, float]] = {}
    for alone, at_once in ((False, AT_ONCE), (True, 1)):
        now = [name for name in names if FAULTS[name].alone is alone]
        with ThreadPoolExecutor(at_once) as pool:
            found |= zip(now, pool.map(_befall, now), strict=True)
    return [Row(name, "s", *found[name], limit=PATIENCE) for name in names]


def _befall(name: str) -> tuple[float, float]:
    fault = FAULTS[name]
    with _site() as site:
        box, plain = site.box, site.plain
        site.gateway.do("start", count=BEFORE)
        box.wait(40, since=0, state="connected", active=BEFORE)
        if plain.shows(BEFORE, 40) is None:
            raise BenchError(f"{name}: the plain client did not connect")
        time.sleep(2)
        fault.begin(site)
        time.sleep(fault.lasts / 2)
        site.gateway.do("start")
        time.sleep(fault.lasts / 2)
        fault.end(site)
        ended = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(plain.shows, AFTER, PATIENCE)
            try:
                back: float | None = box.wait(PATIENCE, state="connected", active=AFTER)["at"]
            except AssertionError:
                back = None
            plain_back = waiting.result()
        ours, theirs = (math.inf if at is None else max(0.0, at - ended) for at in (back, plain_back))
        # At once: what a later fault does to the machine then takes nothing of this one's.
        print("  ".join(cell for cell in Row(name, "s", ours, theirs).cells() if cell), file=sys.stderr, flush=True)
    return ours, theirs


@contextmanager
def _site() -> Iterator[Site]:
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
        stack.callback(box.close, {TOKEN}, TO_END)
        plain = Plain(hosts[1], folder / "plain")
        stack.callback(plain.end, signal.SIGKILL)
        yield Site(gateway, hosts, 90, box, plain, stack)
