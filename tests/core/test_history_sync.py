"""When a history sync runs: once an hour, soon after each reconnection, and only at the gateway's address."""

from __future__ import annotations

from dataclasses import replace

from appliance.core import machine
from appliance.core.day_stats import DeliveryStats, GatewayStats
from appliance.core.delivery import DAY, Finished
from appliance.core.effects import StartTimer, StopHistorySync, StopTimer, SyncHistory
from appliance.core.events import (
    FeedNotified,
    GatewayFound,
    HistoryRequested,
    HistorySynced,
    HistorySyncFailed,
    TimerFired,
)
from appliance.core.folding import fold
from appliance.core.history_sync import SYNC_EVERY, SYNC_RETRY, SYNC_SOON, SYNCS_AN_HOUR, sync_delay
from appliance.core.notifications import OrderChanged
from appliance.core.orders import OrderBook
from appliance.core.present import present
from appliance.core.states import Connected, ScreenId, State
from appliance.core.timers import Timer
from appliance.core.values import Gateway, Order
from appliance.core.view import Today
from tests.core.cases import A_MOVED, NOW, NUMBER, STATES, A, B

NOON = DAY * 10 + 12 * 3600.0


def connected() -> Connected:
    """A live feed at noon by the gateway's clock, with an order delivered a moment ago."""
    state = STATES["connected"]
    assert isinstance(state, Connected)
    started = Order("a", order_type="TO_GO", created=NOON - 200, changed=NOON - 200)
    book = fold(OrderBook(), [OrderChanged(started, created=True)], NOW - 200).book
    book = fold(book, [OrderChanged(replace(started, state="cleared", changed=NOON))], NOW).book
    return replace(state, book=book, world=replace(state.world, turned_to=ScreenId.TODAY, turned_until=NOW + 1e6))


def shown(state: State) -> Today:
    screen = present(state, NOW + 1).view.screen
    assert isinstance(screen, Today)
    return screen


def start_sync(state: State) -> tuple[State, SyncHistory]:
    state, effects = machine.step(state, TimerFired(Timer.HISTORY), NOW)
    (effect,) = [effect for effect in effects if isinstance(effect, SyncHistory)]
    return state, effect


def test_a_sync_asks_the_paired_gateway_and_passes_on_measured_times() -> None:
    state, effect = start_sync(connected())
    assert (effect.gateway, effect.address.host, effect.day) == ("A", "192.0.2.10", 10)
    assert [(order.uuid, order.took) for order in effect.seen] == [("a", 200.0)]
    again, effects = machine.step(state, TimerFired(Timer.HISTORY), NOW)
    assert (again, effects) == (state, ()), "one at a time"


def test_archived_and_new_orders_are_shown_together() -> None:
    assert shown(connected()).words[:3] == ("Today", "1 done, 0 open", "average 3:20, median 3:22")
    assert shown(connected()).note.startswith("counted for")
    state, effect = start_sync(connected())
    morning = [Finished(str(n), order_type="TO_GO", created=NOON - 7200, cleared=NOON - 7100) for n in range(3)]
    kept = HistorySynced(
        effect.attempt,
        10,
        DeliveryStats().plus(morning, 1e4),
        frozenset("a012"),
        frozenset("a"),
        GatewayStats(3, 100.0),
    )
    state, effects = machine.step(state, kept, NOW)
    assert effects == (StartTimer(Timer.HISTORY, SYNC_EVERY, jitter=True),)
    assert shown(state).words == (
        "Today",
        "3 done, 0 open",
        "average 1:40, median 1:42",
        "100% under 5:00",
        "10:00 █      15:00",
        "gateway: 3 done, 1:40",
    )
    order = OrderChanged(Order("b", order_type="TO_GO", created=NOON, changed=NOON), created=True)
    state, _ = machine.step(state, FeedNotified(NUMBER, (order,)), NOW)
    cleared = OrderChanged(replace(order.order, state="cleared", changed=NOON + 400))
    state, _ = machine.step(state, FeedNotified(NUMBER, (cleared,)), NOW + 400)
    assert shown(state).finished == "4 done"
    assert shown(state).share == "75%"


def test_orders_cleared_during_a_sync_are_passed_on_in_the_next() -> None:
    state, effect = start_sync(replace(connected(), book=OrderBook()))
    order = OrderChanged(Order("b", order_type="TO_GO", created=NOON, changed=NOON), created=True)
    state, _ = machine.step(state, FeedNotified(NUMBER, (order,)), NOW)
    cleared = OrderChanged(replace(order.order, state="cleared", changed=NOON + 100))
    state, _ = machine.step(state, FeedNotified(NUMBER, (cleared,)), NOW + 100)
    figures = DeliveryStats().plus([Finished("b", order_type="TO_GO", created=NOON, cleared=NOON + 100)], 1e4)
    state, _ = machine.step(state, HistorySynced(effect.attempt, 10, figures, frozenset("b"), frozenset()), NOW + 101)
    assert shown(state).finished == "1 done", "not counted twice"
    state, effect = start_sync(state)
    assert [(one.uuid, one.took) for one in effect.seen] == [("b", 100.0)]
    kept = HistorySynced(effect.attempt, 10, figures, frozenset("b"), frozenset("b"))
    state, _ = machine.step(state, kept, NOW + 102)
    assert start_sync(state)[1].seen == ()


def test_figures_that_differ_from_the_gateways_are_marked() -> None:
    state, effect = start_sync(connected())
    kept = HistorySynced(effect.attempt, 10, DeliveryStats(), frozenset(), frozenset(), GatewayStats(9, None))
    state, _ = machine.step(state, kept, NOW)
    assert shown(state).doubt
    assert shown(state).words[0] == "Today  differs from gateway"
    assert shown(state).words[-1] == "gateway: 9 done"


def test_without_an_order_since_the_start_the_latest_day_is_shown() -> None:
    state, effect = start_sync(replace(connected(), book=OrderBook()))
    assert effect.day is None
    kept = HistorySynced(effect.attempt, 10, DeliveryStats(delivered=7), frozenset(), frozenset())
    state, _ = machine.step(state, kept, NOW)
    assert shown(state).words[:2] == ("Latest day", "7 done, 0 open")


def test_a_failed_sync_is_retried_and_a_stale_answer_ignored() -> None:
    state, effect = start_sync(connected())
    assert machine.step(state, HistorySyncFailed(99), NOW) == (state, ())
    assert machine.step(state, HistorySynced(99, 10, DeliveryStats(5), frozenset("a"), frozenset("a")), NOW) == (
        state,
        (),
    )
    state, effects = machine.step(state, HistorySyncFailed(effect.attempt), NOW)
    assert effects == (StartTimer(Timer.HISTORY, SYNC_RETRY, jitter=True),)
    assert shown(state).finished == "1 done"


def test_a_request_starts_a_sync_of_everything_now() -> None:
    """One at a time, and only at the gateway's own address."""
    before = connected()
    state, effects = machine.step(before, HistoryRequested(), NOW)
    stopped, effect = effects
    assert stopped == StopTimer(Timer.HISTORY)
    assert isinstance(effect, SyncHistory)
    assert effect.requested
    assert not start_sync(before)[1].requested
    assert state.world.history_syncs == before.world.history_syncs, "it delays no sync after a reconnection"
    assert machine.step(state, HistoryRequested(), NOW) == (state, ())
    moved, _ = machine.step(before, GatewayFound(A_MOVED), NOW)
    assert machine.step(moved, HistoryRequested(), NOW) == (moved, ())
    _, effects = machine.step(state, HistorySynced(effect.attempt, 10, DeliveryStats(), frozenset(), frozenset()), NOW)
    assert effects == (StartTimer(Timer.HISTORY, SYNC_EVERY, jitter=True),)


def test_a_sync_stops_when_the_gateway_moves() -> None:
    state, effect = start_sync(connected())
    state, effects = machine.step(state, GatewayFound(A_MOVED), NOW)
    assert StopHistorySync(effect.attempt) in effects
    state, effects = machine.step(state, TimerFired(Timer.HISTORY), NOW)
    assert effects == (StartTimer(Timer.HISTORY, SYNC_SOON),)


def test_a_sync_stops_when_another_name_announces_the_address() -> None:
    state, effect = start_sync(connected())
    state, effects = machine.step(state, GatewayFound(Gateway("A #2", A.addresses)), NOW)
    assert StopHistorySync(effect.attempt) in effects
    assert machine.step(state, TimerFired(Timer.HISTORY), NOW)[1] == (StartTimer(Timer.HISTORY, SYNC_SOON),)


def test_another_gateway_elsewhere_does_not_stop_a_sync() -> None:
    state, effect = start_sync(connected())
    state, effects = machine.step(state, GatewayFound(B), NOW)
    assert effects == ()
    assert isinstance(state, Connected)
    assert state.history_sync == effect.attempt


def test_an_unstable_connection_causes_few_syncs_an_hour() -> None:
    world = connected().world
    assert sync_delay(world, NOW) == SYNC_SOON
    world = replace(world, history_syncs=tuple(NOW - 600 + number * 100 for number in range(SYNCS_AN_HOUR)))
    assert sync_delay(world, NOW) == 3000.0
    assert sync_delay(world, NOW + 4000) == SYNC_SOON


def test_a_share_is_100_percent_only_if_it_is_exact() -> None:
    state, effect = start_sync(connected())
    most = [Finished(str(n), order_type="TO_GO", created=NOON, cleared=NOON + 100) for n in range(999)]
    slow = Finished("slow", order_type="TO_GO", created=NOON, cleared=NOON + 400)
    figures = DeliveryStats().plus([*most, slow], 1e4)
    state, _ = machine.step(state, HistorySynced(effect.attempt, 10, figures, frozenset("a"), frozenset("a")), NOW)
    assert shown(state).share == "99%"


def test_the_core_remembers_the_syncs_of_the_last_hour() -> None:
    state = connected()
    state = replace(state, world=replace(state.world, history_syncs=(NOW - SYNC_EVERY, NOW - SYNC_EVERY + 1, NOW - 5)))
    asked, _ = start_sync(state)
    assert asked.world.history_syncs == (NOW - SYNC_EVERY + 1, NOW - 5, NOW)
    world = replace(state.world, history_syncs=tuple(NOW - number for number in range(SYNCS_AN_HOUR - 1)))
    assert sync_delay(world, NOW) == SYNC_SOON
    world = replace(world, history_syncs=tuple(NOW - 10 + number for number in range(SYNCS_AN_HOUR + 1)))
    assert sync_delay(world, NOW) == SYNC_EVERY - 9, "only the last six count"


def test_the_pauses_between_syncs() -> None:
    assert (SYNC_EVERY, SYNC_SOON, SYNC_RETRY, SYNCS_AN_HOUR) == (3600.0, 20.0, 600.0, 6)
