"""Alerts: orders that are paged, until a press answers them, orders that become late, and new ones.

A page replaces the count for a while and sounds; the other sounds never cut into that of a page. An order has one late
sound at most, and shares it with all that became late since the last one.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, MakeSound, StartTimer, StopTimer
from appliance.core.order_age import Held
from appliance.core.order_totals import ROUNDING, late_between, next_late
from appliance.core.states import Alert, Connected, World
from appliance.core.timers import Timer
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
NEW_ORDERS_SHARE = 1.5
"""Seconds within which new orders share one sound."""
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
    """Start the timer for the moment at which the next order becomes late, or a late sound that waits may start."""
    state = _with_late_orders(state, now)
    due = next_late(state.book, state.world.benchmarks, now)
    if state.world.late_unheard:
        sounds_at = max(now, _late_may_sound_at(state.world))
        due = sounds_at if due is None else min(due, sounds_at)
    if due == state.late_at:
        return state, ()
    effect = StopTimer(Timer.LATE) if due is None else StartTimer(Timer.LATE, due - now)
    return replace(state, late_at=due), (effect,)


def became_late(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """The timer of late orders ended: sound once for those that became late, but not too soon after another sound."""
    due = state.late_at
    if due is None or due > now + TIMER_TOLERANCE:
        return state, ()
    now = max(now, due)
    state = _with_late_orders(state, now)
    world, held = state.world, state.book.held
    sounds: tuple[Effect, ...] = ()
    if now >= _late_may_sound_at(world):
        # Meanwhile some may be cleared, or to go, which is late at another age.
        late = frozenset(uuid for uuid in world.late_unheard if uuid in held and _is_late(held[uuid], world, now))
        world = replace(world, late_unheard=frozenset())
        if late:
            heard = late.union(uuid for uuid in world.late_heard if uuid in held)
            world, sounds = replace(world, last_late=now, late_heard=heard), (MakeSound(Sound.LATE),)
        state = replace(state, world=world)
    # The timer is over, so it has to start again even for the same moment.
    state, effects = start_late_timer(replace(state, late_at=None), now)
    return state, (*sounds, *effects)


def _late_may_sound_at(world: World) -> float:
    """When the next sound of late orders may start. A page is more urgent."""
    return max(world.last_page + PAGE_LASTS, world.last_late + world.settings.late_every)


def _with_late_orders(state: Connected, now: float) -> Connected:
    """The state with the orders that became late since the timer was due and have had no sound."""
    world = state.world
    if state.late_at is None or state.late_at > now:
        return state
    became = late_between(state.book, world.benchmarks, state.late_at, now)
    unheard = world.late_unheard.union(each.order.uuid for each in became) - world.late_heard
    return replace(state, world=replace(world, late_unheard=unheard))


def _is_late(held: Held, world: World, now: float) -> bool:
    age = now - held.since
    late_after = world.benchmarks.late_after_of(held.order.order_type)
    return late_after - 2 * ROUNDING <= age < world.benchmarks.forget_after


def announce_new_order(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Sound for new orders, unless a page sounds, or new orders had their sound a moment ago."""
    world = state.world
    if now < max(world.last_new_order + NEW_ORDERS_SHARE, world.last_page + PAGE_LASTS):
        return state, ()
    return replace(state, world=replace(world, last_new_order=now)), (MakeSound(Sound.NEW_ORDER),)
