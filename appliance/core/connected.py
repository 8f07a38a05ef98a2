"""Connected: the orders are folded from a live feed, and looked at afresh whenever they might not be true.

A look at the whole set is a second feed that takes over with its first message. There is no other way to ask for it:
what a plain HTTP request answers has no place in the order of the notifications.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from appliance.core.alerts import answer_page, became_late, page_is_answerable, repeat_page, show_page, start_late_timer
from appliance.core.effects import CloseFeed, Effect, OpenFeed, StartTimer
from appliance.core.events import (
    ButtonTapped,
    Event,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    HistorySynced,
    HistorySyncFailed,
    MessageIgnored,
    MessageUnusable,
    NetworkChanged,
    Notification,
    OrderChanged,
    OrderPaged,
    Timer,
    TimerFired,
    TokenRefused,
)
from appliance.core.heard_names import is_anothers
from appliance.core.history_sync import history_sync_failed, history_synced, start_history_sync, stop_history_sync
from appliance.core.limits import MOST_ORDERS
from appliance.core.navigation import turn
from appliance.core.orders import OrderBook, fold, newly_paged, replaced
from appliance.core.states import Connected
from appliance.core.transitions import (
    LOOK_EVERY,
    REFRESH_AFTER,
    STALE_AFTER,
    STALE_AFTER_DOUBT,
    STALE_AFTER_LOSS,
    Step,
    cleanup_effects,
    disconnect,
    token_refused,
    too_many_orders,
)

VAIN_LOOKS = 3
"""After so many gaps in `seq` that hid nothing, gaps mean nothing on this gateway: what `seq` counts is inferred."""


def connected(state: Connected, event: Event | ButtonTapped, now: float) -> Step:
    """The feed is live and its count is shown."""
    match event:
        case FeedNotified(attempt, notifications) if attempt == state.feed:
            return _notified(replace(state, heard=now), notifications, now)
        case FeedAnswered(attempt) if attempt == state.feed:
            return replace(state, heard=now), ()
        case FeedOpened(attempt, orders, unreadable) if attempt == state.looking:
            return _taken_over(state, replaced(state.book, orders, now, unreadable), now)
        case FeedLost(attempt, FeedFailure.UNREACHABLE) if attempt == state.feed:
            # What was told on a dead line may not all have come: nothing of it is shown a moment longer.
            return disconnect(replace(state, lost=True), now)
        case FeedLost(attempt, FeedFailure.TOO_MUCH) if attempt == state.looking:
            return too_many_orders(replace(state, looking=0), now)
        case FeedLost(attempt) if attempt == state.feed:
            return _lost(state, now)
        case FeedLost(attempt) if attempt == state.looking:
            state = replace(state, looking=0)
            return disconnect(state, now) if state.lost else (state, _look_at(state, now))
        case TokenRefused(attempt) if attempt in (state.feed, state.looking):
            refused, effects = token_refused(state, now)
            return refused, (*cleanup_effects(state), *effects)
        case TimerFired(Timer.REFRESH) if not state.looking:
            return _look(state, now)
        case TimerFired(Timer.STALE):
            return disconnect(state, now)
        case TimerFired(Timer.LATE):
            return became_late(state, now)
        case TimerFired(Timer.REPEAT) if state.alert is not None:
            return repeat_page(state, state.alert, now)
        case TimerFired(Timer.HISTORY) if not state.filling:
            return start_history_sync(state, now)
        case HistorySynced(attempt) if attempt == state.filling:
            return history_synced(state, event, now)
        case HistorySyncFailed(attempt) if attempt == state.filling:
            return history_sync_failed(state)
        case ButtonTapped() if page_is_answerable(state, now):
            return answer_page(state)
        case ButtonTapped():
            return replace(state, world=turn(state, now)), ()
        case GatewayFound(gateway) if gateway.name == state.gateway.name:
            state = replace(state, gateway=gateway)
            # If it moved, the feed of its old address is dead or will be: look where it is now.
            if state.address in gateway.addresses:
                return state, ()
            state, stopped = stop_history_sync(state)
            state, doubt = _doubt(state, now)
            return state, (*stopped, *doubt)
        case GatewayFound() if is_anothers(state.world, state.address, state.gateway.name):
            # Another name is where the feed goes: renamed, most likely. The next look settles it; what is read of the
            # history sends the token with every page, and ends now.
            return stop_history_sync(state)
        case NetworkChanged():
            # A feed from an address that is gone is dead without a sign of it; a look tells at once where the gateway
            # was typed in. Otherwise the machine has let the feed go already, and this is one address more.
            return _doubt(state, now)
        case _:
            return state, ()


def _notified(state: Connected, notifications: tuple[Notification, ...], now: float) -> Step:
    seq, gap = _follow(state.seq, notifications)
    told = fold(state.book, notifications, now)
    if told.book.active > MOST_ORDERS:
        return too_many_orders(state, now)
    state = replace(state, book=told.book, seq=seq)
    effects: list[Effect] = []
    if told.whole:
        state, timers = _whole(state, now)
        effects.extend(timers)
    if told.paged:
        state, page = show_page(state, told.paged, now)
        effects += page
    if told.unknown or told.unusable:
        state, doubt = _doubt(state, now)
        effects += doubt
    elif gap and state.vain < VAIN_LOOKS and not state.gap:
        state, doubt = _doubted(replace(state, gap=True), now)
        effects += doubt
    state, late = start_late_timer(state, now)
    return state, (*effects, *late)


def _follow(seq: int | None, notifications: Iterable[Notification]) -> tuple[int | None, bool]:
    """The last `seq` after some notifications, and whether one was left out on the way."""
    gap = False
    for notification in notifications:
        match notification:
            case OrderChanged() | OrderPaged() | MessageUnusable() | MessageIgnored() if notification.seq is not None:
                gap = gap or (seq is not None and notification.seq != seq + 1)
                seq = notification.seq
            case _:
                pass
    return seq, gap


def _doubt(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Something says that the count may be wrong, and `seq` has no part in it."""
    return (state, ()) if state.doubt else _doubted(replace(state, doubt=True), now)


def _doubted(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    stale_at = min(state.stale_at, now + STALE_AFTER_DOUBT)
    look = () if state.looking else _look_at(state, now)
    return replace(state, stale_at=stale_at), (StartTimer(Timer.STALE, max(0.0, stale_at - now)), *look)


def _look_at(state: Connected, now: float) -> tuple[Effect, ...]:
    """Look as soon as another look is allowed, whatever the gateway says."""
    return (StartTimer(Timer.REFRESH, max(0.0, state.last_look + LOOK_EVERY - now)),)


def _look(state: Connected, now: float) -> Step:
    credential = state.world.credential
    assert credential is not None, "a feed was opened with a token"
    world = replace(state.world, serial=state.world.serial + 1)
    known = state.gateway.addresses
    address = state.address if state.address in known else known[0]
    if is_anothers(world, address, state.gateway.name):
        # Renamed, or gone and its address given away: the token goes there again only if its own name leads there.
        return disconnect(state, now)
    state = replace(state, world=world, looking=world.serial, look_address=address, last_look=now)
    return state, (OpenFeed(world.serial, address, credential.token),)


def _taken_over(state: Connected, book: OrderBook, now: float) -> Step:
    """The second feed is live: from its first message on it is the feed. book: what that makes of the orders."""
    effects: list[Effect] = [] if state.lost else [CloseFeed(state.feed)]
    if state.gap and not state.doubt:
        state = replace(state, vain=state.vain + 1 if state.book.same_orders(book) else 0)
    paged = newly_paged(state.book, book)
    address = state.look_address or state.address
    state = replace(state, feed=state.looking, looking=0, address=address, lost=False, book=book, seq=None, heard=now)
    state, whole = _whole(state, now)
    effects += whole
    if paged:
        state, page = show_page(state, paged, now)
        effects += page
    state, late = start_late_timer(state, now)
    return state, (*effects, *late)


def _whole(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """The whole set is known: no doubt is left, and the next is asked for in good time."""
    timers = (StartTimer(Timer.REFRESH, REFRESH_AFTER), StartTimer(Timer.STALE, STALE_AFTER))
    return replace(state, stale_at=now + STALE_AFTER, gap=False, doubt=False), timers


def _lost(state: Connected, now: float) -> Step:
    """The feed ended. Where a second one is opening, it has a moment to show that this is no outage."""
    if not state.looking:
        return disconnect(replace(state, lost=True), now)
    stale_at = min(state.stale_at, now + STALE_AFTER_LOSS)
    return replace(state, lost=True, stale_at=stale_at), (StartTimer(Timer.STALE, max(0.0, stale_at - now)),)
