"""Discovering, awaiting pairing and pairing: the way to a token."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.connecting import disconnected
from appliance.core.effects import AskForToken, Effect, MakeSound, StartTimer, StopTimer
from appliance.core.events import (
    ButtonTapped,
    Denial,
    Event,
    GatewayFound,
    GatewayLost,
    GatewayUnresolved,
    TimerFired,
    TokenDenied,
    TokensLoaded,
)
from appliance.core.reasons import TOKEN_REFUSED, TOKEN_UNREADABLE, WINDOW_OVER
from appliance.core.states import (
    NEVER,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Link,
    Offer,
    Offline,
    Pairing,
    Phase,
    State,
)
from appliance.core.timers import Timer
from appliance.core.transitions import (
    ASK_EVERY,
    CONFIRM_WINDOW,
    HURRY_EVERY,
    PAIRING_WINDOW,
    RECHECK_REFUSED,
    TRUST_ADDRESS,
    Step,
    accept_token,
    await_pairing,
    cleanup_effects,
    paired_gateway_in_sight,
    resolve_gateway,
    resting_state,
)
from appliance.core.values import Gateway, Token
from appliance.core.view import Sound


def discovering(state: Discovering, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while no gateway is in sight and none is paired."""
    match event:
        case TokensLoaded(current, pending, damaged, earlier):
            # Its window is unknown after a restart, so it begins anew.
            until = now + PAIRING_WINDOW if pending else NEVER
            world = replace(state.world, current=current, pending=pending, earlier=earlier, pending_until=until)
            return resting_state(world, now, TOKEN_UNREADABLE if damaged else None)
        case GatewayFound():
            return resting_state(state.world, now, state.reason)
        case _:
            return state, ()


def awaiting_pairing(state: AwaitingPairing, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while the box waits for a press. A refused token is tried again every minute."""
    world = state.world
    match event:
        case ButtonTapped():
            return _start_pairing(state, now)
        case GatewayLost() if not world.gateways or (world.credential and not paired_gateway_in_sight(world)):
            entered, effects = resting_state(replace(world, trying=0), now, state.reason)
            return entered, (*cleanup_effects(state), *effects)
        case GatewayFound(gateway) if (
            world.credential
            and gateway.name == world.credential.gateway
            and state.link is None
            and now >= world.hurried_at + HURRY_EVERY
        ):
            # The gateway may have restarted with its tokens restored: try at once.
            return _try_refused(replace(state, world=replace(world, hurried_at=now)), now)
        case TimerFired(Timer.RETRY) if world.credential is not None:
            return _try_refused(state, now) if state.link is None else (state, (_TRY_AGAIN,))
        case _ if state.link is not None:
            return _still_trying(state, state.link, event, now)
        case _:
            return state, ()


def _try_refused(state: AwaitingPairing, now: float) -> Step:
    """Try to connect with a refused token, unseen: the feed alone decides whether the gateway accepts it again."""
    credential = state.world.credential
    gateway = None if credential is None else state.world.gateways.get(credential.gateway)
    trying, effects = resolve_gateway(Connecting(state.world, Link(gateway, trusted_until=now + TRUST_ADDRESS)))
    assert isinstance(trying, Connecting)
    # The next attempt is due a minute after the beginning of this one, however long it takes.
    return replace(state, world=trying.world, link=trying.link), (*_unseen(effects), _TRY_AGAIN)


def _still_trying(state: AwaitingPairing, link: Link, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event of the attempt with a refused token, by the rules of connecting."""
    if isinstance(event, GatewayUnresolved) and (event.attempt, Phase.RESOLVING) == (link.attempt, link.phase):
        # No answer for the name, but it may still be in sight.
        return replace(state, world=replace(state.world, trying=0), link=None), ()
    tried, effects = disconnected(Connecting(state.world, link), event, now)
    if isinstance(tried, Connecting | Offline) and tried.link.phase in _UNSEEN:
        return replace(state, world=tried.world, link=tried.link), _unseen(effects)
    if isinstance(tried, Connected) or (isinstance(tried, Connecting) and tried.link.phase is Phase.PROMOTING):
        return tried, (StopTimer(Timer.RETRY), *effects)
    return replace(state, world=tried.world, link=None), _unseen(effects)


def _unseen(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects of an attempt that changes neither the timer of this state nor what a person hears."""
    return tuple(effect for effect in effects if not isinstance(effect, StartTimer | StopTimer | MakeSound))


_TRY_AGAIN = StartTimer(Timer.RETRY, RECHECK_REFUSED)
_UNSEEN = frozenset({Phase.RESOLVING, Phase.OPENING, Phase.CHECKING})
"""The phases in which an attempt with a refused token has shown nothing yet."""


def pairing(state: Pairing, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while the window is open and every gateway in sight is asked for a token."""
    match event:
        case TimerFired(Timer.ASK):
            return _ask_for_tokens(state, now)
        case TokenDenied(_, name, why):
            turns = dict(state.turns)
            if why is Denial.UNREACHABLE:
                turns[name] = turns.get(name, 0) + 1
            since = {other: at for other, at in state.since.items() if other != name}
            return replace(state, since=since, answers={**state.answers, name: why}, turns=turns), ()
        case GatewayLost(name):
            answers = {other: why for other, why in state.answers.items() if other != name}
            return replace(state, answers=answers), ()
        case ButtonTapped() if state.offers:
            chosen = state.offers[0]
            return accept_token(state, chosen.gateway, chosen.token, now)
        case ButtonTapped():
            return _stop_pairing(state, now, None)
        case TimerFired(Timer.WINDOW):
            stopped, effects = _stop_pairing(state, now, WINDOW_OVER)
            return stopped, (*effects, MakeSound(Sound.ERROR))
        case _:
            return state, ()


def _start_pairing(state: AwaitingPairing, now: float) -> Step:
    """Open the pairing window and ask every gateway in sight."""
    world = replace(state.world, trying=0, serial=state.world.serial + 1)
    asking, effects = _ask_for_tokens(Pairing(world, world.serial, now + PAIRING_WINDOW), now)
    return asking, (*cleanup_effects(state), StartTimer(Timer.WINDOW, PAIRING_WINDOW), *effects)


def _ask_for_tokens(state: Pairing, now: float) -> tuple[Pairing, tuple[Effect, ...]]:
    """Ask each gateway in sight that has no open request, and again in a second."""
    world = state.world
    settled = state.declined | {offered.gateway.name for offered in state.offers}
    free = [gateway for name, gateway in world.gateways.items() if name not in world.asking | settled]
    effects: list[Effect] = [StartTimer(Timer.ASK, ASK_EVERY)]
    for gateway in free:
        turn = state.turns.get(gateway.name, 0) % len(gateway.addresses)
        effects.append(AskForToken(state.attempt, gateway, gateway.addresses[turn]))
    asking = world.asking | {gateway.name for gateway in free}
    # For a request of an earlier window that is still open, the wait counts from now.
    since = {name: state.since.get(name, now) for name in asking}
    since |= {gateway.name: now for gateway in free}
    asked = state.asked.union(world.gateways)
    return replace(state, world=replace(world, asking=asking), asked=asked, since=since), tuple(effects)


def _stop_pairing(state: Pairing, now: float, reason: str | None) -> Step:
    """Close the pairing window without a token."""
    world = state.world
    if reason is None and world.credential is not None:
        reason = TOKEN_REFUSED
    if paired_gateway_in_sight(world):
        # Its token was refused before this window opened.
        entered, effects = await_pairing(world, reason)
    else:
        entered, effects = resting_state(world, now, reason)
    return entered, (*cleanup_effects(state), *effects)


def _offer_gateway(state: Pairing, offers: tuple[Offer, ...], now: float) -> Step:
    """Name the gateway that issued a token and wait for confirmation; keep asking the others."""
    ends = max(state.ends, now + CONFIRM_WINDOW)
    offered = replace(state, ends=ends, offers=offers)
    return offered, (StopTimer(Timer.RETRY), StartTimer(Timer.WINDOW, ends - now))


def decline_gateway(state: Pairing, now: float) -> Step:
    """A person declined the gateway on the screen: offer the next one, or keep asking."""
    names = state.declined | {state.offers[0].gateway.name}
    return _ask_for_tokens(replace(state, offers=state.offers[1:], declined=names), now)


def token_issued(state: State, gateway: Gateway, token: Token, now: float) -> Step:
    """Handle a new token, even a late one: the gateway never shows it again.

    With several candidates, a person confirms the gateway that answered.
    """
    world = state.world
    match state:
        case Connected():
            return state, ()
        case Connecting() | Offline():
            # A late token of another gateway is dropped; one of the paired gateway replaces the held one.
            if world.credential is None or world.credential.gateway != gateway.name:
                return state, ()
        case Pairing() if state.offers or len(state.asked | {gateway.name}) > 1:
            offers = (*(known for known in state.offers if known.gateway.name != gateway.name), Offer(gateway, token))
            return _offer_gateway(state, offers, now)
        case Discovering() | AwaitingPairing() if len(world.gateways.keys() | {gateway.name}) > 1:
            asked = frozenset(world.gateways.keys() | {gateway.name})
            world = replace(world, trying=0)
            offered, effects = _offer_gateway(Pairing(world, world.serial, now, asked), (Offer(gateway, token),), now)
            return offered, (*cleanup_effects(state), *effects)
        case _:
            pass
    return accept_token(state, gateway, token, now)
