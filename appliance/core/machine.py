"""The one place that decides: `step(state, event, now) -> (state, effects)`.

Here is what holds in every state: what is known of the world, the button's gestures, and the token's way to flash.
What is particular to a state is in `pairing`, `trying` and `connected`, one function a state. Nothing raises: an event
that is impossible, or an answer to something long over, changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.connected import connected
from appliance.core.effects import MakeSound, StartTimer, StopTimer, StoreToken
from appliance.core.events import (
    ButtonPressed,
    ButtonReleased,
    Event,
    GatewayFound,
    GatewayLost,
    NetworkChanged,
    Timer,
    TimerFired,
    TokenDenied,
    TokenIssued,
    TokenNotStored,
    TokenStored,
)
from appliance.core.moves import SAVE_AGAIN, Step, forget
from appliance.core.pairing import awaiting_pairing, discovering, issued, pairing
from appliance.core.states import (
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Offline,
    Pairing,
    Phase,
    State,
    World,
)
from appliance.core.trying import trying
from appliance.core.values import Benchmarks
from appliance.core.view import Sound

HOLD_TO_FORGET = 5.0
"""Seconds for which the button is held to forget the pairing: longer than anyone leans on it by chance."""
HOLD_SHOWS = 1.0
"""Seconds after which a hold is no longer a press and the countdown is on the screen."""
HOLD_TOLERANCE = 0.05
"""Seconds by which a release may come before its time and still count: clocks of two threads differ a little."""


def begin(benchmarks: Benchmarks, *, typed: bool = False) -> State:
    """The state at power-on, before anything is known. typed: the gateway's address is in the config."""
    return Discovering(World(benchmarks=benchmarks, typed=typed))


def step(state: State, event: Event, now: float) -> Step:
    """What an event makes of a state, and what is to be done about it. now: monotonic seconds."""
    world = state.world
    match event:
        case NetworkChanged(addresses):
            state = _with(state, replace(world, addresses=addresses))
        case GatewayFound(gateway):
            state = _with(state, replace(world, gateways={**world.gateways, gateway.name: gateway}))
        case GatewayLost(name):
            left = {other: gateway for other, gateway in world.gateways.items() if other != name}
            state = _with(state, replace(world, gateways=left))
        case TokenDenied(_, name, _):
            state = _with(state, replace(world, asking=world.asking - {name}))
        case TokenIssued(_, gateway, token):
            state = _with(state, replace(world, asking=world.asking - {gateway.name}))
            return issued(state, gateway, token, now)
        case ButtonPressed():
            hold = StartTimer(Timer.HOLD, HOLD_TO_FORGET)
            return _with(state, replace(world, down_since=now)), (hold,) if forgettable(state) else ()
        case ButtonReleased():
            return _released(state, now)
        case TimerFired(Timer.HOLD):
            return _held(state, now)
        case TimerFired(Timer.SAVE):
            return _save(state)
        case TokenStored(number) if number == world.saving and not _promoting(state):
            return _with(state, replace(world, saving=0, unsaved=False)), (StopTimer(Timer.SAVE),)
        case TokenNotStored(number) if number == world.saving and not _promoting(state):
            return _with(state, replace(world, saving=0, unsaved=True)), (StartTimer(Timer.SAVE, SAVE_AGAIN),)
        case _:
            pass
    match state:
        case Discovering():
            return discovering(state, event, now)
        case AwaitingPairing():
            return awaiting_pairing(state, event, now)
        case Pairing():
            return pairing(state, event, now)
        case Connecting() | Offline():
            return trying(state, event, now)
        case Connected():
            return connected(state, event, now)


def forgettable(state: State) -> bool:
    """Whether holding the button has anything to forget: a pairing, or a gateway that is offered for one."""
    return state.world.credential is not None or (isinstance(state, Pairing) and bool(state.offers))


def holding(state: State, now: float) -> float | None:
    """Seconds until a hold that is under way forgets the pairing, or None where no countdown runs."""
    down = state.world.down_since
    if down is None or now - down < HOLD_SHOWS or not forgettable(state):
        return None
    return max(0.0, down + HOLD_TO_FORGET - now)


def _with(state: State, world: World) -> State:
    return replace(state, world=world)


def _released(state: State, now: float) -> Step:
    down = state.world.down_since
    if down is None:
        return state, ()
    if now - down >= HOLD_TO_FORGET - HOLD_TOLERANCE:
        return _held(state, now)
    up = _with(state, replace(state.world, down_since=None))
    stop = (StopTimer(Timer.HOLD),)
    if forgettable(state) and now - down >= HOLD_SHOWS:
        return up, stop
    pressed, effects = _pressed(up, now)
    return pressed, (*stop, *effects)


def _pressed(state: State, now: float) -> Step:
    """A tap; what it means depends on the state alone."""
    press = ButtonPressed()
    match state:
        case Discovering():
            return discovering(state, press, now)
        case AwaitingPairing():
            return awaiting_pairing(state, press, now)
        case Pairing():
            return pairing(state, press, now)
        case Connecting() | Offline():
            return trying(state, press, now)
        case Connected():
            return connected(state, press, now)


def _held(state: State, now: float) -> Step:
    """The button was down for long enough to forget, if there is anything to forget."""
    if state.world.down_since is None:
        return state, ()
    up = _with(state, replace(state.world, down_since=None))
    if isinstance(up, Pairing) and up.offers:
        return pairing(up, TimerFired(Timer.HOLD), now)
    if forgettable(up):
        return forget(up, now)
    return up, (MakeSound(Sound.ERROR),)


def _promoting(state: State) -> bool:
    return isinstance(state, Connecting | Offline) and state.link.phase is Phase.PROMOTING


def _save(state: State) -> Step:
    world = state.world
    if not world.unsaved or world.current is None or world.pending is not None or world.saving:
        return state, ()
    world = replace(world, serial=world.serial + 1, saving=world.serial + 1)
    assert world.current is not None
    return _with(state, world), (StoreToken(world.saving, world.current),)
