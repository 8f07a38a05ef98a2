"""Connecting and offline: the steps from a token to a live feed, and the back-off between attempts.

Both states take the same steps; offline also remembers when it began.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from appliance.core.effects import CheckToken, DropPendingToken, StartTimer, StopTimer, StoreToken
from appliance.core.events import (
    ButtonTapped,
    Event,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayResolved,
    GatewayUnresolved,
    NetworkChanged,
    TimerFired,
    TokenAccepted,
    TokenNotStored,
    TokenRefused,
    TokenStored,
    TokenUnchecked,
)
from appliance.core.folding import fold
from appliance.core.heard_names import in_sight, is_anothers_host, out_of_sight
from appliance.core.notifications import Notification
from appliance.core.orders import OrderBook, newly_paged, replaced
from appliance.core.reasons import FEED_REFUSED, GATEWAY_UNREACHABLE
from appliance.core.refusals import feed_failed, refused_by_feed, refused_by_http, unauthorized
from appliance.core.states import NEVER, Connecting, Disconnected, Offline, Phase
from appliance.core.timers import Timer
from appliance.core.transitions import (
    FEED_PHASES,
    GOOD_AFTER,
    HURRY_EVERY,
    SAVE_AGAIN,
    TRUST_ADDRESS,
    Step,
    back_off,
    connect,
    open_feed,
    reason_of,
    resolve_gateway,
    with_new_attempt,
)
from appliance.core.values import Gateway


def disconnected(state: Disconnected, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while a token is held and no feed is live."""
    link, world = state.link, state.world
    match event:
        case GatewayFound(gateway) if world.credential and gateway.name == world.credential.gateway:
            return _announced(state, gateway, now)
        case NetworkChanged(addresses) if addresses and link.phase is Phase.WAITING and _may_hurry(state, now):
            return resolve_gateway(_hurried(state, now))
        case NetworkChanged() if link.phase in (Phase.PROMOTING, Phase.PROVING):
            # The feed that is open may have come by an address that is gone.
            return replace(state, link=replace(link, doubt=True)), ()
        case ButtonTapped() if link.phase is Phase.WAITING and _may_hurry(state, now, TAP_EVERY):
            return resolve_gateway(_hurried(state, now))
        case TimerFired(Timer.RETRY) if link.phase is Phase.WAITING:
            return resolve_gateway(state)
        case TimerFired(Timer.RETRY) if link.phase is Phase.PROVING:
            return _proved(state, now)
        case GatewayResolved(attempt, gateway) if _is_current(state, {Phase.RESOLVING}, attempt):
            return open_feed(_at(replace(state, world=in_sight(world, gateway)), gateway, now))
        case GatewayUnresolved(attempt) if _is_current(state, {Phase.RESOLVING}, attempt):
            return _unresolved(state, now)
        case FeedOpened(attempt, orders, unreadable, header) if _is_current(state, {Phase.OPENING}, attempt):
            return _opened(state, replaced(link.book, orders, now, unreadable), header, now)
        case FeedNotified(attempt, notifications) if _is_current(state, {Phase.PROMOTING, Phase.PROVING}, attempt):
            return _notified(state, notifications, now)
        case FeedLost(attempt, FeedFailure.CLOSED_EARLY) if _is_current(state, {Phase.OPENING}, attempt):
            return _check(state, now)
        case FeedLost(attempt, FeedFailure.UNAUTHORIZED) if _is_current(state, {Phase.OPENING}, attempt):
            return unauthorized(state, now)
        case FeedLost(attempt, why) if _is_current(state, FEED_PHASES, attempt):
            return _lost(state, why, now)
        case TokenRefused(attempt) if _is_current(state, {Phase.CHECKING}, attempt):
            return refused_by_http(state, now)
        case TokenRefused(attempt) if _is_current(state, FEED_PHASES, attempt):
            return refused_by_feed(state, now)
        case TokenAccepted(attempt) if _is_current(state, {Phase.CHECKING}, attempt):
            return feed_failed(state, now)
        case TokenUnchecked(attempt) if _is_current(state, {Phase.CHECKING}, attempt):
            return back_off(state, FEED_REFUSED, now)
        case TokenStored(attempt) | TokenNotStored(attempt) if _is_current(state, {Phase.STORING}, attempt):
            world = replace(world, unsaved=isinstance(event, TokenNotStored))
            return open_feed(replace(state, world=world))
        case TokenStored(number) | TokenNotStored(number) if link.phase is Phase.PROMOTING and number == world.saving:
            return _promoted(state, saved=isinstance(event, TokenStored), now=now)
        case _:
            return state, ()


TAP_EVERY = 1.0
"""The least seconds between two back-offs that presses cut short."""


def _is_current(state: Disconnected, phases: Set[Phase], attempt: int) -> bool:
    """Whether an answer belongs to the attempt under way."""
    return state.link.phase in phases and state.link.attempt == attempt


def _may_hurry(state: Disconnected, now: float, every: float = HURRY_EVERY) -> bool:
    return now >= state.world.hurried_at + every


def _hurried(state: Disconnected, now: float) -> Disconnected:
    return replace(state, world=replace(state.world, hurried_at=now))


def _announced(state: Disconnected, gateway: Gateway, now: float) -> Step:
    """The paired gateway announced itself. Anybody could announce it, so ask before the token goes anywhere.

    A step under way goes on where it began: if that is the wrong address, it fails within seconds. Announcements in a
    rush do not cut each back-off short.
    """
    link = state.link
    if link.gateway is None:
        state = _at(state, gateway, now)
    else:
        # If it is announced elsewhere, one of the two addresses is wrong: without an answer, the token goes to neither.
        trusted_until = now + TRUST_ADDRESS if link.address in gateway.addresses else NEVER
        state = replace(state, link=replace(link, trusted_until=trusted_until))
    if link.phase is Phase.WAITING and _may_hurry(state, now):
        return resolve_gateway(_hurried(state, now))
    return state, ()


def _at(state: Disconnected, gateway: Gateway, now: float) -> Disconnected:
    """The same state with new addresses of the gateway."""
    old = state.link
    turn = 0
    if old.gateway is not None and set(old.gateway.addresses) == set(gateway.addresses):
        # Keep the order of the addresses, so that a failure moves on to the next one.
        gateway, turn = old.gateway, old.turn
    link = replace(old, gateway=gateway, turn=turn, trusted_until=now + TRUST_ADDRESS)
    if isinstance(state, Offline) and old.gateway is None:
        # The gateway is in sight for the first time since power-on: this is no outage.
        return Connecting(state.world, link)
    return replace(state, link=link)


def _unresolved(state: Disconnected, now: float) -> Step:
    """The name does not resolve: try the last address for a minute, and then send the token nowhere.

    If another name was announced at that address since, it no longer belongs to the paired gateway.
    """
    world, address = state.world, state.link.address
    assert world.credential is not None, "only a paired appliance asks for a name"
    name = world.credential.gateway
    if address is not None and not is_anothers_host(world, address.host, name) and now <= state.link.trusted_until:
        return open_feed(state)
    return back_off(replace(state, world=out_of_sight(world, name)), GATEWAY_UNREACHABLE, now)


def _check(state: Disconnected, now: float) -> Step:
    """Check the token with a secured GET, which tells a refused token from a gateway that is still booting.

    If the gateway was announced elsewhere meanwhile, its name is resolved before the token goes anywhere again.
    """
    if now > state.link.trusted_until:
        return back_off(state, FEED_REFUSED, now)
    address, credential = state.link.address, state.world.credential
    assert address is not None, "a feed was opened somewhere"
    assert credential is not None, "a feed was opened with a token"
    checking = with_new_attempt(state, Phase.CHECKING)
    return checking, (CheckToken(checking.link.attempt, address, credential.token),)


def _lost(state: Disconnected, why: FeedFailure, now: float) -> Step:
    """The feed ended, before it was shown."""
    link = state.link
    if why is FeedFailure.SILENT:
        return feed_failed(state, now)
    # Another device may have one of the gateway's addresses.
    elsewhere = why in (FeedFailure.UNREACHABLE, FeedFailure.UNREADABLE)
    failed = replace(state, link=replace(link, turn=link.turn + elsewhere))
    return back_off(failed, reason_of(why), now)


def _opened(state: Disconnected, book: OrderBook, header: bool, now: float) -> Step:
    """The feed is live, which proves its token: store a new one before anything is shown."""
    world = state.world
    # Pages from before a new pairing are no news to the person who pairs.
    paged = () if state.link.new_pairing else newly_paged(state.link.book, book)
    link = replace(state.link, book=book, paged=state.link.paged + paged, whole_at=now, doubt=False)
    assert world.credential is not None, "a feed was opened with a token"
    accepted = replace(world.credential, header=header)
    if accepted != world.current and (world.credential is not world.current or world.pending is None):
        number = world.serial + 1
        world = replace(world.with_token(accepted), serial=number, saving=number)
        return replace(state, world=world, link=replace(link, phase=Phase.PROMOTING)), (StoreToken(number, accepted),)
    world = replace(world, current=accepted)
    dropped: tuple[DropPendingToken, ...] = ()
    if world.trying and now >= world.pending_until:
        world, dropped = world.with_token(accepted), (DropPendingToken(),)
    state = replace(state, world=world, link=link)
    if link.died_young and not link.paged:
        proving = replace(state, link=replace(link, phase=Phase.PROVING))
        return proving, (*dropped, StartTimer(Timer.RETRY, GOOD_AFTER))
    connected, effects = connect(state, book, now)
    return connected, (*dropped, *effects)


def _notified(state: Disconnected, notifications: tuple[Notification, ...], now: float) -> Step:
    """The feed is live, and not shown yet. A paged order can't wait."""
    link = state.link
    folded = fold(link.book, notifications, now)
    link = replace(
        link,
        book=folded.book,
        paged=link.paged + folded.paged,
        whole_at=now if folded.whole else link.whole_at,
        doubt=(link.doubt and not folded.whole) or bool(folded.unknown or folded.unusable or folded.suspects),
    )
    notified = replace(state, link=link)
    if link.phase is Phase.PROVING and link.paged:
        return _proved(notified, now)
    return notified, ()


def _proved(state: Disconnected, now: float) -> Step:
    """Show the feed that opened after one that died young."""
    connected, effects = connect(state, state.link.book, now)
    return connected, (StopTimer(Timer.RETRY), *effects)


def _promoted(state: Disconnected, *, saved: bool, now: float) -> Step:
    world = replace(state.world, saving=0, unsaved=not saved)
    connected, effects = connect(replace(state, world=world), state.link.book, now)
    return connected, effects if saved else (*effects, StartTimer(Timer.SAVE, SAVE_AGAIN))
