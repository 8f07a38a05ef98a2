"""The count: how many orders are active, how old the oldest is, and what is late, paged or unreadable."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.formatting import age, legible
from appliance.core.order_age import Held
from appliance.core.order_totals import Summary, next_late, oldest_of_each_kind, summary
from appliance.core.screens.paged import paged_screen
from appliance.core.screens.state_view import StateView
from appliance.core.states import Connected
from appliance.core.values import Benchmarks
from appliance.core.view import (
    Count,
    Icon,
    LedMode,
    Leds,
    Line,
    Mark,
    Message,
    Remark,
    Screen,
    Sign,
    Size,
)

DOUBT_SHOWS = 12.0
"""Seconds from a doubt until the display says so: a look at the whole set begins within 10 and takes a moment."""


def connected_view(state: Connected, now: float) -> StateView:
    """What the state shows at `now`: the count, a paged order, or that the box is paired."""
    totals = summary(state.book, state.world.benchmarks, now)
    mark = worst_mark(state, now)
    screen, until, paged = _screen(state, totals, mark, now)
    return StateView(
        screen=screen,
        leds=_LEDS[mark],
        until=min(until, _next_change(state, totals.oldest, now)),
        active=totals.active,
        paged=totals.paged,
        oldest=None if totals.oldest is None else int(totals.oldest),
        late=totals.late,
        urgent=paged,
        # Without a green LED, a dark display would look like a box without power.
        asleep="" if state.world.settings.leds else _counted(totals.active),
    )


def _screen(state: Connected, totals: Summary, mark: Mark, now: float) -> tuple[Screen, float, bool]:
    """The screen, until when it holds, and whether it shows an order that was paged just now."""
    alert = state.alerted(now)
    paged = None if alert is None else paged_screen(state, alert, totals.active, now)
    if paged is not None:
        return *paged, True
    if now < state.welcome_until:
        return _welcome(state, totals.active), state.welcome_until, False
    oldest = totals.oldest
    shown_at = math.inf if state.doubted_at is None else state.doubted_at + DOUBT_SHOWS
    count = Count(
        count=str(totals.active),
        noun=texts.orders(totals.active),
        oldest="" if oldest is None else order_age(oldest, exact=not totals.at_least),
        mark=mark,
        remarks=tuple(_remarks(totals, mark)),
        note=texts.COUNT_IN_DOUBT if now >= shown_at else "",
    )
    return count, math.inf if now >= shown_at else shown_at, False


def _welcome(state: Connected, active: int) -> Message:
    lines = (
        Line(texts.PAIRED, Size.MEDIUM),
        Line(texts.PAIRED_WITH.format(name=legible(state.gateway.name))),
        Line(_counted(active)),
    )
    return Message(lines, icon=Icon.PAIRED)


def _counted(active: int) -> str:
    return f"{active} {texts.orders(active)}"


_LEDS = {Mark.FINE: Leds(green=LedMode.ON), Mark.WARN: Leds(amber=LedMode.ON), Mark.LATE: Leds(red=LedMode.ON)}
"""As on the vendor's own order screen. The display shows the same mark, because a box may have no LEDs."""


def worst_mark(state: Connected, now: float) -> Mark:
    """The worst mark of the oldest order of each kind: one to go may be late before an older one."""
    benchmarks = state.world.benchmarks
    marks = {age_mark(held, benchmarks, now) for held in oldest_of_each_kind(state.book, benchmarks, now)}
    return next((mark for mark in (Mark.LATE, Mark.WARN) if mark in marks), Mark.FINE)


def age_mark(held: Held, benchmarks: Benchmarks, now: float) -> Mark:
    """How the age of an order stands, by the benchmarks of its kind."""
    seconds, order_type = max(0.0, now - held.since), held.order.order_type
    if seconds < benchmarks.warn_after_of(order_type):
        return Mark.FINE
    return Mark.WARN if seconds < benchmarks.late_after_of(order_type) else Mark.LATE


def order_age(seconds: float, *, exact: bool) -> str:
    """An order's age; marked as a lower bound unless it is exact."""
    if exact:
        return age(seconds)
    return texts.AT_LEAST.format(age=age(seconds) if seconds >= 60 else texts.MINUTES.format(minutes=0))


def _remarks(totals: Summary, mark: Mark) -> list[Remark]:
    """The remarks, the most urgent first."""
    # If every order is to go, the remark would tell nobody anything.
    to_go = totals.to_go if totals.to_go < totals.active else 0
    urgent = (Remark(Sign.PAGED, texts.PAGED, totals.paged), Remark(Sign.LATE, texts.LATE, totals.late))
    others = (
        Remark(Sign.UNREADABLE, texts.UNREADABLE, totals.unreadable),
        Remark(Sign.TO_GO, texts.TO_GO, to_go),
        Remark(Sign.OLD, texts.OLD, totals.forgotten),
    )
    aging = [Remark(Sign.GETTING_OLD, texts.GETTING_OLD)] if mark is Mark.WARN else []
    return [
        *(remark for remark in urgent if remark.count),
        *aging,
        *(remark for remark in others if remark.count),
    ]


def _next_change(state: Connected, seconds: float | None, now: float) -> float:
    if seconds is None:
        return math.inf
    benchmarks = state.world.benchmarks
    # Compared with the age that is shown: a rounded `since + step` may be `now`, a moment before the age changes.
    since, steps = now - seconds, (seconds // 60 * 60 + 60, benchmarks.forget_after)
    ahead = [since + step for step in steps if seconds < step]
    for held in oldest_of_each_kind(state.book, benchmarks, now):
        own, order_type = max(0.0, now - held.since), held.order.order_type
        steps = (benchmarks.warn_after_of(order_type), benchmarks.late_after_of(order_type))
        ahead += [now - own + step for step in steps if own < step]
    late = next_late(state.book, benchmarks, now)
    return min([*ahead, *([] if late is None else [late])])
