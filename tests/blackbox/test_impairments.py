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
"""Seconds of each impairment: longer than the timeout of a silent feed."""
TRUE_FOR = 30.0
"""Maximum age of a displayed count in seconds, until the box detects a dead connection."""

IMPAIRMENTS: dict[str, Callable[[Host], None]] = {
    "nothing goes out": lambda host: host.impair("out", loss=1.0),
    "nothing comes in": lambda host: host.impair("in", loss=1.0),
    "nothing goes through": lambda host: host.impair(loss=1.0),
    "30 % loss": lambda host: host.impair(loss=0.3),
    "2 s of delay": lambda host: host.impair(delay=1.0),
    "every packet twice": lambda host: host.impair(twice=1.0),
    "packets overtake each other": lambda host: host.impair(delay=0.005, jitter=0.2),
    "the cable is pulled": lambda host: host.plug(False),
}
DEAD = {"nothing goes out", "nothing comes in", "nothing goes through", "the cable is pulled"}
LIVES = {"every packet twice", "packets overtake each other", "2 s of delay"}
"""TCP compensates for these, so the box must stay online."""


def calm(host: Host) -> None:
    host.impair()
    host.plug(True)


def test_no_wrong_count_on_an_impaired_cable(rig: Rig) -> None:
    if not Path("/dev/net/tun").exists():
        pytest.skip("no /dev/net/tun in this kernel")
    gateway = rig.gateway(10, "Gateway")
    gateway.do("start", count=2)
    counts: list[tuple[float, int]] = [(time.monotonic(), 2)]
    token = rig.token()
    gateway.do("tokens", keep=[token])
    boxes: dict[str, Box] = {}
    for number, name in enumerate(IMPAIRMENTS):
        host = rig.lab.host(50 + number, cable=True)
        boxes[name] = rig.box(host, start=False)
        boxes[name].hold_token(gateway.name, token)
    for box in boxes.values():
        box.launch()
    for box in boxes.values():
        box.wait(40, since=0, state="connected", active=2)
    marks = {name: box.mark() for name, box in boxes.items()}
    for name, box in boxes.items():
        IMPAIRMENTS[name](box.host)
    began = time.monotonic()
    while time.monotonic() < began + LASTS:
        gateway.start()
        counts.append((time.monotonic(), counts[-1][1] + 1))
        time.sleep(1.0)
        for name, box in boxes.items():
            _check_count(name, box, counts)
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
        threading.Thread(target=functools.partial(_wait_for_recovery, box, counts[-1][1], ended[name], back, name))
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


def _check_count(name: str, box: Box, counts: list[tuple[float, int]]) -> None:
    """Check that the displayed count is one of the gateway's recent counts."""
    active = box.line["active"]
    if active is None:
        return
    now = time.monotonic()
    older = [count for at, count in counts if at < now - TRUE_FOR]
    lately = {count for at, count in counts if at >= now - TRUE_FOR} | set(older[-1:])
    assert active in lately, f"{name}: the display shows {active}\n{box.story()}"


def _wait_for_recovery(box: Box, count: int, ended: float, back: dict[str, float], name: str) -> None:
    try:
        line = box.wait(max(0.0, ended + 60 - time.monotonic()), state="connected", active=count)
    except AssertionError:
        return
    back[name] = max(0.0, line["at"] - ended)
