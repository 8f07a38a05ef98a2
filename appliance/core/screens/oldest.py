"""The oldest orders: tracker, destination and age of each."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.order_age import Held
from appliance.core.order_totals import oldest
from appliance.core.screens.count import age_mark, order_age
from appliance.core.screens.paged import SHORT_NAME, destination
from appliance.core.states import Connected
from appliance.core.values import Benchmarks
from appliance.core.view import Listing, Row

ROWS = 4
"""Orders that are legible at once."""


def oldest_screen(state: Connected, now: float) -> tuple[Listing, float]:
    """The screen at `now`, and until when it holds."""
    found = oldest(state.book, state.world.benchmarks, now, ROWS)
    unreadable = state.book.unreadable.count
    rest = (Row(texts.REMARK.format(count=unreadable, word=texts.UNREADABLE)),) if unreadable else ()
    if not found:
        return Listing(texts.OLDEST_ORDERS, rest or (Row(texts.NO_ORDERS),)), math.inf
    # An unreadable order may be older than all of these.
    rows = tuple(_row(held, state.world.benchmarks, now) for held in found[: ROWS - len(rest)])
    return Listing(texts.OLDEST_ORDERS, (*rows, *rest)), min(_next_minute(held.since, now) for held in found)


def _row(held: Held, benchmarks: Benchmarks, now: float) -> Row:
    seconds = max(0.0, now - held.since)
    words = "  ".join(filter(None, (legible(held.order.name, SHORT_NAME), destination(held.order))))
    return Row(words, order_age(seconds, exact=held.exact), age_mark(held, benchmarks, now))


def _next_minute(since: float, now: float) -> float:
    return since + ((now - since) // 60 + 1) * 60
