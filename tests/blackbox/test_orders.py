"""Orders on a live feed: exact counts, page sounds, floods, and unusable messages."""

from __future__ import annotations

import itertools
import time
import uuid

import pytest

from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns


def order(**fields: object) -> dict[str, object]:
    """An order as in the vendor's documentation."""
    return {
        "name": "7", "uuid": str(uuid.uuid4()), "orderType": "ON_PREMISE", "locationName": "", "state": "started",
        "created": "2016-12-09T09:00:23", "stateChanged": "2016-12-09T09:00:23", "paged": False, "elapsedTime": 0,
        **fields,
    }  # fmt: skip


def test_an_order_from_start_to_clear(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    first = gateway.start(name="102", elapsedTime=400)
    box = rig.box(rig.lab.host(2), "orders: {warn_after: 300, late_after: 900}\n", paired=gateway)
    box.wait(15, state="connected", active=1, paged=0, where=lambda line: 395 <= line["oldest_s"] <= 460)
    assert box.line["leds"] == {"green": "off", "amber": "on", "red": "off"}
    gateway.do("change", uuid=first, state="cleared")
    box.wait(5, active=0, paged=0, oldest_s=None)

    second = gateway.start(name="23", state="located", locationName="8")
    box.wait(5, active=1, leds={"green": "on", "amber": "off", "red": "off"})
    # The tracker comes back under another uuid while the first order is still there, and after.
    third = gateway.start(name="23")
    box.wait(5, active=2)
    gateway.do("change", uuid=second, orderType="TO_GO")
    gateway.do("change", uuid=second, state="cleared")
    box.wait(5, active=1)
    gateway.start(name="23")
    gateway.do("change", uuid=third, state="located", locationName="12", surprise={"new": [1]})
    gateway.do("say", messages=[{"type": "TRACKER_CHARGED", "name": "23"}] * 2, seq=True)
    gateway.do("change", uuid=third, state="delighted")
    box.wait(5, active=2)

    # Each page has its own line if it comes 2 s or more after the last one.
    mark = box.mark()
    for _ in range(3):
        time.sleep(2.05)
        gateway.do("change", uuid=third, type="ORDER_PAGED", paged=True)
    time.sleep(0.3)
    pages = [line for line in box.lines[mark:] if line["sound"] == "page"]
    assert len(pages) == 3, box.story()
    assert all(line["paged"] == 1 for line in pages)
    assert box.sounds(mark) == ["page"] * 3
    gateway.do("change", uuid=third, paged=False)
    box.wait(5, active=2, paged=0)

    # A page during an outage sounds once after the reconnection.
    mark = box.mark()
    gateway.do("down")
    box.wait(5, since=mark, state="offline", active=None, paged=None, oldest_s=None)
    gateway.do("change", uuid=third, paged=True, hush=True)
    gateway.do("up")
    back = box.wait(20, since=mark, state="connected", active=2, paged=1)
    time.sleep(0.5)
    assert box.sounds(mark) == ["page"]
    mark = box.mark()
    gateway.do("down")
    box.wait(5, since=mark, state="offline")
    gateway.do("up")
    box.wait(20, since=mark, state="connected", active=2, paged=1)
    time.sleep(0.5)
    assert box.sounds(mark) == [], f"sounded again for {back}"
    # The state `delighted` is a reason to look, unless the gateway went down before.
    assert len(gateway.feeds) in (3, 4), "looked at the whole set without a reason"
    assert box.log.count("TRACKER_CHARGED") == 1, f"an unknown type must be logged once\n{box.log}"


def test_floods(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("start", count=20_000, hush=True)
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=20_000)
    mark = box.mark()
    for _ in range(2):
        active = gateway.do("burst", count=5_000)["active"]
        box.wait(10, since=mark, state="connected", active=active)
    assert len(gateway.feeds) == 1
    assert box.mark() - mark < 200, "one line per message of the flood"
    gateway.do("empty")
    gateway.do("say", messages=[{"type": "ACTIVE_ORDERS", "count": 0, "items": []}])
    box.wait(5, since=mark, state="connected", active=0)
    box.never(mark, state="offline")


def test_doubts_cause_a_second_feed(rig: Rig) -> None:
    """Four gateways at once: an invalid order, a gap, a change to an unknown order, and endless errors."""
    names = "bad", "gap", "unknown", "endless"
    gateways = {name: rig.gateway(10 + i, name) for i, name in enumerate(names)}
    boxes = {name: rig.box(rig.lab.host(50 + i), paired=gateways[name], start=False) for i, name in enumerate(names)}
    for gateway in gateways.values():
        gateway.do("start", count=2)
    for box in boxes.values():
        box.launch()
    for box in boxes.values():
        box.wait(30, since=0, state="connected", active=2)
    marks = {name: box.mark() for name, box in boxes.items()}
    began = time.monotonic()

    # In each case the gateway has an order without a notification.
    for gateway in gateways.values():
        gateway.start(name="3")
        gateway.do("start", hush=True)
    bad = [{"type": "ORDER_CREATED", "name": "9"}, {"type": "ORDER_CREATED", **order(uuid=None)}]
    gateways["bad"].do("say", messages=bad, seq=True)
    gap = gateways["gap"].start(name="5")
    # This gateway allows one feed per token, which must not cause an outage.
    gateways["unknown"].do("behave", single=True)
    gateways["unknown"].do("say", messages=[{"type": "ORDER_MODIFIED", **order(state="located")}])
    while time.monotonic() < began + 22 and len(gateways["endless"].feeds) < 3:
        gateways["endless"].do("say", messages=[{"type": "ORDER_CREATED", "uuid": ["?"]}], seq=True)
        time.sleep(0.25)

    for name, active in (("bad", 4), ("gap", 5), ("unknown", 4), ("endless", 4)):
        line = boxes[name].wait(0, since=marks[name], state="connected", active=active)
        assert line["at"] < began + 13, f"{name}: {line['at'] - began:.1f} s"
        assert boxes[name].line["active"] == active, boxes[name].story()
        boxes[name].never(marks[name], state="offline")
    for name in ("bad", "gap", "unknown"):
        assert len(gateways[name].feeds) == 2, name
        assert max(line["active"] for line in boxes[name].lines[marks[name] :]) == (5 if name == "gap" else 4), name
    endless = gateways["endless"].feeds
    assert len(endless) == 3, endless
    assert all(later - earlier > 9.5 for earlier, later in itertools.pairwise(endless)), endless
    gateways["gap"].do("change", uuid=gap, state="cleared")
    boxes["gap"].wait(5, active=4)


def test_sounds_and_times_follow_the_settings(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    settings = (
        "orders: {warn_after: 1 s, late_after: 2 s, to_go: {late_after: 1 h}}\n"
        "buzzer: {page: false, new_order: true, late_every: 1 min}\n"
    )
    box = rig.box(rig.lab.host(2), settings, paired=gateway)
    box.wait(15, state="connected", active=0)
    mark = box.mark()
    gateway.start(name="7", orderType="TO_GO")
    box.wait(5, since=mark, active=1, sound="new_order")
    box.wait(5, since=mark, leds={"green": "off", "amber": "on", "red": "off"})
    time.sleep(2)
    assert box.sounds(mark) == ["new_order"], "an order to go is late after an hour"
    first, second = gateway.start(name="31"), gateway.start(name="32")
    box.wait(5, since=mark, active=3, sound="late", leds={"green": "off", "amber": "off", "red": "on"})
    gateway.do("change", uuid=first, type="ORDER_PAGED", paged=True)
    gateway.do("change", uuid=second, type="ORDER_PAGED", paged=True)
    for number in (32, 31):
        box.wait(7, since=mark, screen=[f"Tracker {number} paged", "+1 more", "3 orders"])
    time.sleep(1)
    assert box.sounds(mark) == ["new_order", "new_order", "late"], box.story()
