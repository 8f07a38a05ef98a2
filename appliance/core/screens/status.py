"""What the display says while there is no count: what is the matter, and what a person can do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.events import Denial
from appliance.core.formatting import age, clock, legible
from appliance.core.states import AwaitingPairing, Connected, Connecting, Discovering, Offline, Pairing, State, World
from appliance.core.transitions import (
    FEED_REFUSED,
    GATEWAY_UNREACHABLE,
    PAIRING_WINDOW,
    TOKEN_REFUSED,
    TOKEN_UNREADABLE,
    TOO_MANY_ORDERS,
    WINDOW_OVER,
)
from appliance.core.values import Address
from appliance.core.view import Icon, LedMode, Leds, Line, Message, Screen, Size

NO_NETWORK = "no network"
OTHER_GATEWAY = "another gateway is here"
CONFIRM = "confirm the gateway"
SILENT_AFTER = 5.0
"""Seconds after which a gateway that has not answered a request for a token is called unreachable."""
LOOKING_LONG = 20.0
"""Seconds of looking after which a person is told what may be wrong: a gateway that is there answers within a few."""


@dataclass(frozen=True, slots=True)
class StateView:
    """What a state has to tell. until: monotonic seconds. The counts are None where there is no live feed.

    urgent: nothing else may take the screen's place. asleep: the word that is left when the display rests. head: the
    lines of a message that belong together at its head.
    """

    screen: Screen
    leds: Leds
    until: float = math.inf
    reason: str | None = None
    active: int | None = None
    paged: int | None = None
    oldest: int | None = None
    urgent: bool = False
    asleep: str = ""
    head: int = 0


def state_view(state: Discovering | AwaitingPairing | Pairing | Connecting | Offline, now: float) -> StateView:
    """What a state without a live feed tells at `now`."""
    match state:
        case Discovering():
            return _discovering(state, now)
        case AwaitingPairing():
            return _awaiting(state)
        case Pairing():
            return _pairing(state, now)
        case Connecting():
            name = legible(subject_gateway(state)[0] or "?")
            screen = _message(Icon.CONNECTING, ["Connecting to", name])
            return StateView(screen, Leds(green=LedMode.SLOW), asleep="Connecting")
        case Offline():
            return _offline(state, now)


def subject_gateway(state: State) -> tuple[str | None, Address | None]:
    """The gateway that a state is about: the paired one, the one that is offered, or the only one in sight."""
    world = state.world
    match state:
        case Connected():
            return state.gateway.name, state.address
        case Connecting() | Offline():
            return world.credential.gateway if world.credential else None, state.link.address
        case Pairing() if state.offers:
            return state.offers[0].gateway.name, state.offers[0].gateway.addresses[0]
        case _:
            pass
    name = world.credential.gateway if world.credential else None
    if name not in world.gateways and len(world.gateways) == 1:
        (name,) = world.gateways
    seen = None if name is None else world.gateways.get(name)
    return (None, None) if seen is None else (seen.name, seen.addresses[0])


def _message(
    icon: Icon, large: Sequence[str], small: Sequence[str] = (), bar: float | None = None, hints: Sequence[str] = ()
) -> Message:
    """hints: what is said only where there is room for it."""
    headline = (Line(words, Size.MEDIUM) for words in large)
    return Message((*headline, *map(Line, small), *(Line(words, spare=1) for words in hints)), bar, icon)


def _no_network(world: World) -> bool:
    """Whether this box has no address, and none was typed in that might be reached all the same."""
    return not world.typed and world.addresses == ()


def _discovering(state: Discovering, now: float) -> StateView:
    world = state.world
    if _no_network(world):
        screen = _message(Icon.NO_NETWORK, ["No network"], ["Check the cable", "or the Wi-Fi settings"])
        return StateView(screen, Leds(red=LedMode.SLOW), reason=NO_NETWORK, asleep="No network")
    long_since = world.stirred + LOOKING_LONG
    why = _why(state.reason)
    hints = ("Is it switched on, and on", "the same network?") if not why and now >= long_since else ()
    own = [f"This box: {address}" for address in (world.addresses or ())[:1]]
    screen = _message(Icon.SEARCH, ["Looking for", "the gateway"], [*why, *own], hints=hints)
    until = long_since if now < long_since else math.inf
    return StateView(screen, Leds(amber=LedMode.SLOW), until, state.reason, asleep="No gateway found")


def _why(reason: str | None) -> list[str]:
    """Why this box is not paired, where it has been, or nearly was."""
    match reason:
        case _ if reason == WINDOW_OVER:
            return ["Two minutes are over"]
        case _ if reason == TOKEN_REFUSED:
            return ["Gateway says: not paired"]
        case _ if reason == TOKEN_UNREADABLE:
            return ["Saved pairing damaged"]
        case _:
            return []


def _awaiting(state: AwaitingPairing) -> StateView:
    name, _ = subject_gateway(state)
    found = f"{len(state.world.gateways)} gateways found" if name is None else f"Found: {legible(name)}"
    if state.world.typed:
        # Nobody has heard of it yet: it is where the settings say that it is.
        found = f"Gateway: {legible(name or '?')}"
    screen = _message(Icon.PRESS_HERE, ["Press button", "here to pair"], [*_why(state.reason), found])
    return StateView(screen, Leds(amber=LedMode.FAST), reason=state.reason, asleep="Not paired")


def _pairing(state: Pairing, now: float) -> StateView:
    left = max(0, math.ceil(state.ends - now))
    until = state.ends - left + 1 if left else math.inf
    bar = left / PAIRING_WINDOW
    leds = Leds(green=LedMode.SLOW, amber=LedMode.FAST)
    if state.offers:
        gateway = state.offers[0].gateway
        lines = (
            Line(f"{clock(left)} left to pair with", spare=2),
            Line(legible(gateway.name), Size.MEDIUM),
            # Names may be alike as far as they can be shown, or drawn.
            Line(f"at {gateway.addresses[0]}", spare=1),
            Line("Yes: press here"),
            Line("No: hold 5 s"),
        )
        return StateView(Message(lines, bar), leds, until, CONFIRM)
    answers = _answers(state, now)
    reason: str | None = None
    icon, words = Icon.PRESS_GATEWAY, ["Now press the", "gateway's button"]
    if answers == {Denial.UNREACHABLE} or not state.world.gateways:
        icon, reason, words = Icon.OFFLINE, GATEWAY_UNREACHABLE, ["Gateway does", "not answer"]
    elif answers and Denial.NOT_PRESSED not in answers and Denial.REFUSED in answers:
        icon, reason, words = Icon.WARNING, str(Denial.REFUSED), ["Gateway gives", "no pairing"]
    return StateView(_message(icon, [*words, f"{clock(left)} left"], bar=bar), leds, until, reason)


def _answers(state: Pairing, now: float) -> set[Denial]:
    """What the gateways in sight say, where one that says nothing for seconds can't be reached."""
    asking = state.world.asking
    silent = {name for name, at in state.since.items() if name in asking and now - at >= SILENT_AFTER}
    told = {name: why for name, why in state.answers.items() if name not in silent}
    return {*told.values(), *(Denial.UNREACHABLE for name in silent if name in state.world.gateways)}


def _offline(state: Offline, now: float) -> StateView:
    world = state.world
    name, _ = subject_gateway(state)
    others = [other for other in world.gateways if other != name]
    icon, reason, words = Icon.OFFLINE, state.why, ["Gateway does not answer", "Check its power and cable"]
    if _no_network(world):
        icon, reason, words = Icon.NO_NETWORK, NO_NETWORK, ["No network: check cable", "or the Wi-Fi settings"]
    elif name not in world.gateways and others:
        reason = OTHER_GATEWAY
        words = [f"Here: {legible(others[0])}", "Hold button 5 s to change"]
    elif reason == FEED_REFUSED:
        words = ["Gateway gives no orders", "Perhaps it is starting"]
    elif reason == TOO_MANY_ORDERS:
        words = ["Gateway sends more than", "this box can hold"]
    passed = max(0.0, now - state.since)
    screen = _message(icon, ["OFFLINE"], [f"for {age(passed)}", *words, legible(name or "?")])
    until = state.since + (passed // 60 + 1) * 60
    return StateView(screen, Leds(red=LedMode.SLOW), until, reason, asleep="OFFLINE", head=2)
