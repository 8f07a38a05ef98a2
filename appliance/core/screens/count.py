"""What the display says while the feed is live: the count, an order that was paged, and the oldest orders."""

from __future__ import annotations

import math

from appliance.core.formatting import age, legible
from appliance.core.limits import LONGEST_NAME
from appliance.core.orders import Held, Summary, next_late, oldest
from appliance.core.states import Connected, State
from appliance.core.values import TO_GO, Benchmarks, Order
from appliance.core.view import (
    Count,
    Icon,
    LedMode,
    Leds,
    Line,
    Listing,
    Mark,
    Message,
    Paged,
    Remark,
    RemarkKind,
    Row,
    Screen,
    Size,
)

BEAT = 2.0
"""Seconds between two changes of the heartbeat: slow enough to be calm, and to let the box sleep in between."""
HEARD_LATELY = 25.0
"""Seconds of silence after which the heart stands still: an idle feed answers a ping within 20 s, or is lost."""
SHORT_NAME = 12
"""Characters of a tracker's number or a table in a row that holds more than that."""
ROWS = 4
"""Orders on the page of the oldest: as many as are still legible."""
UNCLEAR = "{} unclear"
"""Says how many orders can't be read: they are active, and nothing else is known of them."""


def count_screen(state: Connected, told: Summary, now: float) -> tuple[Screen, float, bool]:
    """The first page, until when it holds, and whether an order was paged just now."""
    until = _next_change(state, told.oldest, now)
    noun = "order" if told.active == 1 else "orders"
    alert = state.alerted(now)
    if alert is not None:
        orders = [state.book.held[uuid].order for uuid in alert.uuids if uuid in state.book.held]
        if orders:
            more = f"+{len(orders) - 1} more" if len(orders) > 1 else ""
            screen = Paged(legible(orders[0].name), destination(orders[0], LONGEST_NAME), more, f"{told.active} {noun}")
            return screen, min(until, alert.until), True
    if now < state.welcome_until:
        words = (
            Line("Paired", Size.MEDIUM),
            Line(f"with {legible(state.gateway.name)}"),
            Line(f"{told.active} {noun}"),
        )
        return Message(words, icon=Icon.PAIRED), min(until, state.welcome_until), False
    count = Count(
        count=str(told.active),
        noun=noun,
        oldest="" if told.oldest is None else _age(told.oldest, exact=not told.at_least),
        mark=Mark.FINE if told.oldest is None else age_mark(told.oldest, state.world.benchmarks),
        remarks=tuple(_remarks(told)),
    )
    return count, until, False


def age_leds(told: Summary, benchmarks: Benchmarks) -> Leds:
    """Green, yellow and red as on the vendor's own order screen, by the oldest order."""
    match Mark.FINE if told.oldest is None else age_mark(told.oldest, benchmarks):
        case Mark.FINE:
            return Leds(green=LedMode.ON)
        case Mark.WARN:
            return Leds(amber=LedMode.ON)
        case Mark.LATE:
            return Leds(red=LedMode.ON)


def age_mark(seconds: float, benchmarks: Benchmarks) -> Mark:
    """How an order of this age stands."""
    if seconds < benchmarks.warn_after:
        return Mark.FINE
    return Mark.WARN if seconds < benchmarks.late_after else Mark.LATE


def destination(order: Order, longest: int = SHORT_NAME) -> str:
    """Where an order goes: to a table, or away; empty while nobody knows. longest: characters of the table's name."""
    if order.location:
        return f"table {legible(order.location, longest)}"
    return "to go" if order.order_type == TO_GO else ""


def heartbeat(state: State, now: float) -> tuple[bool | None, float]:
    """The heart's phase, and until when; None while there is no feed that was heard lately."""
    if not isinstance(state, Connected) or now >= state.heard + HEARD_LATELY:
        return None, math.inf
    beat = int(now // BEAT)
    return beat % 2 == 0, min((beat + 1) * BEAT, state.heard + HEARD_LATELY)


def oldest_screen(state: Connected, now: float) -> tuple[Listing, float]:
    """The page of the oldest orders, with table and age, and until when it holds."""
    found = oldest(state.book, state.world.benchmarks, now, ROWS)
    unclear = state.book.unclear.count
    rest = (Row(UNCLEAR.format(unclear)),) if unclear else ()
    if not found:
        return Listing("Oldest orders", rest or (Row("none"),)), math.inf
    # One of those that can't be read may be older than all of these.
    rows = tuple(_row(held, state.world.benchmarks, now) for held in found[: ROWS - len(rest)])
    return Listing("Oldest orders", (*rows, *rest)), min(_next_minute(held.since, now) for held in found)


def _row(held: Held, benchmarks: Benchmarks, now: float) -> Row:
    seconds = max(0.0, now - held.since)
    words = "  ".join(filter(None, (legible(held.order.name, SHORT_NAME), destination(held.order))))
    return Row(words, _age(seconds, exact=held.exact), age_mark(seconds, benchmarks))


def _age(seconds: float, *, exact: bool) -> str:
    if exact:
        return age(seconds)
    return f"≥{age(seconds)}" if seconds >= 60 else "≥0 min"


def _remarks(told: Summary) -> list[Remark]:
    """What is remarkable in the count, the most urgent first."""
    # Where all go the same way, there is nothing to tell apart.
    to_go = told.to_go if told.to_go < told.active else 0
    remarks = (
        (RemarkKind.PAGED, told.paged, "{} paged"),
        (RemarkKind.LATE, told.late, "{} late"),
        (RemarkKind.UNCLEAR, told.unclear, UNCLEAR),
        (RemarkKind.TO_GO, to_go, "{} to go"),
        (RemarkKind.OLD, told.forgotten, "{} old"),
    )
    return [Remark(sign, words.format(count)) for sign, count, words in remarks if count]


def _next_change(state: Connected, seconds: float | None, now: float) -> float:
    if seconds is None:
        return math.inf
    benchmarks = state.world.benchmarks
    since = now - seconds
    steps = [seconds // 60 * 60 + 60, benchmarks.warn_after, benchmarks.late_after, benchmarks.forget_after]
    ahead = [since + step for step in steps if since + step > now]
    late = next_late(state.book, benchmarks, now)
    return min([*ahead, *([] if late is None else [late])])


def _next_minute(since: float, now: float) -> float:
    return since + ((now - since) // 60 + 1) * 60
