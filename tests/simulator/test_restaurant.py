"""The simulated restaurant, without a network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.simulator.restaurant import Ending, Restaurant, TrackerInUseError, UnknownOrderError

from .conftest import Clock


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def restaurant(clock: Clock, heard: list[dict[str, Any]]) -> Restaurant:
    return Restaurant(clock, heard.append)


def test_notifications_match_the_documentation(restaurant: Restaurant, heard: list[dict[str, Any]]) -> None:
    order = restaurant.create("102")
    assert list(heard[0].items()) == [
        ("type", "ORDER_CREATED"),
        ("seq", 1),
        ("name", "102"),
        ("uuid", order.uuid),
        ("orderType", "ON_PREMISE"),
        ("locationName", ""),
        ("state", "started"),
        ("created", "2016-09-22T19:08:52"),
        ("stateChanged", "2016-09-22T19:08:52"),
        ("paged", False),
        ("elapsedTime", 0),
    ]


def test_an_order_lives_from_started_to_cleared(
    restaurant: Restaurant, clock: Clock, heard: list[dict[str, Any]]
) -> None:
    uuid = restaurant.create("5").uuid
    clock.advance(seconds=30)
    restaurant.locate("5", "12")
    clock.advance(seconds=30)
    restaurant.locate("5", "13")
    restaurant.modify(uuid, order_type="TO_GO")
    restaurant.page("5")
    restaurant.cancel_page(uuid)
    clock.advance(seconds=40)
    restaurant.clear("5")
    sent = [(m["type"], m["seq"], m["state"], m["locationName"], m["orderType"], m["paged"]) for m in heard]
    assert sent == [
        ("ORDER_CREATED", 1, "started", "", "ON_PREMISE", False),
        ("ORDER_MODIFIED", 2, "located", "12", "ON_PREMISE", False),
        ("ORDER_MODIFIED", 3, "located", "13", "ON_PREMISE", False),
        ("ORDER_MODIFIED", 4, "located", "13", "TO_GO", False),
        ("ORDER_PAGED", 5, "located", "13", "TO_GO", True),
        ("ORDER_MODIFIED", 6, "located", "13", "TO_GO", False),
        ("ORDER_MODIFIED", 7, "cleared", "13", "TO_GO", False),
    ]
    changed = [m["stateChanged"] for m in heard]
    assert changed == ["2016-09-22T19:08:52"] + ["2016-09-22T19:09:22"] * 5 + ["2016-09-22T19:10:32"]
    assert heard[-1]["elapsedTime"] == 100
    assert restaurant.active == []


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (Ending.MODIFIED, ("ORDER_MODIFIED", "cleared")),
        (Ending.CAPITALS, ("ORDER_MODIFIED", "CLEARED")),
        (Ending.WORD, ("ORDER_MODIFIED", "finished")),
        (Ending.TYPE, ("ORDER_CLEARED", "located")),
        (Ending.UUID, ("ORDER_REMOVED", None)),
        (Ending.SILENT, None),
    ],
)
def test_an_end_may_be_told_in_another_way(
    restaurant: Restaurant, heard: list[dict[str, Any]], ending: Ending, told: tuple[str, str | None] | None
) -> None:
    restaurant.ending = ending
    uuid = restaurant.create(location="8").uuid
    restaurant.clear(uuid)
    assert [(m["type"], m.get("state")) for m in heard[1:]] == ([told] if told else [])
    assert [order.state for order in restaurant.history()] == ["cleared"]
    restaurant.create()
    assert [m["seq"] for m in heard] == list(range(1, len(heard) + 1))


def test_an_order_may_begin_located(restaurant: Restaurant) -> None:
    assert restaurant.create(location="8").state == "located"


def test_a_reused_tracker_has_another_uuid(restaurant: Restaurant) -> None:
    first = restaurant.create("23")
    with pytest.raises(TrackerInUseError):
        restaurant.create("23")
    restaurant.clear("23")
    with pytest.raises(UnknownOrderError):
        restaurant.page(first.uuid)
    assert restaurant.create("23").uuid != first.uuid


def test_only_free_trackers_are_reused(restaurant: Restaurant) -> None:
    many = restaurant.create_many(1000)
    assert len({order.name for order in many}) == 1000
    restaurant.clear_all()
    assert {int(order.name) for order in restaurant.create_many(100)} <= set(range(1, 201))


def test_a_lost_notification_uses_up_its_seq(restaurant: Restaurant, heard: list[dict[str, Any]]) -> None:
    restaurant.drop_next(2)
    restaurant.create_many(3)
    assert [message["seq"] for message in heard] == [3]
    assert len(restaurant.active) == 3


def test_elapsed_time_may_be_omitted(restaurant: Restaurant, clock: Clock) -> None:
    order = restaurant.create(age=90)
    clock.advance(seconds=10)
    assert restaurant.describe(order)["elapsedTime"] == 100
    restaurant.reports_elapsed = False
    assert restaurant.describe(order)["elapsedTime"] == 0


def test_history_is_kept_two_weeks(restaurant: Restaurant, clock: Clock) -> None:
    restaurant.create("1")
    restaurant.clear("1")
    clock.advance(days=14)
    restaurant.create("2")
    assert [order.name for order in restaurant.history()] == ["2", "1"]
    clock.advance(seconds=1)
    assert [order.name for order in restaurant.history()] == ["2"]


def test_history_is_filtered(restaurant: Restaurant, clock: Clock) -> None:
    start = clock.now.replace(microsecond=0)
    restaurant.create("1", order_type="TO_GO")
    clock.advance(minutes=1)
    restaurant.create("2", location="9")
    restaurant.clear("2")
    minute = timedelta(minutes=1)

    def names(**which: Any) -> list[str]:
        return [order.name for order in restaurant.history(**which)]

    assert names(order_type="TO_GO") == ["1"]
    assert names(location="9") == ["2"]
    assert names(created_after=start) == ["2", "1"]
    assert names(created_after=start + timedelta(seconds=1)) == ["2"]
    assert names(created_before=start + minute) == ["1"]


def test_statistics_are_todays(restaurant: Restaurant, clock: Clock) -> None:
    restaurant.create("1")
    restaurant.clear("1")
    clock.advance(days=1)
    for seconds in (100, 300, 500):
        order = restaurant.create()
        clock.advance(seconds=seconds)
        restaurant.clear(order.uuid)
    restaurant.create()
    assert restaurant.statistics(300) == {
        "targetTime": 300,
        "activeOrders": 1,
        "finishedOrders": 3,
        "averageTime": 300,
        "ordersOverTarget": 1,
    }


@given(st.lists(st.tuples(st.sampled_from(["create", "locate", "page", "clear"]), st.sampled_from("1234"))))
def test_notifications_add_up_to_the_active_orders(steps: list[tuple[str, str]]) -> None:
    latest: dict[object, dict[str, Any]] = {}
    restaurant = Restaurant(Clock(), lambda message: latest.__setitem__(message["uuid"], message))
    for step, name in steps:
        try:
            match step:
                case "create":
                    restaurant.create(name)
                case "locate":
                    restaurant.locate(name, "1")
                case "page":
                    restaurant.page(name)
                case _:
                    restaurant.clear(name)
        except (UnknownOrderError, TrackerInUseError):
            continue
    active = {uuid for uuid, message in latest.items() if message["state"] != "cleared"}
    assert active == {order.uuid for order in restaurant.active}
    assert len(restaurant.history()) == len(latest)
