"""A count that may be wrong: unknown ends of orders, empty and capped lists, and a gateway's clock that is wrong."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from tests.blackbox.conftest import Rig
from tests.blackbox.test_orders import order

pytestmark = pytest.mark.netns

ENDS: dict[str, Any] = {
    "fields": lambda gone: {**gone, "type": "ORDER_CLEARED", "state": "located"},
    "uuid": lambda gone: {"type": "ORDER_REMOVED", "uuid": gone["uuid"]},
    "capitals": lambda gone: {**gone, "type": "order_modified", "state": "CLEARED"},
    "word": lambda gone: {**gone, "type": "ORDER_MODIFIED", "state": "finished"},
    "nested": lambda gone: {"type": "TRACKER_RETURNED", "orders": [{"id": gone["uuid"]}]},
    "all": lambda gone: {"type": "ORDERS_CLEARED"},
}


def test_ends_of_orders_in_other_ways(rig: Rig) -> None:
    names = (*ENDS, "vain")
    gateways = {name: rig.gateway(10 + i, name) for i, name in enumerate(names)}
    boxes = {name: rig.box(rig.lab.host(50 + i), paired=gateways[name]) for i, name in enumerate(names)}
    orders = {name: [order(), order(), order()] for name in names}
    for name, box in boxes.items():
        box.wait(30, state="connected", active=0)
        for one in orders[name]:
            gateways[name].do("start", **one)
        box.wait(5, active=3)
    marks = {name: box.mark() for name, box in boxes.items()}
    for name, end in ENDS.items():
        gateways[name].do("end", uuid=orders[name][0]["uuid"], message=end(orders[name][0]))
    for name in ENDS:
        boxes[name].wait(12, since=marks[name], state="connected", active=2)
        boxes[name].never(marks[name], state="offline")
        assert len(gateways[name].feeds) == (1 if name == "capitals" else 2), name

    # One ends each second, and a type without a meaning comes as often.
    began, gateway, box = time.monotonic(), gateways["uuid"], boxes["uuid"]
    mark = box.mark()
    for _ in range(34):
        beat = {"type": "ORDER_HEARTBEAT", "uuid": orders["vain"][0]["uuid"]}
        gateways["vain"].do("say", messages=[beat], seq=True)
        uuid = gateway.start(name="8")
        time.sleep(0.5)
        gateway.do("end", uuid=uuid, message={"type": "ORDER_REMOVED", "uuid": uuid})
        time.sleep(0.5)
    box.wait(12, since=mark, state="connected", active=2)
    counts = [line["active"] for line in box.lines[mark:]]
    assert max(counts) <= 14, counts
    feeds = [at for at in gateway.feeds if at > began]
    assert all(later - earlier > 9.5 for earlier, later in itertools.pairwise(feeds)), feeds

    assert len(gateways["vain"].feeds) == 4, gateways["vain"].feeds

    # An order that was cleared is told again as new.
    gateway, box = gateways["word"], boxes["word"]
    last = orders["word"][2]
    gateway.do("change", uuid=last["uuid"], state="cleared")
    box.wait(5, active=1)
    looks = len(gateway.feeds)
    gateway.do("say", messages=[{"type": "ORDER_CREATED", **last}], seq=True)
    gateway.wait(lambda gateway: len(gateway.feeds) > looks, 11)
    time.sleep(0.5)
    assert box.line["active"] == 1


def test_empty_and_capped_lists(rig: Rig) -> None:
    gateways = {name: rig.gateway(10 + i, name) for i, name in enumerate(("none", "null", "capped"))}
    empty: dict[str, dict[str, Any]] = {"none": {"count": 0}, "null": {"items": None}}
    for name, fields in empty.items():
        gateways[name].do("behave", empty_set=fields)
    gateways["capped"].do("behave", lists_most=2)
    uuids = gateways["capped"].do("start", count=5)["uuids"]
    boxes = {name: rig.box(rig.lab.host(50 + i), paired=gateways[name]) for i, name in enumerate(gateways)}
    for name, fields in empty.items():
        boxes[name].wait(30, state="connected", active=0)
        uuid = gateways[name].start(name="7")
        boxes[name].wait(5, active=1)
        gateways[name].do("end", uuid=uuid)
        gateways[name].do("say", messages=[{"type": "ACTIVE_ORDERS", **fields}])
        boxes[name].wait(5, active=0)
    capped = boxes["capped"]
    line = capped.wait(30, state="connected", active=5)
    assert any("3 unreadable" in words for words in line["screen"]), line
    gateways["capped"].do("change", uuid=uuids[4], state="located", locationName="3")
    gateways["capped"].do("change", uuid=uuids[3], state="cleared")
    line = capped.wait(5, active=4)
    assert any("1 unreadable" in words for words in line["screen"]), line
    time.sleep(11)
    assert len(gateways["capped"].feeds) == 1


def test_a_clock_that_is_wrong_makes_no_order_old(rig: Rig) -> None:
    """Six orders of a minute: one has a time to come, a clock goes forward by an hour, one is set back."""
    stamp = "2026-09-22T19:{}:{:02}".format
    gateways = {name: rig.gateway(10 + i, name) for i, name in enumerate(("odd", "forward", "back"))}
    for number in range(5):
        at = stamp("08", 10 * number)
        gateways["odd"].do("start", created=at, stateChanged=at)
        gateways["forward"].do("start")
    gateways["odd"].do("start", created=stamp("33", 0), stateChanged=stamp("33", 0))
    boxes = {name: rig.box(rig.lab.host(50 + i), paired=gateways[name]) for i, name in enumerate(gateways)}
    for name, active in (("odd", 6), ("forward", 5), ("back", 0)):
        boxes[name].wait(30, state="connected", active=active)
    gateways["back"].start(name="1")
    boxes["back"].wait(5, active=1)

    gateways["forward"].do("behave", clock_ahead=3600)
    for _ in range(3):
        gateways["forward"].start(name="2")
    boxes["forward"].wait(5, active=8)
    mark = boxes["back"].mark()
    gateways["back"].do("down")
    boxes["back"].wait(5, since=mark, state="offline")
    gateways["back"].do("behave", clock_ahead=-1200)
    gateways["back"].do("start", count=6, hush=True)
    gateways["back"].do("up")
    boxes["back"].wait(20, since=mark, state="connected", active=7)
    for name, box in boxes.items():
        assert box.line["oldest_s"] < 120, (name, box.line)
        assert box.line["leds"] == {"green": "on", "amber": "off", "red": "off"}, name
        assert not any("late" in words for words in box.line["screen"]), name
        assert box.sounds() == [], name
