"""Discovering, awaiting pairing and pairing: the way to a token."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import CheckToken, MakeSound, ResolveGateway, StartTimer
from appliance.core.events import (
    ButtonTapped,
    Denial,
    Event,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    Timer,
    TimerFired,
    TokenAccepted,
    TokenDenied,
    TokenRefused,
    TokensLoaded,
    TokenUnchecked,
)
from appliance.core.heard_names import in_sight
from appliance.core.reasons import TOKEN_UNREADABLE, WINDOW_OVER
from appliance.core.states import (
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Link,
    Offer,
    Offline,
    Pairing,
    State,
)
from appliance.core.transitions import (
    RECHECK_REFUSED,
    TRUST_ADDRESS,
    Step,
    accept_token,
    ask_for_tokens,
    offer_gateway,
    open_feed,
    paired_gateway_in_sight,
    resting_state,
    start_pairing,
    stop_pairing,
)
from appliance.core.values import Gateway, Token
from appliance.core.view import Sound


def discovering(state: Discovering, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while no gateway is in sight and none is paired."""
    match event:
        case TokensLoaded(current, pending, damaged):
            world = replace(state.world, current=current, pending=pending)
            return resting_state(world, now, TOKEN_UNREADABLE if damaged else None)
        case GatewayFound():
            return resting_state(state.world, now, state.reason)
        case _:
            return state, ()


def awaiting_pairing(state: AwaitingPairing, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while the box waits for a press. A refused token is checked again every minute."""
    world = state.world
    match event:
        case ButtonTapped():
            return start_pairing(world, now)
        case GatewayLost() if not world.gateways or (world.credential and not paired_gateway_in_sight(world)):
            return resting_state(world, now, state.reason)
        case GatewayFound(gateway) if world.credential and gateway.name == world.credential.gateway:
            # The gateway may have restarted with its tokens restored: check at once.
            return state, (StartTimer(Timer.RETRY, 0.0),)
        case TimerFired(Timer.RETRY) if world.credential is not None:
            number, name = world.serial + 1, world.credential.gateway
            effects = (ResolveGateway(number, name, world.proven), StartTimer(Timer.RETRY, RECHECK_REFUSED))
            return replace(state, world=replace(world, serial=number), attempt=number), effects
        case GatewayResolved(attempt, gateway) if attempt == state.attempt and world.credential:
            token = world.credential.token
            return replace(state, world=in_sight(world, gateway)), (CheckToken(attempt, gateway.addresses[0], token),)
        case TokenAccepted(attempt) if attempt == state.attempt and world.credential:
            link = Link(world.gateways.get(world.credential.gateway), trusted_until=now + TRUST_ADDRESS)
            return open_feed(Connecting(world, link))
        case GatewayUnresolved(attempt) | TokenRefused(attempt) | TokenUnchecked(attempt) if attempt == state.attempt:
            return replace(state, attempt=0), ()
        case _:
            return state, ()


def pairing(state: Pairing, event: Event | ButtonTapped, now: float) -> Step:
    """Handle an event while the window is open and every gateway in sight is asked for a token."""
    match event:
        case TimerFired(Timer.ASK):
            return ask_for_tokens(state, now)
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
            return stop_pairing(state, now, None)
        case TimerFired(Timer.WINDOW):
            stopped, effects = stop_pairing(state, now, WINDOW_OVER)
            return stopped, (*effects, MakeSound(Sound.ERROR))
        case _:
            return state, ()


def decline_gateway(state: Pairing, now: float) -> Step:
    """A person declined the gateway on the screen: offer the next one, or keep asking."""
    names = state.declined | {state.offers[0].gateway.name}
    return ask_for_tokens(replace(state, offers=state.offers[1:], declined=names), now)


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
            return offer_gateway(state, offers, now)
        case Discovering() | AwaitingPairing() if len(world.gateways.keys() | {gateway.name}) > 1:
            asked = frozenset(world.gateways.keys() | {gateway.name})
            return offer_gateway(Pairing(world, world.serial, now, asked), (Offer(gateway, token),), now)
        case _:
            pass
    return accept_token(state, gateway, token, now)
