"""A gateway whose feeds open and die: the box neither floods it nor lets the display flicker."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns

LASTS = 20.0
"""Seconds of flapping: by then the back-off has reached its longest pause."""


@pytest.mark.parametrize("fixed", [False, True], ids=["found", "typed in"])
@pytest.mark.parametrize("dies", [0.0, 0.5])
def test_feeds_that_die_at_once(rig: Rig, fixed: bool, dies: float) -> None:
    gateway = rig.gateway(10, "Gateway", advertise=not fixed)
    config = f'gateway: {{address: "{gateway.where}", name: Gateway}}\n' if fixed else ""
    box = rig.box(rig.lab.host(2), config, paired=gateway, start=False)
    gateway.do("behave", dies=dies)
    mark = box.start()
    box.wait(15, since=mark, state="offline", reason="feed refused")
    began, opened, lines = time.monotonic(), len(gateway.feeds), box.mark()
    time.sleep(LASTS)
    assert len(gateway.feeds) - opened <= 7, "back-offs of 2, 4, 8 and 10 s, less the jitter"
    assert len(box.lines) - lines <= 3, box.story()
    box.never(lines, state="connected")
    states = [line for line in box.log.splitlines() if "Offline" in line or "Connected" in line]
    assert len(states) <= 4, box.log
    assert box.sounds(mark) == []

    # A press is answered at once, and a feed that lives is shown when it has proved itself.
    pressed = box.press()
    box.wait(1, since=pressed, where=lambda line: line["screen"] != box.lines[lines - 1]["screen"])
    gateway.do("behave", dies=None)
    box.wait(25, since=pressed, state="connected", active=0)
    assert time.monotonic() - began < LASTS + 30


def test_a_page_on_a_feed_that_has_not_proved_itself_sounds_at_once(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    uuid = gateway.start()
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    gateway.do("behave", dies=0.0)
    mark = box.start()
    box.wait(15, since=mark, state="offline", reason="feed refused")
    gateway.do("behave", dies=None)
    feeds = len(gateway.feeds)
    gateway.wait(lambda gateway: len(gateway.feeds) > feeds, 12)
    mark = box.mark()
    gateway.do("change", uuid=uuid, type="ORDER_PAGED", paged=True)
    box.wait(1.5, since=mark, state="connected", sound="page")


def test_a_usual_reconnect_is_shown_at_once(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected")
    time.sleep(6)
    mark = box.mark()
    closed = time.monotonic()
    gateway.do("close")
    box.wait(5, since=mark, state="offline")
    back = box.wait(5, since=mark, state="connected", active=0)
    assert back["at"] - closed < 3
    assert len(list(itertools.groupby(line["state"] for line in box.lines[mark:]))) <= 3
