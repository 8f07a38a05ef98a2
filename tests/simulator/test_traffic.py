"""The restaurant's traffic, stepped without sleeping."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice, takewhile
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.simulator.restaurant import Restaurant
from appliance.simulator.traffic import Change, Step, Traffic, lunch_rush, visits
from tests.clock import until

from .conftest import Clock


def test_a_seed_makes_the_same_day() -> None:
    days = [list(islice(visits(Random(seed)), 500)) for seed in (1, 1, 2)]
    assert days[0] == days[1] != days[2]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(), trackers=st.integers(1, 40), already=st.integers(0, 60), per_minute=st.floats(0.1, 60))
def test_a_generated_day_is_plausible(seed: int, trackers: int, already: int, per_minute: float) -> None:
    day = visits(Random(seed), trackers=trackers, already=already, per_minute=per_minute)
    out: dict[str, int] = {}
    at = 0.0
    for change in islice(day, 600):
        assert change.at >= at
        at = change.at
        if change.step is Step.START:
            assert change.tracker not in out
            assert 1 <= int(change.tracker) <= trackers
            out[change.tracker] = change.visit
            if change.order_type == "TO_GO":
                assert change.location == ""
            continue
        assert out[change.tracker] == change.visit
        if change.step is Step.LOCATE:
            assert change.order_type == "ON_PREMISE"
            assert change.location
        if change.step is Step.CLEAR:
            del out[change.tracker]


def test_a_lunch_has_every_kind_of_change() -> None:
    lunch = list(takewhile(lambda change: change.at < 3 * 3600, visits(Random(7), intensity=lunch_rush)))
    steps = Counter(change.step for change in lunch)
    assert set(steps) == set(Step)
    assert steps[Step.START] > steps[Step.LOCATE] > steps[Step.PAGE] > steps[Step.CHANGE_TYPE]
    starts = [change for change in lunch if change.step is Step.START]
    assert any(change.location for change in starts)
    assert len({change.tracker for change in starts}) < len(starts)
    hours = Counter(int(change.at // 1800) for change in starts)
    assert max(hours[1], hours[2]) > 1.5 * max(hours[0], hours[5])
    lives = {change.visit: change.at for change in starts}
    took = sorted(change.at - lives[change.visit] for change in lunch if change.step is Step.CLEAR)
    assert took[0] >= 45
    assert 200 < took[len(took) // 2] < 350
    assert took[-1] > 300


def test_active_orders_are_created_minus_cleared(clock: Clock) -> None:
    sent: Counter[object] = Counter()
    restaurant = Restaurant(clock, lambda message: sent.update([message["type"], message["state"]]))
    traffic = Traffic(restaurant, iter(()))
    for change in islice(visits(Random(3), already=20, per_minute=10), 3000):
        clock.advance(seconds=change.at - (clock.now - Clock().now).total_seconds())
        traffic.play(change)
        names = [order.name for order in restaurant.active]
        assert len(names) == len(set(names)) == sent["ORDER_CREATED"] - sent["cleared"]
    assert sent["ORDER_PAGED"] > 0
    assert all(order.order_type == "ON_PREMISE" for order in restaurant.history() if order.location == "") is False


def test_manual_changes_do_not_disturb_the_traffic(clock: Clock) -> None:
    restaurant = Restaurant(clock)
    traffic = Traffic(restaurant, iter(()))
    manual = restaurant.create("1")
    for step in (Step.START, Step.LOCATE, Step.PAGE, Step.CLEAR):
        traffic.play(Change(0.0, 1, step, "1", location="5" if step is Step.LOCATE else ""))
    assert restaurant.active == [manual]
    traffic.play(Change(0.0, 2, Step.START, "2"))
    restaurant.clear("2")
    again = restaurant.create("2")
    for step in (Step.CHANGE_TYPE, Step.PAGE, Step.CLEAR):
        traffic.play(Change(0.0, 2, step, "2", "TO_GO"))
    assert restaurant.active == [manual, again]


async def test_the_traffic_has_a_speed_and_can_pause(clock: Clock) -> None:
    restaurant = Restaurant(clock)
    day = [Change(at, visit, Step.START, str(visit)) for visit, at in enumerate((0.0, 0.0, 50.0, 100.0, 1e9), 1)]
    traffic = Traffic(restaurant, iter(day), pace=1000)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    running = asyncio.create_task(traffic.run())
    await until(lambda: len(restaurant.active) == 3)
    assert loop.time() - begun >= 0.05
    traffic.paused = True
    await asyncio.sleep(0.08)
    assert (traffic.paused, len(restaurant.active)) == (True, 3)
    traffic.paused = False
    await until(lambda: len(restaurant.active) == 4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_full_restaurant_at_the_start_does_not_block_the_loop(clock: Clock) -> None:
    restaurant = Restaurant(clock)
    traffic = Traffic(restaurant, visits(Random(1), trackers=500, already=500), pace=1)
    running = asyncio.create_task(traffic.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(restaurant.active) < 10
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
