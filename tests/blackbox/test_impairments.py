"""Lost, late, duplicated and reordered packets: no wrong count, and recovery within a minute."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.boxes import Box
from tests.blackbox.conftest import Rig
from tests.blackbox.lab import Host

pytestmark = pytest.mark.netns

LASTS = 35.0
"""Seconds of each weather: longer than a feed without an answer may live."""
TRUE_FOR = 30.0
"""Seconds for which a count on the screen may be old, while the line is not known to be dead."""

WEATHER: dict[str, Callable[[Host], None]] = {
    "nothing goes out": lambda host: host.weather("out", loss=1.0),
    "nothing comes in": lambda host: host.weather("in", loss=1.0),
    "nothing goes through": lambda host: host.weather(loss=1.0),
    "30 % loss": lambda host: host.weather(loss=0.3),
    "2 s of delay": lambda host: host.weather(delay=1.0),
    "every packet twice": lambda host: host.weather(twice=1.0),
    "packets overtake each other": lambda host: host.weather(delay=0.005, jitter=0.2),
    "the cable is pulled": lambda host: host.plug(False),
}
DEAD = {"nothing goes out", "nothing comes in", "nothing goes through", "the cable is pulled"}
LIVES = {"every packet twice", "packets overtake each other", "2 s of delay"}
"""In these TCP does its work, and there is no reason to be offline."""


def calm(host: Host) -> None:
    host.weather()
    host.plug(True)


def test_weather(rig: Rig) -> None:
    if not Path("/dev/net/tun").exists():
        pytest.skip("no /dev/net/tun in this kernel")
    gateway = rig.gateway(10, "Gateway")
    gateway.do("start", count=2)
    counts: list[tuple[float, int]] = [(time.monotonic(), 2)]
    token = rig.token()
    gateway.do("tokens", keep=[token])
    boxes: dict[str, Box] = {}
    for number, name in enumerate(WEATHER):
        host = rig.lab.host(50 + number, cable=True)
        boxes[name] = rig.box(host, start=False)
        boxes[name].hold_token(gateway.name, token)
    for box in boxes.values():
        box.launch()
    for box in boxes.values():
        box.wait(40, since=0, state="connected", active=2)
    marks = {name: box.mark() for name, box in boxes.items()}
    for name, box in boxes.items():
        WEATHER[name](box.host)
    began = time.monotonic()
    while time.monotonic() < began + LASTS:
        gateway.start()
        counts.append((time.monotonic(), counts[-1][1] + 1))
        time.sleep(1.0)
        for name, box in boxes.items():
            _is_honest(name, box, counts)
    for name, box in boxes.items():
        if name in DEAD:
            assert box.line["state"] == "offline", f"{name}\n{box.story()}"
        if name in LIVES:
            box.never(marks[name], state="offline")
    ended = {}
    for name, box in boxes.items():
        calm(box.host)
        ended[name] = time.monotonic()
    back: dict[str, float] = {}
    threads = [
        threading.Thread(target=functools.partial(_comes_back, box, counts[-1][1], ended[name], back, name))
        for name, box in boxes.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, box in boxes.items():
        print(f"{name}: {back.get(name, float('nan')):.1f} s")
        assert name in back, f"{name}: not back within a minute\n{box.story()}"
        assert not box.sounds(marks[name])


def _is_honest(name: str, box: Box, counts: list[tuple[float, int]]) -> None:
    """A count that is shown is one that the gateway had within the last seconds."""
    active = box.line["active"]
    if active is None:
        return
    now = time.monotonic()
    older = [count for at, count in counts if at < now - TRUE_FOR]
    lately = {count for at, count in counts if at >= now - TRUE_FOR} | set(older[-1:])
    assert active in lately, f"{name}: {active} is shown\n{box.story()}"


def _comes_back(box: Box, count: int, ended: float, back: dict[str, float], name: str) -> None:
    try:
        line = box.wait(max(0.0, ended + 60 - time.monotonic()), state="connected", active=count)
    except AssertionError:
        return
    back[name] = max(0.0, line["at"] - ended)
