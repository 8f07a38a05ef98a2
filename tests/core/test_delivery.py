"""Delivery times by worked examples: which orders count, how long they took, and which are left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.delivery import DAY, Finished, LeftOut, began, day_of, delivery_time, finished, hour_of
from appliance.core.values import Order

FORGET = 3 * 3600.0
NOON = DAY * 10 + 12 * 3600.0
SUNDAY_2 = DAY * (1 + 7 * 3) + 2 * 3600.0
"""Two o'clock of a Sunday's night: the arbitrary day is a Saturday."""
ORDER = Finished("u", "23", "ON_PREMISE", "8", created=NOON, cleared=NOON + 240.0)


def test_from_start_to_clearing() -> None:
    assert delivery_time(ORDER, FORGET) == 240.0


def test_an_order_to_go_needs_no_table() -> None:
    assert delivery_time(replace(ORDER, order_type="TO_GO", location=""), FORGET) == 240.0
    assert delivery_time(replace(ORDER, order_type="CURBSIDE", location=""), FORGET) == 240.0, "nor does a kind unknown"


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (replace(ORDER, location=""), LeftOut.NEVER_LOCATED),
        (replace(ORDER, cleared=NOON + FORGET + 1), LeftOut.AFTER_HOURS),
        (replace(ORDER, cleared=NOON - 1), LeftOut.CLOCK),
        (replace(ORDER, cleared=NOON + 10 * 365 * DAY), LeftOut.AFTER_HOURS),
        (replace(ORDER, created=None), LeftOut.UNTIMED),
        (replace(ORDER, cleared=None), LeftOut.UNTIMED),
    ],
)
def test_what_counts_for_nothing(order: Finished, why: LeftOut) -> None:
    assert delivery_time(order, FORGET) is why


def test_exactly_as_long_as_orders_are_remembered_is_still_a_delivery() -> None:
    assert delivery_time(replace(ORDER, cleared=NOON + FORGET), FORGET) == FORGET


@pytest.mark.parametrize("elapsed", [0.0, 240.0, 241.0, 9000.0, None])
def test_elapsed_time_decides_nothing_where_the_times_will_do(elapsed: float | None) -> None:
    """It is often 0, and nobody says whether it goes on counting after the clearing."""
    assert delivery_time(replace(ORDER, elapsed=elapsed), FORGET) == 240.0


def test_elapsed_time_stands_in_where_a_time_is_missing() -> None:
    assert delivery_time(replace(ORDER, created=None, elapsed=230.0), FORGET) == 230.0


@pytest.mark.parametrize("shift", [3600.0, -3600.0, 1800.0, -1800.0])
def test_over_a_change_of_summer_time_the_gateways_own_count_is_right(shift: float) -> None:
    order = replace(ORDER, created=SUNDAY_2 - 120.0, cleared=SUNDAY_2 + 121.0 + shift, elapsed=240.0)
    assert delivery_time(order, FORGET) == 240.0


@pytest.mark.parametrize("shift", [3600.0, -3600.0, 50_000.0, -86_400.0])
def test_what_this_box_saw_itself_is_right_whatever_the_gateways_clock_does(shift: float) -> None:
    order = replace(ORDER, cleared=NOON + 240.0 + shift, took=238.0)
    assert delivery_time(order, FORGET) == 238.0
    assert delivery_time(replace(ORDER, took=239.0), FORGET) == 240.0, "and where both agree, every box says the same"


def test_over_a_change_of_summer_time_that_nobody_measured_nothing_is_counted() -> None:
    skipped = replace(ORDER, created=SUNDAY_2 - 120.0, cleared=SUNDAY_2 + 3720.0)
    assert delivery_time(skipped, FORGET) is LeftOut.CLOCK
    before_midnight = replace(ORDER, created=SUNDAY_2 - 2.1 * 3600, cleared=SUNDAY_2 - 3600)
    assert delivery_time(before_midnight, FORGET) is LeftOut.CLOCK
    repeated = replace(ORDER, created=SUNDAY_2 + 3500.0, cleared=SUNDAY_2 + 100.0)
    assert delivery_time(repeated, FORGET) is LeftOut.CLOCK
    quick = replace(ORDER, created=SUNDAY_2, cleared=SUNDAY_2 + 300.0)
    assert delivery_time(quick, FORGET) == 300.0
    monday = replace(ORDER, created=SUNDAY_2 + DAY, cleared=SUNDAY_2 + DAY + 3900.0)
    assert delivery_time(monday, FORGET) == 3900.0


def test_the_day_and_the_hour_are_those_of_the_beginning_by_the_gateways_clock() -> None:
    late = replace(ORDER, created=DAY * 11 - 60.0, cleared=DAY * 11 + 200.0)
    assert (day_of(late), hour_of(late)) == (10, 23)
    assert (day_of(replace(late, created=None)), hour_of(replace(late, created=None))) == (11, 0)
    assert (began(Finished("u")), day_of(Finished("u")), hour_of(Finished("u"))) == (None, None, None)


def test_an_order_is_cleared_when_its_state_changed_or_when_it_was_seen_to_be_gone() -> None:
    order = Order("u", "23", "TO_GO", "", "cleared", True, NOON, NOON + 99.0, 0.0)
    assert finished(order, at=1.0, took=98.0, sat=None) == Finished(
        "u", "23", "TO_GO", "", True, NOON, NOON + 99.0, 0.0, 98.0
    )
    vanished = replace(order, state="located")
    assert finished(vanished, at=NOON + 300.0).cleared == NOON + 300.0
    assert finished(replace(order, changed=None)).cleared is None
