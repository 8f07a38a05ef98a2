"""The restaurant's business day: its bounds, its hours, and nights in which the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import machine
from appliance.core.day_stats import DayStats, DeliveryStats, GatewayStats
from appliance.core.delivery import DAY, HOUR, Finished, day_at, first_hour, hour_at, start_of
from appliance.core.effects import SyncHistory
from appliance.core.events import (
    FeedOpened,
    HistorySynced,
    TimerFired,
)
from appliance.core.screens.today import today_screen
from appliance.core.states import Connected, Connecting, Link, Phase
from appliance.core.timers import Timer
from appliance.core.values import Benchmarks, Order
from tests.core.cases import NOW, NUMBER, STATES, A
from tests.core.screens.connected_state import connected

EPOCH = datetime(2000, 1, 1)
BERLIN = ZoneInfo("Europe/Berlin")
FORGET = 3 * HOUR


def local(*when: int) -> float:
    return (datetime(*when) - EPOCH).total_seconds()  # type: ignore[arg-type]


def date(day: int) -> str:
    return f"{EPOCH + timedelta(days=day):%Y-%m-%d}"


@given(st.integers(-(10**9), 10**9), st.integers(0, 1439).map(lambda minutes: 60.0 * minutes))
def test_every_moment_is_in_one_day_and_in_its_hour_of_the_clock(at: int, day_ends: float) -> None:
    day = day_at(at, day_ends)
    assert start_of(day, day_ends) <= at < start_of(day + 1, day_ends)
    assert 0 <= hour_at(at, day_ends) <= 24
    assert (first_hour(day_ends) + hour_at(at, day_ends)) % 24 == int(at % DAY // HOUR)


@pytest.mark.parametrize(
    ("at", "day_ends", "expected"),
    [
        ((2026, 11, 28, 3, 59, 59), 4 * HOUR, "2026-11-27"),
        ((2026, 11, 28, 4), 4 * HOUR, "2026-11-28"),
        ((2026, 11, 29, 3, 59), 4 * HOUR, "2026-11-28"),
        ((2026, 11, 28, 0), 0.0, "2026-11-28"),
        ((2026, 11, 28, 4, 29), 4.5 * HOUR, "2026-11-27"),
        ((2026, 11, 28, 22, 59), 23 * HOUR, "2026-11-28"),
        ((2026, 11, 28, 23, 0), 23 * HOUR, "2026-11-29"),
    ],
)
def test_the_hours_after_midnight_belong_to_the_evening(at: tuple[int, ...], day_ends: float, expected: str) -> None:
    assert date(day_at(local(*at), day_ends)) == expected


@pytest.mark.parametrize(
    ("sunday", "hours", "doubled", "missing"),
    [((2026, 3, 29), 23, None, 2), ((2026, 10, 25), 25, 2, None)],
    ids=["clocks go forward", "clocks go back"],
)
@pytest.mark.parametrize("day_ends", [0.0, 4 * HOUR])
def test_the_day_of_a_change_has_23_or_25_hours(
    sunday: tuple[int, int, int], hours: int, doubled: int | None, missing: int | None, day_ends: float
) -> None:
    """An order begins every ten minutes of real time; the gateway dates each by its own clock."""
    day = day_at(local(*sunday), 0.0) - bool(day_ends)
    begins = datetime(*sunday, tzinfo=BERLIN) - timedelta(days=1) if day_ends else datetime(*sunday, tzinfo=BERLIN)
    instant = (begins + timedelta(seconds=day_ends)).astimezone(UTC) - timedelta(hours=12)
    orders = []
    for number in range(49 * 6):
        at = (instant + timedelta(minutes=10 * number)).astimezone(BERLIN).replace(tzinfo=None)
        began = (at - EPOCH).total_seconds()
        orders.append(Finished(str(number), order_type="TO_GO", created=began, cleared=began + 300.0))
    of_day = [order for order in orders if day_at(order.created or 0.0, day_ends) == day]
    assert len(of_day) == hours * 6
    stats = DayStats(day, 0.0, day_ends=day_ends).with_finished(orders).total(FORGET)
    assert stats.delivered == hours * 6
    by_clock = {(first_hour(day_ends) + index) % 24: count for index, count in enumerate(stats.hours) if count}
    assert by_clock == {hour: 12 if hour == doubled else 6 for hour in range(24) if hour != missing}, (
        "the hour that the clock skips is empty, and the one that it shows twice has the orders of both"
    )


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_change_of_the_clock_in_the_night_leaves_the_day_as_it_is(step: float) -> None:
    """At two or three in the night the gateway's clock jumps, and with it what the box knows of it."""
    evening = local(2026, 10, 24, 19)
    before = local(2026, 10, 25, 2, 55) - NOW
    stats = DayStats(day_ends=4 * HOUR).for_day(before, NOW)
    order = Finished("a", order_type="TO_GO", created=evening, cleared=evening + 200.0)
    stats = replace(stats, archived_stats=DeliveryStats(90)).with_finished([order])
    after = stats.for_day(before + step, NOW + 60.0)
    if step > 0:
        # 3:56 is before four, and the day of the evening goes on for four minutes.
        assert after is stats
        assert after.for_day(before + step, NOW + 300.0).total(FORGET).delivered == 0, "Sunday begins at four"
    else:
        assert after is stats
        assert after.for_day(before + step, NOW + HOUR + 240.0).total(FORGET).delivered == 91
    assert date(after.day or 0) == "2026-10-24"


def test_the_screen_counts_the_business_day_and_begins_its_chart_with_its_first_hour() -> None:
    """At half past one in the night, the orders of the evening and of the night are those of one day."""
    benchmarks = Benchmarks(day_ends=4 * HOUR)
    state = connected(Order("open", created=local(2026, 11, 28, 1, 20)))
    state = replace(state, world=replace(state.world, benchmarks=benchmarks))
    night = local(2026, 11, 28, 1, 30)
    hours = [(27, 18), (27, 19), (27, 23), (28, 0), (28, 1)]
    evening = [local(2026, 11, *hour) for hour in hours]
    morning_before = local(2026, 11, 27, 3)
    finished = [
        Finished(str(at), order_type="TO_GO", created=at, cleared=at + 240.0) for at in (*evening, morning_before)
    ]
    today = DayStats(day_ends=4 * HOUR).for_day(night - NOW, NOW).with_finished(finished)
    screen, _ = today_screen(replace(state, book=replace(state.book, today=today)), NOW)
    assert (screen.finished, screen.open) == ("5 done", "1 open")
    assert (screen.first, screen.hours) == (18, (1, 1, 0, 0, 0, 1, 1, 1))
    assert screen.words[-2].startswith("18:00 ")
    assert screen.words[-2].endswith(" 1:00")


def test_a_day_that_ends_within_an_hour_has_that_hour_at_both_ends() -> None:
    half_past_four = 4.5 * HOUR
    at = [local(2026, 11, 27, 4, 45), local(2026, 11, 28, 4, 15)]
    orders = [Finished(str(one), order_type="TO_GO", created=one, cleared=one + 60) for one in at]
    stats = DeliveryStats().plus(orders, FORGET, half_past_four)
    assert (stats.hours[0], stats.hours[24], sum(stats.hours)) == (1, 1, 2)


def started(day_ends: float) -> Connected:
    """A box whose feed has just gone live at three in the night, with an open order."""
    state = STATES["connected"]
    world = replace(state.world, benchmarks=Benchmarks(day_ends=day_ends))
    opening = Connecting(world, Link(A, Phase.OPENING, NUMBER))
    order = Order("a", created=local(2026, 11, 28, 3), changed=local(2026, 11, 28, 3))
    live, _ = machine.step(opening, FeedOpened(NUMBER, (order,)), NOW)
    assert isinstance(live, Connected)
    return live


@pytest.mark.parametrize(("day_ends", "expected"), [(0.0, "2026-11-28"), (4 * HOUR, "2026-11-27")])
def test_the_archive_is_asked_for_the_business_day(day_ends: float, expected: str) -> None:
    state, effects = machine.step(started(day_ends), TimerFired(Timer.HISTORY), NOW)
    (effect,) = [effect for effect in effects if isinstance(effect, SyncHistory)]
    assert date(effect.day or 0) == expected
    synced = HistorySynced(effect.attempt, effect.day, DeliveryStats(12), frozenset(), frozenset(), GatewayStats(12))
    state, _ = machine.step(state, synced, NOW)
    assert isinstance(state, Connected)
    screen, _ = today_screen(state, NOW + 1)
    assert screen.words[:2] == ("Today", "12 done, 1 open")


def test_a_new_business_day_begins_when_the_restaurant_says() -> None:
    state, effects = machine.step(started(4 * HOUR), TimerFired(Timer.HISTORY), NOW)
    (effect,) = [effect for effect in effects if isinstance(effect, SyncHistory)]
    synced = HistorySynced(effect.attempt, effect.day, DeliveryStats(12), frozenset(), frozenset())
    state, _ = machine.step(state, synced, NOW)
    assert isinstance(state, Connected)
    assert today_screen(state, NOW + HOUR - 2)[0].finished == "12 done"
    assert today_screen(state, NOW + HOUR + 2)[0].finished == "0 done"
