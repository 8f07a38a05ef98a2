"""Erasing: the confirmation of a factory reset, which nobody meets by chance. Times are monotonic seconds.

A person holds the button, lets go when the display says so, and then presses three times, each time only while the
display says so. A stuck button is never let go, a cloth that leans on it lets go at another time, and whoever presses
without reading presses while the display says to wait.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import MakeSound, RequestAction
from appliance.core.states import NEVER, Connected, Erase, ScreenId, State, World
from appliance.core.transitions import Step
from appliance.core.updates import Action
from appliance.core.view import Sound

QUESTION = "erase"
"""The question of the screen that a hold answers."""
HOLD, HOLD_MOST = 10.0, 20.0
"""The least and the most seconds to hold the button: twice as long as to forget the pairing, and less than a weight."""
PRESSES = 3
PAUSE, WINDOW = 3.0, 3.0
"""Seconds before each press in which any press cancels, and then seconds for the press."""
LONGEST_PRESS = 1.0
"""Seconds."""
REQUEST_TAKES = 30.0
"""Seconds until the box has stopped; after that, the screen asks again."""


def is_confirming(state: State, now: float) -> bool:
    """Whether the display tells a person when to press, or to wait."""
    erase = state.world.erase
    if erase is None or state.world.turned_to is not ScreenId.ERASE or now >= erase.since + PAUSE + WINDOW:
        return False
    # A page comes first.
    return not (isinstance(state, Connected) and state.alerted(now) is not None)


def hold_left(world: World, now: float) -> float | None:
    """Seconds until letting go begins the confirmation, 0 once it does; None without such a hold."""
    down = world.down_since
    if down is None or world.asked != QUESTION or now - down < LONGEST_PRESS or now - down > HOLD_MOST:
        return None
    return max(0.0, down + HOLD - now)


def hold_ended(state: State, held: float, now: float) -> Step:
    """The button came up on the screen after so many seconds."""
    if not HOLD <= held <= HOLD_MOST:
        return state, ()
    return _await_press(state, 0, now), ()


def pressed(state: State, down: float, now: float) -> Step:
    """A press ended while the display told when to press. down: when it began."""
    world = state.world
    assert world.erase is not None, "the display told when to press"
    if not world.erase.since + PAUSE <= down or now - down >= LONGEST_PRESS:
        cancelled = replace(world, erase=None, turned_to=ScreenId.MAIN, turned_until=NEVER)
        return replace(state, world=cancelled), (MakeSound(Sound.ERROR),)
    presses = world.erase.presses + 1
    if presses < PRESSES:
        return _await_press(state, presses, now), ()
    until = now + REQUEST_TAKES
    world = replace(world, erase=None, erase_requested_until=until, turned_to=ScreenId.ERASE, turned_until=until)
    return replace(state, world=world), (RequestAction(Action.RESET),)


def _await_press(state: State, presses: int, now: float) -> State:
    world = replace(state.world, erase=Erase(presses, now), turned_to=ScreenId.ERASE, turned_until=now + PAUSE + WINDOW)
    return replace(state, world=world)
