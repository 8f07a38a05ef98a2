"""State -> View: the words on the screen, the lights, and the facts, in the words that a waiter knows.

Also says until when a view holds if nothing happens, so that the panel is drawn anew just when something changes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from appliance.core.events import Denial
from appliance.core.machine import HOLD_SHOWS, HOLD_TO_FORGET, holding
from appliance.core.moves import (
    FEED_REFUSED,
    GATEWAY_UNREACHABLE,
    PAIRING_WINDOW,
    TOKEN_REFUSED,
    TOKEN_UNREADABLE,
    WINDOW_OVER,
)
from appliance.core.orders import Summary, next_late, summary
from appliance.core.states import (
    NAMES,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Offline,
    Pairing,
    State,
    World,
)
from appliance.core.values import Address, Benchmarks
from appliance.core.view import Leds, Light, Line, Screen, Size, View

NO_NETWORK = "no network"
OTHER_GATEWAY = "another gateway is here"
CONFIRM = "confirm the gateway"
SILENT_AFTER = 5.0
"""Seconds after which a gateway that has not answered a request for a token is called unreachable."""
INSTANT = 0.001
"""Seconds; no two views are closer to each other than this."""
LONGEST_NAME = 40
"""Characters of a name that are shown; the drawing shortens further to what fits."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A view, and the moment (monotonic seconds) at which time alone makes another of it; infinity for never."""

    view: View
    until: float


def present(state: State, now: float) -> Shown:
    """What a state looks like at `now`, and until when. now: monotonic seconds."""
    left = holding(state, now)
    match state:
        case Discovering():
            shown = _discovering(state)
        case AwaitingPairing():
            shown = _awaiting(state)
        case Pairing():
            shown = _pairing(state, now)
        case Connecting():
            shown = _connecting(state)
        case Connected():
            shown = _connected(state, now)
        case Offline():
            shown = _offline(state, now)
    if left is not None:
        shown = _countdown(shown, left, now)
    elif state.world.down_since is not None:
        shown = replace(shown, until=min(shown.until, _soon(state.world.down_since + HOLD_SHOWS, now)))
    # Rounding may put the next change at this very moment: then it is due at once, and not never.
    return replace(shown, until=max(shown.until, now + INSTANT))


def legible(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as it can be shown: no control or bidirectional characters, one line, not endless.

    longest: characters that it may have.
    """
    begin = name[: 4 * longest]
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " if c.isspace() else "" for c in begin)
    words = " ".join(kept.split()) or "?"
    return words if len(words) <= longest else words[: longest - 1] + "…"


def age(seconds: float) -> str:
    """An age as it is read at a glance, in whole minutes: `<1 min`, `7 min`, `1 h 05`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "<1 min"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def _soon(at: float, now: float) -> float:
    return at if at > now else math.inf


def _view(state: State, reason: str | None, leds: Leds, lines: Sequence[Line], bar: float | None = None) -> View:
    gateway, address = _gateway(state)
    return View(
        state=NAMES[type(state)],
        reason=reason,
        gateway=gateway,
        address=None if address is None else str(address),
        active=None,
        paged=None,
        oldest=None,
        leds=leds,
        screen=Screen(tuple(lines), bar),
    )


def _gateway(state: State) -> tuple[str | None, Address | None]:
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


def _no_network(world: World) -> bool:
    """Whether this box has no address, and none was typed in that might be reached all the same."""
    return not world.typed and world.addresses == ()


def _own(state: State) -> tuple[Line, ...]:
    return tuple(Line(f"This box: {address}") for address in (state.world.addresses or ())[:1])


def _discovering(state: Discovering) -> Shown:
    world = state.world
    if _no_network(world):
        lines = [Line("No network", Size.MEDIUM), Line("Check the cable or Wi-Fi")]
        return Shown(_view(state, NO_NETWORK, Leds(red=Light.SLOW), lines), math.inf)
    lines = [Line("Looking for", Size.MEDIUM), Line("the gateway", Size.MEDIUM), *_why(state.reason), *_own(state)]
    return Shown(_view(state, state.reason, Leds(amber=Light.SLOW), lines), math.inf)


def _why(reason: str | None) -> tuple[Line, ...]:
    match reason:
        case _ if reason == WINDOW_OVER:
            return (Line("Two minutes are over."), Line("Press both buttons again"))
        case _ if reason == TOKEN_REFUSED:
            return (Line("Gateway says: not paired"),)
        case _ if reason == TOKEN_UNREADABLE:
            return (Line("Saved pairing damaged"),)
        case _:
            return ()


def _awaiting(state: AwaitingPairing) -> Shown:
    name, _ = _gateway(state)
    found = f"{len(state.world.gateways)} gateways found" if name is None else legible(name)
    lines = [Line("Press button", Size.MEDIUM), Line("here to pair", Size.MEDIUM), *_why(state.reason), Line(found)]
    return Shown(_view(state, state.reason, Leds(amber=Light.ON), lines), math.inf)


def _pairing(state: Pairing, now: float) -> Shown:
    left = max(0, math.ceil(state.ends - now))
    until = state.ends - left + 1 if left else math.inf
    bar = left / PAIRING_WINDOW
    leds = Leds(green=Light.SLOW, amber=Light.SLOW)
    if state.offers:
        name = legible(state.offers[0].gateway.name)
        lines = [Line("Pair with"), Line(name, Size.MEDIUM), Line("Yes: press this button"), Line("No: hold it 5 s")]
        return Shown(_view(state, CONFIRM, leds, lines, bar), until)
    answers = _answers(state, now)
    reason: str | None = None
    words = "Press button", "on the gateway"
    if answers == {Denial.UNREACHABLE} or not state.world.gateways:
        reason, words = GATEWAY_UNREACHABLE, ("Gateway does", "not answer")
    elif answers and Denial.NOT_PRESSED not in answers and Denial.REFUSED in answers:
        reason, words = str(Denial.REFUSED), ("Gateway gives", "no pairing")
    lines = [Line(text, Size.MEDIUM) for text in (*words, f"{left // 60}:{left % 60:02} left")]
    return Shown(_view(state, reason, leds, lines, bar), until)


def _answers(state: Pairing, now: float) -> set[Denial]:
    """What the gateways in sight say, where one that says nothing for seconds can't be reached."""
    asking = state.world.asking
    silent = {name for name, at in state.since.items() if name in asking and now - at >= SILENT_AFTER}
    told = {name: why for name, why in state.answers.items() if name not in silent}
    return {*told.values(), *(Denial.UNREACHABLE for name in silent if name in state.world.gateways)}


def _connecting(state: Connecting) -> Shown:
    name, _ = _gateway(state)
    lines = [Line("Connecting to", Size.MEDIUM), Line(legible(name or "?"), Size.MEDIUM)]
    return Shown(_view(state, None, Leds(green=Light.SLOW), lines), math.inf)


def _offline(state: Offline, now: float) -> Shown:
    world = state.world
    name, _ = _gateway(state)
    others = [other for other in world.gateways if other != name]
    reason, words = state.why, ["Gateway does not answer"]
    if _no_network(world):
        reason, words = NO_NETWORK, ["No network: check cable"]
    elif name not in world.gateways and others:
        reason = OTHER_GATEWAY
        words = [f"Here: {legible(others[0])}", "Hold button 5 s to change"]
    elif reason == FEED_REFUSED:
        words = ["Gateway gives no orders"]
    passed = max(0.0, now - state.since)
    lines = [Line("OFFLINE", Size.MEDIUM), *map(Line, [f"for {age(passed)}", *words, legible(name or "?")])]
    return Shown(_view(state, reason, Leds(red=Light.SLOW), lines), state.since + (passed // 60 + 1) * 60)


def _connected(state: Connected, now: float) -> Shown:
    world, benchmarks = state.world, state.world.benchmarks
    told = summary(state.book, benchmarks, now)
    lines = [Line(f"{told.active}", Size.HUGE), Line("  ".join(_what(told)))]
    until = math.inf
    if told.oldest is not None:
        lines.append(Line(f"oldest {'≥' if told.at_least else ''}{age(told.oldest)}", Size.MEDIUM))
        until = _next_change(state, told.oldest, now)
    if world.unsaved:
        lines.append(Line("Pairing is not saved!"))
    oldest = None if told.oldest is None else int(told.oldest)
    view = _view(state, None, _lights(told, benchmarks), lines)
    return Shown(replace(view, active=told.active, paged=told.paged, oldest=oldest), until)


def _what(told: Summary) -> list[str]:
    """What the count is of, and what is remarkable in it."""
    remarks = ((told.paged, "{} paged"), (told.late, "{} late"), (told.forgotten, "+{} old"))
    return ["order" if told.active == 1 else "orders", *(words.format(count) for count, words in remarks if count)]


def _lights(told: Summary, benchmarks: Benchmarks) -> Leds:
    """Green, yellow and red as on the vendor's own order screen, by the oldest order."""
    if told.oldest is None or told.oldest < benchmarks.warn_after:
        return Leds(green=Light.ON)
    return Leds(amber=Light.ON) if told.oldest < benchmarks.late_after else Leds(red=Light.ON)


def _next_change(state: Connected, oldest: float, now: float) -> float:
    benchmarks = state.world.benchmarks
    since = now - oldest
    steps = [oldest // 60 * 60 + 60, benchmarks.warn_after, benchmarks.late_after, benchmarks.forget_after]
    ahead = [since + seconds for seconds in steps if since + seconds > now]
    late = next_late(state.book, benchmarks, now)
    return min([*ahead, *([] if late is None else [late])])


def _countdown(shown: Shown, left: float, now: float) -> Shown:
    """The hold is under way: say what it will do, and how to escape."""
    seconds = math.ceil(left)
    words = ("Forget the pairing", "Let go to keep it")
    if shown.view.reason == CONFIRM:
        words = ("Not this gateway", "Let go to go back")
    lines = (Line(words[0]), Line(f"in {seconds}", Size.HUGE), Line(words[1]))
    view = replace(shown.view, screen=Screen(lines, left / HOLD_TO_FORGET))
    return Shown(view, min(shown.until, now + left - (seconds - 1)))
