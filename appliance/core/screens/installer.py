"""The pages for an installer: a mistake in the settings, this box, its gateway, and what the lights mean."""

from __future__ import annotations

import math

from appliance.core.formatting import age, legible
from appliance.core.navigation import SCREEN_STAYS
from appliance.core.screens.led_legend import led_legend
from appliance.core.screens.status import subject_gateway
from appliance.core.states import Connected, ScreenId, State
from appliance.core.values import Mistake
from appliance.core.view import Line, Listing, Message, Row, Screen, Size

AGAIN = 1.0
"""Seconds after which a page that counts seconds is drawn anew."""
LONGEST_MISTAKE = 90
"""Characters of what is said of a mistake: as much as the display has room for; the log has all of it."""


def installer_screen(state: State, page: ScreenId, headline: str, now: float) -> tuple[Screen, float]:
    """One page, and until when it holds. headline: what is the matter, where something is; it heads every page."""
    match page:
        case ScreenId.SETTINGS:
            return _settings(state.world.mistakes), math.inf
        case ScreenId.GATEWAY:
            return Listing(headline or "Gateway", _gateway(state, now)), (now // AGAIN + 1) * AGAIN
        case ScreenId.LIGHTS:
            return _lights(state, headline, now)
        case _:
            return Listing(headline or "This box", _box(state, now)), (now // 60 + 1) * 60


def _settings(mistakes: tuple[Mistake, ...]) -> Message:
    """The first mistake in the settings file, in full; whoever mends it sees the next."""
    first, *others = mistakes
    what = f"{first.key}: {first.text}" if first.key else first.text
    title = "Settings" if first.line is None else f"Settings, line {first.line}"
    more = [Line(f"and {len(others)} more")] if others else []
    return Message((Line(title, Size.MEDIUM), Line(legible(what, LONGEST_MISTAKE)), *more))


def _box(state: State, now: float) -> tuple[Row, ...]:
    world = state.world
    board = world.board
    degrees = "" if board.temperature is None else f"{board.temperature:.0f} °C"
    power = {None: "", True: "power too weak", False: "power was weak" if board.was_weak else "power ok"}
    rows = (
        Row((world.addresses or ("no address",))[0]),
        # The monotonic clock starts with the board.
        Row(f"v{world.version}", f"on for {age(now)}"),
        Row(degrees or power[board.weak_power], power[board.weak_power] if degrees else ""),
    )
    return tuple(row for row in rows if row.left)


def _gateway(state: State, now: float) -> tuple[Row, ...]:
    name, address = subject_gateway(state)
    if name is None:
        return (Row("no gateway in sight"),)
    rows = [Row(legible(name)), Row("no address" if address is None else str(address))]
    if isinstance(state, Connected):
        rows.append(Row("last heard", f"{max(0.0, now - state.heard):.0f} s ago"))
        rows.append(Row("orders", str(state.book.active)))
    else:
        rows.append(Row("paired" if state.world.credential else "not paired"))
    return tuple(rows)


def _lights(state: State, headline: str, now: float) -> tuple[Listing, float]:
    """What the lights mean, a part after the other, and until when this one is shown."""
    parts = led_legend(state.world.benchmarks)
    left = max(0.0, state.world.turned_until - now)
    each = SCREEN_STAYS / len(parts)
    following = min(len(parts) - 1, math.ceil(left / each) - 1)
    title, rows = parts[len(parts) - 1 - max(0, following)]
    return Listing(
        headline or title, tuple(Row(row.short) for row in rows)
    ), state.world.turned_until - following * each
