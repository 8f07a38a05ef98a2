"""The gateway: its name and address, and how the connection to it is."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.screens.state_view import subject_gateway
from appliance.core.states import Connected, State
from appliance.core.view import Listing, Row

REDRAW_EVERY = 1.0
"""Seconds between two drawings of a screen that counts seconds."""


def gateway_screen(state: State, headline: str, now: float) -> tuple[Listing, float]:
    """The screen at `now`, and until when it holds. headline: replaces the title unless it is empty."""
    return Listing(headline or texts.GATEWAY, _rows(state, now)), (now // REDRAW_EVERY + 1) * REDRAW_EVERY


def _rows(state: State, now: float) -> tuple[Row, ...]:
    name, address = subject_gateway(state)
    if name is None:
        return (Row(texts.NO_GATEWAY),)
    rows = [Row(legible(name)), Row(texts.NO_ADDRESS if address is None else str(address))]
    if isinstance(state, Connected):
        rows.append(Row(texts.LAST_HEARD, texts.SECONDS_AGO.format(seconds=max(0.0, now - state.last_heard))))
        rows.append(Row(texts.ORDERS, str(state.book.active)))
    else:
        rows.append(Row(texts.GATEWAY_PAIRED if state.world.credential else texts.GATEWAY_NOT_PAIRED))
    return tuple(rows)
