"""The statistics of the day, compared with plain calculations."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.day_stats import BINS, MOST_UNARCHIVED, STEP, DayStats, DeliveryStats, GatewayStats, differ
from appliance.core.delivery import DAY, Finished
from appliance.core.folding import fold
from appliance.core.notifications import OrderChanged
from appliance.core.orders import OrderBook, replaced
from appliance.core.values import Order

FORGET = 3 * 3600.0
NOON = DAY * 10 + 12 * 3600.0


def over(uuid: str, seconds: float | None, at: float = NOON) -> Finished:
    cleared = None if seconds is None else at + seconds
    return Finished(uuid, order_type="TO_GO", created=at, cleared=cleared)


@given(st.lists(st.none() | st.floats(0, 3600 - STEP), min_size=1, max_size=60), st.integers(0, 60))
def test_the_figures_match_a_plain_list(times: list[float | None], archived: int) -> None:
    orders = [over(str(number), seconds) for number, seconds in enumerate(times)]
    kept = DeliveryStats().plus(orders[:archived], FORGET)
    tally = DayStats(10, 0.0, kept).with_finished(orders[archived:])
    figures = tally.total(FORGET)
    known = [time for time in times if time is not None]
    assert figures.delivered == len(times) == sum(figures.hours) == figures.hours[12]
    if not known:
        assert (figures.average, figures.median, figures.within(300.0)) == (None, None, None)
        return
    assert figures.average == pytest.approx(statistics.mean(known), abs=1e-3)
    assert figures.median == pytest.approx(statistics.median_low(known), abs=STEP)
    assert figures.within(300.0) == pytest.approx(sum(int(time / STEP) < 60 for time in known) / len(known), abs=0.02)


def test_the_last_bin_holds_all_longer_times() -> None:
    last = (BINS - 1) * STEP
    times = [last - 0.1, last, 3600.0, 7200.0]
    figures = DeliveryStats().plus([over(str(time), time) for time in times], FORGET)
    assert figures.bins[BINS - 2 :] == (1, 3)
    assert len(figures.bins) == BINS
    assert figures.median == (BINS - 0.5) * STEP
    assert figures.average == pytest.approx(sum(times) / 4)
    assert figures.within(last) == 0.25
    assert figures.within(7200.0) == 0.25, "times within the last bin are unknown"
    assert figures.within(last - STEP) == 0.0


def test_times_between_two_bins() -> None:
    figures = DeliveryStats().plus([over("a", 4.9), over("b", 5.0), over("c", 9.9), over("d", 10.0)], FORGET)
    assert figures.bins[:4] == (1, 2, 1, 0)
    assert figures.median == 7.5
    assert [figures.within(target) for target in (4.9, 5.0, 10.0, 15.0)] == [0.0, 0.25, 0.75, 1.0]
    assert DeliveryStats().plus([over("a", 4.9), over("b", 50.0)], FORGET).median == 2.5, "the lower one of two"


def test_orders_without_a_time_are_delivered_and_have_no_bins() -> None:
    figures = DeliveryStats().plus([Finished("a")], FORGET)
    assert figures == DeliveryStats(delivered=1)
    assert figures.bins == ()
    more = figures.plus([over("b", 60.0), over("c", 60.0)], FORGET)
    assert (more.delivered, more.timed, more.total, sum(more.bins)) == (3, 2, 120.0, 2)


def test_a_clock_that_is_set_back_begins_no_day_again() -> None:
    midnight = DayStats(2, 5.0, DeliveryStats(5)).for_day(DAY * 3, 40.0)
    assert midnight.day == 3
    for back in (60.0, 3600.0, 7200.0):
        assert midnight.for_day(DAY * 3 - 50.0 - back, 50.0) is midnight
    assert midnight.for_day(DAY * 3 - 50.0 - 7201.0, 50.0).day == 2
    assert midnight.for_day(DAY * 2 - 50.0 - 60.0, 50.0).day == 1
    assert midnight.for_day(DAY * 4 - 50.0 - 60.0, 50.0) is midnight


def test_one_order_with_an_odd_time_begins_no_day() -> None:
    noon = OrderChanged(Order("a", created=NOON, changed=NOON), created=True)
    book = fold(OrderBook(), [noon], 0.0).book
    odd = OrderChanged(Order("b", created=NOON + DAY, changed=NOON + DAY), created=True)
    assert fold(book, [odd], 1.0).book.today is book.today
    assert replaced(book, [odd.order], 1.0).today.day == book.today.day


def test_a_day_is_counted_since_its_first_known_time() -> None:
    unknown = DayStats().for_day(None, 5.0)
    assert (unknown.day, unknown.since) == (None, 5.0)
    assert unknown.for_day(None, 9.0) is unknown
    known = unknown.for_day(DAY * 2, 20.0)
    assert (known.day, known.since) == (2, 5.0), "earlier counts belong to this day"
    assert known.for_day(DAY * 2, 30.0) is known
    owing = replace(known, unmeasured={"a": over("a", 60.0)}, archived_stats=DeliveryStats(5))
    following = owing.for_day(DAY * 3, 40.0)
    assert (following.day, following.since, following.archived_stats, set(following.unmeasured)) == (
        3,
        40.0,
        None,
        {"a"},
    )


def test_measured_times_missing_from_the_archive_are_kept_for_it() -> None:
    measured, plain = replace(over("a", 60.0), took=59.0), over("b", 60.0)
    stats = DayStats(10, 0.0).with_finished([measured, plain, over("c", 60.0)])
    stats = stats.with_archive(10, DeliveryStats(2), frozenset("ab"), frozenset(), None, FORGET)
    assert (list(stats.unmeasured), list(stats.unarchived)) == (["a"], ["c"])
    assert [order.uuid for order in stats.seen] == ["a", "c"]
    stats = stats.with_archive(10, DeliveryStats(2), frozenset("ab"), frozenset(), None, FORGET)
    assert list(stats.unmeasured) == ["a"], "until the archive holds the times"
    other_day = stats.with_archive(11, DeliveryStats(9), frozenset("c"), frozenset(), None, FORGET)
    assert (list(other_day.unmeasured), list(other_day.unarchived), other_day.archived_stats) == (
        ["a"],
        [],
        DeliveryStats(2),
    )
    stats = stats.with_archive(10, DeliveryStats(2), frozenset("ab"), frozenset("a"), None, FORGET)
    assert not stats.unmeasured


def test_measured_times_of_another_day_are_kept_for_the_archive() -> None:
    measured = replace(over("a", 60.0), took=59.0)
    stats = DayStats(10, 0.0).with_finished([measured])
    stats = stats.with_archive(9, DeliveryStats(1), frozenset("a"), frozenset(), None, FORGET)
    assert (list(stats.unmeasured), list(stats.unarchived), stats.archived_stats) == (["a"], [], None)


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_no_order_is_counted_twice(heard: set[int], kept: set[int], heard_after: set[int]) -> None:
    """heard: orders from the feed before the sync. kept: archived orders at the sync."""
    tally = DayStats(10, 0.0).with_finished(over(str(number), 100.0) for number in heard)
    figures = DeliveryStats().plus((over(str(number), 100.0) for number in kept), FORGET)
    tally = tally.with_archive(10, figures, frozenset(map(str, kept)), frozenset(), None, FORGET)
    tally = tally.with_finished(over(str(number), 100.0) for number in heard_after - kept)
    assert tally.total(FORGET).delivered == len(heard | kept | heard_after)


def test_a_new_day_starts_from_zero_and_keeps_orders_for_the_archive() -> None:
    before = DayStats().for_day(DAY * 3 - 100.0, 0.0).with_finished([over("a", 60.0, DAY * 2 + 60.0)])
    assert (before.day, before.total(FORGET).delivered) == (2, 1)
    assert before.for_day(DAY * 3 - 100.0, 99.0) is before
    fresh = before.for_day(DAY * 3 - 100.0, 100.0)
    assert (fresh.day, fresh.total(FORGET).delivered, fresh.since) == (3, 0, 100.0)
    assert list(fresh.unarchived) == ["a"], "the archive still needs this box's times"
    late = fresh.with_archive(2, DeliveryStats(7), frozenset(), frozenset("a"), None, FORGET)
    assert (late.archived_stats, dict(late.unarchived)) == (None, {}), "yesterday's figures are not today's"


def test_unarchived_orders_are_bounded() -> None:
    tally = DayStats(10, 0.0).with_finished(over(str(number), 1.0) for number in range(MOST_UNARCHIVED + 5))
    assert len(tally.unarchived) == MOST_UNARCHIVED
    assert "4" not in tally.unarchived
    assert str(MOST_UNARCHIVED + 4) in tally.unarchived


def test_cleared_and_vanished_orders_are_delivered() -> None:
    day = Order("x", created=NOON)
    a, b, c = (Order(uuid, order_type="TO_GO", created=NOON - 90.0) for uuid in "abc")
    book = replaced(OrderBook(), [day, Order("a", order_type="TO_GO", elapsed=100.0), b, c], 0.0)
    gone = Order("a", order_type="TO_GO", state="cleared", created=NOON - 100.0, changed=NOON + 20.0)
    book = fold(book, [OrderChanged(gone)], 20.0).book
    figures = book.today.total(FORGET)
    assert (figures.delivered, figures.timed, figures.average) == (1, 1, 120.0)
    assert book.today.unarchived["a"].took == 120.0
    book = replaced(book, [day, c], 30.0)
    figures = book.today.total(FORGET)
    assert figures.delivered == 2, "b was cleared between two feeds"
    assert book.today.unarchived["b"].took is None
    assert a.uuid in book.today.unarchived


def test_the_time_to_sit_ends_at_the_first_table() -> None:
    started = Order("a", created=NOON, changed=NOON)
    book = fold(OrderBook(), [OrderChanged(started, created=True)], 0.0).book
    located = Order("a", location="8", state="located", created=NOON, changed=NOON + 25.0)
    book = fold(book, [OrderChanged(located)], 26.0).book
    moved = Order("a", location="9", state="located", created=NOON, changed=NOON + 60.0)
    book = fold(book, [OrderChanged(moved)], 60.0).book
    cleared = Order("a", location="9", state="cleared", created=NOON, changed=NOON + 300.0)
    book = fold(book, [OrderChanged(cleared)], 300.0).book
    assert book.today.unarchived["a"].sat == 25.0
    assert book.today.unarchived["a"].took == 300.0


def test_the_time_to_sit_across_a_clock_change_is_measured_by_this_box() -> None:
    started = Order("a", created=NOON, changed=NOON)
    book = fold(OrderBook(), [OrderChanged(started, created=True)], 0.0).book
    located = Order("a", location="8", state="located", created=NOON, changed=NOON + 3625.0)
    book = fold(book, [OrderChanged(located)], 26.0).book
    assert book.held["a"].sat == 26.0


def test_small_figures_may_differ_by_one_order_and_by_15_seconds() -> None:
    ours = DeliveryStats().plus([over("a", 100.0), over("b", 100.0)], FORGET)
    assert [differ(ours, GatewayStats(count)) for count in (0, 1, 2, 3, 4)] == [True, False, False, False, True]
    averages = (84.0, 85.0, 100.0, 115.0, 116.0)
    assert [differ(ours, GatewayStats(None, average)) for average in averages] == [True, False, False, False, True]
    assert not differ(DeliveryStats(2), GatewayStats(2, 900.0)), "this box has no times"


@pytest.mark.parametrize(
    ("gateway", "differs"),
    [
        (GatewayStats(100, 200.0), False),
        (GatewayStats(102, 200.0), False),
        (GatewayStats(103, 200.0), True),
        (GatewayStats(97, None), True),
        (GatewayStats(99, 200.0), False),
        (GatewayStats(98, 200.0), True),
        (GatewayStats(None, 222.0), False),
        (GatewayStats(None, 223.0), True),
        (GatewayStats(None, 182.0), False),
        (GatewayStats(None, 181.0), True),
        (GatewayStats(None, 230.0), True),
        (GatewayStats(), False),
    ],
)
def test_the_gateways_own_figures_fit_or_differ(gateway: GatewayStats, differs: bool) -> None:
    ours = DeliveryStats().plus((over(str(number), 200.0) for number in range(100)), FORGET)
    assert differ(ours, gateway) is differs
    tally = DayStats(10, 0.0).with_archive(10, ours, frozenset(), frozenset(), gateway, FORGET)
    assert tally.differs is differs
