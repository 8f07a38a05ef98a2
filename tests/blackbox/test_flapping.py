"""A gateway whose feeds open and die: the box neither floods it nor lets the display flicker."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import pytest

from tests.blackbox.boxes import Box, Json
from tests.blackbox.conftest import Rig
from tests.blackbox.gateways import OtherGateway

pytestmark = pytest.mark.netns

LASTS = 20.0
"""Seconds of flapping: by then the back-off has reached its longest pause."""


@dataclass
class Flapping:
    """A box whose gateway's feeds die. lines, opened: the box's lines and the gateway's feeds so far."""

    gateway: OtherGateway
    box: Box
    mark: int = 0
    lines: int = 0
    opened: int = 0

    def differs(self, line: Json) -> bool:
        """Whether a line has other words than the last one while the feeds died."""
        return bool(line["screen"] != self.box.lines[self.lines - 1]["screen"])


def test_feeds_that_die_at_once(rig: Rig) -> None:
    """At once and after half a second; of a gateway that is found and of one in the settings."""
    sites: list[Flapping] = []
    for number, (fixed, dies) in enumerate(itertools.product((False, True), (0.0, 0.5))):
        name = f"Gateway {number}"
        gateway = rig.gateway(10 + number, name, advertise=not fixed)
        config = f'gateway: {{address: "{gateway.where}", name: {name}}}\n' if fixed else ""
        gateway.do("behave", dies=dies)
        sites.append(Flapping(gateway, rig.box(rig.lab.host(50 + number), config, paired=gateway, start=False)))
    for site in sites:
        site.mark = site.box.start()
    for site in sites:
        site.box.wait(20, since=site.mark, state="offline", reason="feed refused")
    began = time.monotonic()
    for site in sites:
        site.opened, site.lines = len(site.gateway.feeds), site.box.mark()
    time.sleep(LASTS)
    for site in sites:
        box = site.box
        assert len(site.gateway.feeds) - site.opened <= 7, "back-offs of 2, 4, 8 and 10 s, less the jitter"
        assert len(box.lines) - site.lines <= 3, box.story()
        box.never(site.lines, state="connected")
        states = [line for line in box.log.splitlines() if "Offline" in line or "Connected" in line]
        assert len(states) <= 4, box.log
        assert box.sounds(site.mark) == []

    # A press is answered at once, and a feed that lives is shown when it has proved itself.
    for site in sites:
        pressed = site.box.press()
        site.box.wait(1, since=pressed, where=site.differs)
        site.gateway.do("behave", dies=None)
    for site in sites:
        site.box.wait(25, since=site.lines, state="connected", active=0)
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
