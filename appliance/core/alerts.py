"""Alerts: orders that are paged, until a press answers them, and orders that become late.

A page replaces the count for a while and sounds; a late order sounds, but never into the sound of a page.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, MakeSound, StartTimer, StopTimer
from appliance.core.events import Timer
from appliance.core.order_totals import next_late
from appliance.core.states import Alert, Connected
from appliance.core.view import Sound

PAGE_SHOWS = 8.0
"""Seconds for which a paged order replaces the count, unless a press or another page ends it."""
PAGE_AGAIN = 40.0
"""Seconds until an unanswered page sounds again, if the settings ask for it: usual for restaurant pagers."""
PAGE_REPEATS = 3
"""How often an unanswered page repeats."""
MOST_ALERTED = 100
"""Orders in one alert: as many as a kitchen could ever page at once."""
PAGE_LASTS = 1.5
"""Seconds of one page sound: pages within it share one sound, and pages 2 s apart have one each."""
TIMER_TOLERANCE = 0.05
"""Seconds by which a timer may fire early."""


def show_page(state: Connected, paged: tuple[str, ...], now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Show orders that were paged; thirty at once are one alert. Sound, unless a page sound began a moment ago."""
    shown = state.alerted(now)
    last = () if shown is None else shown.uuids
    uuids = tuple(dict.fromkeys((*reversed(paged), *last)))[:MOST_ALERTED]
    state = replace(state, alert=Alert(uuids, now + PAGE_SHOWS))
    effects: list[Effect] = []
    if state.world.settings.repeat_pages:
        state = replace(state, repeats=PAGE_REPEATS)
        effects.append(StartTimer(Timer.REPEAT, PAGE_AGAIN))
    if now - state.world.last_page >= PAGE_LASTS:
        state = replace(state, world=replace(state.world, last_page=now))
        effects.append(MakeSound(Sound.PAGE))
    return state, tuple(effects)


def repeat_page(state: Connected, alert: Alert, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Repeat an unanswered page, if any of its orders is still paged."""
    waiting = tuple(uuid for uuid in alert.uuids if uuid in state.book.held and state.book.held[uuid].order.paged)
    if not waiting or not state.repeats:
        return replace(state, repeats=0), ()
    state = replace(state, alert=Alert(waiting, now + PAGE_SHOWS), repeats=state.repeats - 1)
    again = (StartTimer(Timer.REPEAT, PAGE_AGAIN),) if state.repeats else ()
    return replace(state, world=replace(state.world, last_page=now)), (MakeSound(Sound.PAGE), *again)


def page_is_answerable(state: Connected, now: float) -> bool:
    """Whether a press answers a page: one is on the display, or will sound again."""
    return bool(state.repeats) or state.alerted(now) is not None


def answer_page(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """A press answers the page: stop showing and repeating it."""
    return replace(state, alert=None, repeats=0), (StopTimer(Timer.REPEAT),)


def start_late_timer(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Start the timer for the moment at which the next order becomes late."""
    due = next_late(state.book, state.world.benchmarks, now)
    if due == state.late_at:
        return state, ()
    effect = StopTimer(Timer.LATE) if due is None else StartTimer(Timer.LATE, due - now)
    return replace(state, late_at=due), (effect,)


def became_late(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """An order became late: sound, but not into the sound of a page."""
    due = state.late_at
    if due is None or due > now + TIMER_TOLERANCE:
        return state, ()
    page_ends = state.world.last_page + PAGE_LASTS
    if now < page_ends:
        # A page is more urgent: sound after it.
        return state, (StartTimer(Timer.LATE, page_ends - now),)
    state, effects = start_late_timer(state, max(now, due))
    return state, (MakeSound(Sound.LATE), *effects)
