"""Connected: orders are folded from a live feed, and checked against the whole set whenever they may be wrong.

A *look* at the whole set is a second feed, which takes over with its first message. An HTTP request can't replace it,
because its answer has no place in the order of notifications.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from appliance.core.alerts import (
    announce_new_order,
    answer_page,
    became_late,
    page_is_answerable,
    repeat_page,
    show_page,
    start_late_timer,
)
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
    HistoryRequested,
    HistorySynced,
    HistorySyncFailed,
    NetworkChanged,
    TimerFired,
    TokenRefused,
)
from appliance.core.folding import fold
from appliance.core.heard_names import is_anothers
from appliance.core.history_sync import (
    history_sync_failed,
    history_synced,
    start_history_sync,
    start_requested_sync,
    stop_history_sync,
)
from appliance.core.limits import MOST_ORDERS, MOST_SUSPECTS
from appliance.core.navigation import turn
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
)
from appliance.core.orders import OrderBook, newly_paged, replaced
from appliance.core.reasons import FEED_REFUSED
from appliance.core.refusals import token_refused
from appliance.core.states import Connected
from appliance.core.timers import Timer
from appliance.core.transitions import (
    LOOK_EVERY,
    REFRESH_AFTER,
    STALE_AFTER,
    STALE_AFTER_DOUBT,
    STALE_AFTER_LOSS,
    Step,
    cleanup_effects,
    disconnect,
    reason_of,
    too_many_orders,
)

VAIN_LOOKS = 3
"""After so many looks in a row that found nothing missing, a suspect is ignored: the meaning of `seq`, and of a type or
a word that the gateway's documentation lacks, is only inferred."""
GAP = "gap in seq"
"""The suspect of a number that was skipped."""


def connected(state: Connected, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while the feed is live."""
    match event:
        case FeedNotified(attempt, notifications) if attempt == state.feed:
            return _notified(replace(state, last_heard=now), notifications, now)
        case FeedAnswered(attempt) if attempt == state.feed:
            return replace(state, last_heard=now), ()
        case FeedOpened(attempt, orders, unreadable) if attempt == state.looking:
            return _taken_over(state, replaced(state.book, orders, now, unreadable), now)
        case FeedLost(attempt, FeedFailure.UNREACHABLE) if attempt == state.feed:
            # Messages may be missing from a dead connection: stop showing the count at once.
            return disconnect(replace(state, lost=True), now)
        case FeedLost(attempt, FeedFailure.TOO_MUCH) if attempt == state.looking:
            return too_many_orders(replace(state, looking=0), now)
        case FeedLost(attempt) if attempt == state.feed:
            return _lost(state, now)
        case FeedLost(attempt, why) if attempt == state.looking:
            gone = state.lost or (why is FeedFailure.UNREACHABLE and _has_moved(state))
            state = replace(state, looking=0)
            return disconnect(state, now, reason_of(why)) if gone else (state, _look_at(state, now))
        case TokenRefused(attempt) if attempt in (state.feed, state.looking):
            refused, effects = token_refused(state, now)
            return refused, (*cleanup_effects(state), *effects)
        case TimerFired(Timer.REFRESH) if not state.looking:
            return _look(state, now)
        case TimerFired(Timer.STALE):
            # The gateway may well answer, but it sent no whole set.
            return disconnect(state, now, FEED_REFUSED)
        case TimerFired(Timer.LATE):
            return became_late(state, now)
        case TimerFired(Timer.REPEAT) if state.alert is not None:
            return repeat_page(state, state.alert, now)
        case TimerFired(Timer.HISTORY) if not state.history_sync:
            return start_history_sync(state, now)
        case HistoryRequested() if not state.history_sync:
            return start_requested_sync(state, now)
        case HistorySynced(attempt) if attempt == state.history_sync:
            return history_synced(state, event, now)
        case HistorySyncFailed(attempt) if attempt == state.history_sync:
            return history_sync_failed(state)
        case ButtonTapped() if page_is_answerable(state, now):
            return answer_page(state)
        case ButtonTapped():
            return replace(state, world=turn(state, now)), ()
        case GatewayFound(gateway) if gateway.name == state.gateway.name:
            state = replace(state, gateway=gateway)
            if state.address in gateway.addresses:
                return state, ()
            # It moved, or somebody else announces its name or its host's. A look at the feed's own address decides.
            state, stopped = stop_history_sync(state)
            state, doubt = _raise_doubt(state, now)
            return state, (*stopped, *doubt)
        case GatewayFound() if is_anothers(state.world, state.address, state.gateway.name):
            # Another name was announced at the feed's address; probably the gateway was renamed. The next look decides.
            # The history sync sends the token with every request, so it ends now.
            return stop_history_sync(state)
        case NetworkChanged():
            # A feed from an address that this box lost is silently dead; with a fixed address, only a look tells.
            # Otherwise `machine` has disconnected already, and this event is about an additional address.
            return _raise_doubt(state, now)
        case _:
            return state, ()


def _notified(state: Connected, notifications: tuple[Notification, ...], now: float) -> Step:
    seq, gap = _follow(state.seq, notifications)
    folded = fold(state.book, notifications, now)
    if folded.book.active > MOST_ORDERS:
        return too_many_orders(state, now)
    state = replace(state, book=folded.book, seq=seq)
    effects: list[Effect] = []
    if folded.whole:
        state, timers = _whole(state, now)
        effects.extend(timers)
    if folded.paged:
        state, page = show_page(state, folded.paged, now)
        effects += page
    if folded.created:
        state, announced = announce_new_order(state, now)
        effects += announced
    state, doubt = _suspect(state, folded.suspects | {GAP} if gap else folded.suspects, now)
    effects += doubt
    if folded.unknown or folded.unusable:
        state, doubt = _raise_doubt(state, now)
        effects += doubt
    state, late = start_late_timer(state, now)
    return state, (*effects, *late)


def _follow(seq: int | None, notifications: Iterable[Notification]) -> tuple[int | None, bool]:
    """The last `seq` after some notifications, and whether a number was skipped."""
    gap = False
    for notification in notifications:
        match notification:
            case OrderChanged() | OrderPaged() | MessageUnusable() | MessageIgnored() if notification.seq is not None:
                gap = gap or (seq is not None and notification.seq != seq + 1)
                seq = notification.seq
            case _:
                pass
    return seq, gap


def _suspect(state: Connected, suspects: frozenset[str], now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Doubt the count because of these suspects, unless each proved to mean nothing."""
    if suspects <= state.suspects:
        return state, ()
    more = suspects - state.suspects
    state = replace(state, suspects=frozenset(sorted(state.suspects | more)[:MOST_SUSPECTS]))
    if all(state.vain_looks.get(suspect, 0) >= VAIN_LOOKS for suspect in more):
        return state, ()
    return _raise_doubt(state, now)


def _raise_doubt(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """The count may be wrong."""
    if state.doubted_at is not None:
        return state, ()
    stale_at = min(state.stale_at, now + STALE_AFTER_DOUBT)
    look = () if state.looking else _look_at(state, now)
    state = replace(state, doubted_at=now, stale_at=stale_at)
    return state, (StartTimer(Timer.STALE, max(0.0, stale_at - now)), *look)


def _look_at(state: Connected, now: float) -> tuple[Effect, ...]:
    """Look as soon as the least interval between two looks allows it."""
    return (StartTimer(Timer.REFRESH, max(0.0, state.last_look + LOOK_EVERY - now)),)


def _look(state: Connected, now: float) -> Step:
    credential = state.world.credential
    assert credential is not None, "a feed was opened with a token"
    world = replace(state.world, serial=state.world.serial + 1)
    if is_anothers(world, state.address, state.gateway.name):
        # The gateway was renamed, or its address belongs to another one: only its name may lead the token there again.
        return disconnect(state, now)
    # Only ever where the live feed is: whoever announces the gateway's name elsewhere must not get its token.
    state = replace(state, world=world, looking=world.serial, last_look=now)
    return state, (OpenFeed(world.serial, state.address, credential.token, credential.header),)


def _has_moved(state: Connected) -> bool:
    """Whether a failed look shows that the gateway moved: its name leads elsewhere, and the feed is silent as well."""
    return state.address not in state.gateway.addresses and state.last_heard < state.last_look


def _taken_over(state: Connected, book: OrderBook, now: float) -> Step:
    """The second feed is live and replaces the first. book: the orders after its first message."""
    effects: list[Effect] = [] if state.lost else [CloseFeed(state.feed)]
    if state.suspects:
        state = replace(state, vain_looks=_vain_looks(state, book))
    paged = newly_paged(state.book, book)
    state = replace(state, feed=state.looking, looking=0, lost=False, book=book, seq=None, last_heard=now)
    state, whole = _whole(state, now)
    effects += whole
    if paged:
        state, page = show_page(state, paged, now)
        effects += page
    state, late = start_late_timer(state, now)
    return state, (*effects, *late)


def _vain_looks(state: Connected, book: OrderBook) -> Mapping[str, int]:
    """The vain looks in a row of each suspect, after another look. book: what it found."""
    looks = {suspect: number for suspect, number in state.vain_looks.items() if suspect not in state.suspects}
    for suspect in sorted(state.suspects):
        # A gap may have hidden any change; a type or a word is suspected of the end of an order.
        vain = state.book.same_orders(book) if suspect == GAP else state.book.same_uuids(book)
        if vain:
            looks[suspect] = min(VAIN_LOOKS, state.vain_looks.get(suspect, 0) + 1)
    return dict(list(looks.items())[-MOST_SUSPECTS:])


def _whole(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """The whole set arrived: clear all doubts and schedule the next one."""
    timers = (StartTimer(Timer.REFRESH, REFRESH_AFTER), StartTimer(Timer.STALE, STALE_AFTER))
    return replace(state, stale_at=now + STALE_AFTER, suspects=frozenset(), doubted_at=None), timers


def _lost(state: Connected, now: float) -> Step:
    """The feed ended. If a second one is opening, it gets a moment to take over without an outage."""
    if not state.looking:
        return disconnect(replace(state, lost=True), now, FEED_REFUSED)
    stale_at = min(state.stale_at, now + STALE_AFTER_LOSS)
    return replace(state, lost=True, stale_at=stale_at), (StartTimer(Timer.STALE, max(0.0, stale_at - now)),)
