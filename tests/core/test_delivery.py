"""Worked examples of the definitions: delivery time, time to sit, and the reasons for leaving an order out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.delivery import DAY, Finished, LeftOut, began, day_of, delivery_time, finished, hour_of
from appliance.core.values import Order

FORGET = 3 * 3600.0
NOON = DAY * 10 + 12 * 3600.0
SUNDAY_2 = DAY * (1 + 7 * 3) + 2 * 3600.0
"""Two o'clock on a Sunday night: the arbitrary day is a Saturday."""
ORDER = Finished("u", "23", "ON_PREMISE", "8", created=NOON, cleared=NOON + 240.0)


def test_the_delivery_time_runs_from_start_to_clearing() -> None:
    assert delivery_time(ORDER, FORGET) == 240.0


def test_an_order_to_go_needs_no_table() -> None:
    assert delivery_time(replace(ORDER, order_type="TO_GO", location=""), FORGET) == 240.0
    assert delivery_time(replace(ORDER, order_type="CURBSIDE", location=""), FORGET) == 240.0, (
        "nor does an unknown type"
    )


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
def test_orders_left_out_of_averages(order: Finished, why: LeftOut) -> None:
    assert delivery_time(order, FORGET) is why


def test_a_delivery_may_take_exactly_forget_after() -> None:
    assert delivery_time(replace(ORDER, cleared=NOON + FORGET), FORGET) == FORGET


@pytest.mark.parametrize("elapsed", [0.0, 240.0, 241.0, 9000.0, None])
def test_elapsed_time_is_ignored_where_both_times_are_known(elapsed: float | None) -> None:
    """It is often 0, and whether it continues after the clearing is undocumented."""
    assert delivery_time(replace(ORDER, elapsed=elapsed), FORGET) == 240.0


def test_elapsed_time_replaces_a_missing_time() -> None:
    assert delivery_time(replace(ORDER, created=None, elapsed=230.0), FORGET) == 230.0


@pytest.mark.parametrize("shift", [3600.0, -3600.0, 1800.0, -1800.0])
def test_across_a_summer_time_change_elapsed_time_is_used(shift: float) -> None:
    order = replace(ORDER, created=SUNDAY_2 - 120.0, cleared=SUNDAY_2 + 121.0 + shift, elapsed=240.0)
    assert delivery_time(order, FORGET) == 240.0


@pytest.mark.parametrize("shift", [3600.0, -3600.0, 50_000.0, -86_400.0])
def test_the_time_measured_by_this_box_overrides_a_clock_change(shift: float) -> None:
    order = replace(ORDER, cleared=NOON + 240.0 + shift, took=238.0)
    assert delivery_time(order, FORGET) == 238.0
    assert delivery_time(replace(ORDER, took=239.0), FORGET) == 240.0, "without a clock change, all boxes agree"


def test_across_an_unmeasured_summer_time_change_the_order_is_left_out() -> None:
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


def test_the_day_and_the_hour_are_those_of_the_start() -> None:
    late = replace(ORDER, created=DAY * 11 - 60.0, cleared=DAY * 11 + 200.0)
    assert (day_of(late), hour_of(late)) == (10, 23)
    assert (day_of(replace(late, created=None)), hour_of(replace(late, created=None))) == (11, 0)
    assert (began(Finished("u")), day_of(Finished("u")), hour_of(Finished("u"))) == (None, None, None)


def test_an_order_is_cleared_at_its_change_or_when_it_vanished() -> None:
    order = Order("u", "23", "TO_GO", "", "cleared", True, NOON, NOON + 99.0, 0.0)
    assert finished(order, at=1.0, took=98.0, sat=None) == Finished(
        "u", "23", "TO_GO", "", True, NOON, NOON + 99.0, 0.0, 98.0
    )
    vanished = replace(order, state="located")
    assert finished(vanished, at=NOON + 300.0).cleared == NOON + 300.0
    assert finished(replace(order, changed=None)).cleared is None


def test_clocks_are_changed_before_four_on_a_sunday() -> None:
    four = SUNDAY_2 + 2 * 3600.0
    hour = replace(ORDER, created=four, cleared=four + 3600.0)
    assert delivery_time(hour, FORGET) == 3600.0
    assert delivery_time(replace(hour, created=four - 1), FORGET) is LeftOut.CLOCK
    assert delivery_time(replace(hour, created=four - 1, cleared=four + 3598.0), FORGET) == 3599.0
    monday = SUNDAY_2 + 22 * 3600.0
    assert delivery_time(replace(ORDER, created=monday, cleared=monday + 3600.0), FORGET) == 3600.0
    sunday = SUNDAY_2 - 2 * 3600.0
    assert delivery_time(replace(ORDER, created=sunday - 3600.0, cleared=sunday), FORGET) == 3600.0
    assert delivery_time(replace(ORDER, created=sunday - 3600.0, cleared=sunday + 1), FORGET) is LeftOut.CLOCK


@pytest.mark.parametrize(("off", "elapsed_wins"), [(-2.0, True), (2.0, True), (-2.1, False), (2.1, False)])
@pytest.mark.parametrize("shift", [3600.0, -3600.0, 1800.0, -1800.0])
def test_a_summer_time_change_is_an_hour_or_half_of_one_within_two_seconds(
    shift: float, off: float, elapsed_wins: bool
) -> None:
    order = replace(ORDER, created=NOON, cleared=NOON + 4000.0 + shift + (off if shift > 0 else -off), elapsed=4000.0)
    assert (delivery_time(order, FORGET) == 4000.0) == elapsed_wins
