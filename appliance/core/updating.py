"""Updating: what a press on the update's screen means, and when the box may restart into what is installed.

Nothing here interrupts service: the count stays, and the restart waits for a quiet time or a press. Times are monotonic
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from appliance.core.effects import Effect, RequestAction, StartTimer, StopTimer
from appliance.core.navigation import alarms_until, available_screens, show_update
from appliance.core.states import NEVER, Connected, Connecting, Offline, Pairing, ScreenId, State
from appliance.core.timers import Timer
from appliance.core.transitions import Step
from appliance.core.updates import NO_UPDATE, Action, UpdatePhase, UpdateStatus

QUIET_FOR = 300.0
"""Seconds without an order, a press or a change of state after which a restart disturbs nobody: it takes one or two
minutes, and orders seldom come so far apart during service."""
CHECK_AGAIN = 1.0
"""The least seconds between two checks whether it is quiet: a timer may fire a moment early."""
REQUEST_TAKES = 20.0
"""Seconds within which the system begins to serve a request; after that, the screen asks again."""
RESTART_AGAIN = 600.0
"""Seconds after which the restart is requested again, if the box still runs."""

ANSWERS: Mapping[UpdatePhase, Action] = MappingProxyType(
    {
        UpdatePhase.FOUND: Action.INSTALL,
        UpdatePhase.READY: Action.RESTART,
        UpdatePhase.UPDATED: Action.ACKNOWLEDGE,
        UpdatePhase.FAILED: Action.ACKNOWLEDGE,
    }
)
"""The phases that wait for a person, and what a press on the update's screen requests."""


def update_question(update: UpdateStatus) -> str | None:
    """What the update's screen asks, distinct for each question; None if a press answers nothing."""
    if update.phase not in ANSWERS:
        return None
    return " ".join((update.phase, update.version, update.reason))


def update_changed(state: State, update: UpdateStatus, now: float) -> Step:
    """Take over a new status of the update. Its screen comes up by itself only where it hides no order."""
    world = state.world
    if replace(update, percent=0) == replace(world.update, percent=0):
        return _with_update(state, update), ()
    was_ready = world.update.phase is UpdatePhase.READY
    state = replace(state, world=replace(world, update=update, update_since=now, requested_until=NEVER))
    if update.phase in ANSWERS and ScreenId.UPDATE in available_screens(state) and not _is_serving(state, now):
        state = replace(state, world=show_update(state.world, now))
    if update.phase is UpdatePhase.READY:
        return state, (StartTimer(Timer.RESTART, QUIET_FOR),)
    return state, (StopTimer(Timer.RESTART),) if was_ready else ()


def answer_update(state: State, now: float) -> Step:
    """A press answered the update's screen. Its phase must be one of ANSWERS."""
    action = ANSWERS[state.world.update.phase]
    if action is Action.ACKNOWLEDGE:
        return _with_update(state, NO_UPDATE), (RequestAction(action),)
    return _request(state, action, now)


def restart_when_quiet(state: State, now: float) -> Step:
    """The timer of the restart ended: request the restart if it is quiet, or else check again."""
    if state.world.update.phase is not UpdatePhase.READY:
        return state, ()
    wait = _quiet_at(state, now) - now
    if wait <= 0:
        return _request(state, Action.RESTART, now)
    # An order may end at any time, so the end of the longest wait is not worth waiting for.
    return state, (StartTimer(Timer.RESTART, min(max(wait, CHECK_AGAIN), QUIET_FOR)),)


def _request(state: State, action: Action, now: float) -> Step:
    world = replace(show_update(state.world, now), requested_until=now + REQUEST_TAKES)
    effects: tuple[Effect, ...] = (RequestAction(action),)
    if action is Action.RESTART:
        effects = (*effects, StartTimer(Timer.RESTART, RESTART_AGAIN))
    return replace(state, world=world), effects


def _with_update(state: State, update: UpdateStatus) -> State:
    return replace(state, world=replace(state.world, update=update))


def _is_serving(state: State, now: float) -> bool:
    """Whether a person works with the box: there are orders, somebody pairs, or the button is down."""
    if isinstance(state, Connected) and (state.book.active or state.alerted(now) is not None):
        return True
    return isinstance(state, Pairing) or state.world.down_since is not None


def _quiet_at(state: State, now: float) -> float:
    """From when on a restart disturbs nobody, if nothing happens until then. Forgotten orders don't count."""
    world = state.world
    quiet = max(world.last_activity, world.pressed_at, world.update_since) + QUIET_FOR
    if isinstance(state, Pairing) or world.down_since is not None:
        return max(quiet, now + QUIET_FOR)
    match state:
        case Connected():
            return max(quiet, alarms_until(state.book, world.benchmarks, now))
        case Connecting() | Offline():
            # Guests are waiting for these, although the count is unknown.
            return max(quiet, alarms_until(state.link.book, world.benchmarks, now))
        case _:
            return quiet
