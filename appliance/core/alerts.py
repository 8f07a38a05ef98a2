"""What calls a person: orders that are paged, until a press answers them, and orders that become late.

A page takes the count's place for a while and sounds, and a late order sounds; the two are told one after the other.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, MakeSound, StartTimer, StopTimer
from appliance.core.events import Timer
from appliance.core.orders import next_late
from appliance.core.states import Alert, Connected
from appliance.core.view import Sound

PAGE_SHOWS = 8.0
"""Seconds for which a paged order takes the place of the count, unless a press or another page ends it."""
PAGE_AGAIN = 40.0
"""Seconds after which a page that nobody answered sounds again, where that is wanted: as pagers of this trade do."""
PAGE_REPEATS = 3
"""How often it does so at the most."""
MOST_ALERTED = 100
"""Orders of one alert that are told apart; as many as a kitchen could ever page at once."""
PAGE_LASTS = 1.5
"""Seconds of one page sound: pages within it are one sound, and pages 2 s apart have one each."""
TIMER_TOLERANCE = 0.05
"""Seconds by which a timer may fire before its time."""


def show_page(state: Connected, paged: tuple[str, ...], now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Show orders that were paged, with a sound unless one began a moment ago; thirty at once are one alert."""
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


def repeat_page(state: Connected, told: Alert, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Nobody pressed the button since the last page: sound it again, if any of its orders still waits."""
    waiting = tuple(uuid for uuid in told.uuids if uuid in state.book.held and state.book.held[uuid].order.paged)
    if not waiting or not state.repeats:
        return replace(state, repeats=0), ()
    state = replace(state, alert=Alert(waiting, now + PAGE_SHOWS), repeats=state.repeats - 1)
    again = (StartTimer(Timer.REPEAT, PAGE_AGAIN),) if state.repeats else ()
    return replace(state, world=replace(state.world, last_page=now)), (MakeSound(Sound.PAGE), *again)


def page_is_answerable(state: Connected, now: float) -> bool:
    """Whether there is a page that a press answers: it is on the display, or will sound again."""
    return bool(state.repeats) or state.alerted(now) is not None


def answer_page(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """A press answers the page: it is neither shown nor repeated any more."""
    return replace(state, alert=None, repeats=0), (StopTimer(Timer.REPEAT),)


def start_late_timer(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Have the moment told at which the next order becomes late."""
    due = next_late(state.book, state.world.benchmarks, now)
    if due == state.late_at:
        return state, ()
    effect = StopTimer(Timer.LATE) if due is None else StartTimer(Timer.LATE, due - now)
    return replace(state, late_at=due), (effect,)


def became_late(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """That moment came: it is told, though not into the sound of a page."""
    due = state.late_at
    if due is None or due > now + TIMER_TOLERANCE:
        return state, ()
    page_ends = state.world.last_page + PAGE_LASTS
    if now < page_ends:
        # A page is the more urgent; this one is told after it.
        return state, (StartTimer(Timer.LATE, page_ends - now),)
    state, effects = start_late_timer(state, max(now, due))
    return state, (MakeSound(Sound.LATE), *effects)
