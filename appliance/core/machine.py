"""The state machine: `step(state, event, now) -> (state, effects)`.

This module handles what is common to all states: the network, the display and saving tokens. `presses` has the meaning
of a press, `updating` that of an update; the handlers of single states are in `pairing`, `connecting` and `connected`.
Nothing raises: an impossible event or a stale answer changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.backing_up import backup_changed
from appliance.core.backups import BackupPhase
from appliance.core.connected import connected
from appliance.core.connecting import disconnected
from appliance.core.effects import Effect, KeepDisplayDriver, MakeSound, StartTimer, StopTimer, StoreToken
from appliance.core.events import (
    BackupChanged,
    BoardRead,
    ButtonDown,
    ButtonStuck,
    ButtonUp,
    DisplayIdentified,
    Event,
    FeedNotified,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    HostUnresolved,
    NetworkChanged,
    TimerFired,
    TokenDenied,
    TokenIssued,
    TokenNotStored,
    TokensLoaded,
    TokenStored,
    UpdateChanged,
)
from appliance.core.heard_names import announced, answered, as_known, has_moved, on_another_network, out_of_sight
from appliance.core.navigation import power
from appliance.core.pairing import awaiting_pairing, discovering, pairing, token_issued
from appliance.core.presses import question, released
from appliance.core.states import (
    NEVER,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Offline,
    Pairing,
    Phase,
    ScreenId,
    State,
    World,
)
from appliance.core.timers import Timer
from appliance.core.transitions import SAVE_AGAIN, Step, disconnect
from appliance.core.updating import ANSWERS, restart_when_quiet, update_changed
from appliance.core.values import Benchmarks, Mistake, PanelSettings
from appliance.core.view import Power

STUCK_AFTER = 30.0
"""Seconds after which the button counts as stuck (jammed, wet or crushed), and is ignored."""


def begin(
    benchmarks: Benchmarks,
    *,
    fixed_address: bool = False,
    settings: PanelSettings | None = None,
    version: str = "",
    mistakes: tuple[Mistake, ...] = (),
) -> State:
    """The state at power-on, before anything is known.

    fixed_address: the settings name the gateway's address. mistakes: what is wrong with the settings, and left out.
    """
    return Discovering(World(benchmarks, settings or PanelSettings(), version, mistakes, fixed_address=fixed_address))


def step(state: State, event: Event, now: float) -> Step:
    """Return the next state and the effects of an event. now: monotonic seconds."""
    event = as_known(state, event)
    after, effects = _step(state, event, now)
    effects = tuple(effect for effect in effects if not _is_muted(effect, after.world.settings))
    entered = type(after) is not type(state)
    if entered or _stirs(after, event):
        world = replace(after.world, last_activity=now)
        after = _with(after, replace(world, turned_to=ScreenId.MAIN, turned_until=NEVER) if entered else world)
    return after, effects


def _is_muted(effect: Effect, settings: PanelSettings) -> bool:
    """Whether an effect is a sound that is switched off in the settings."""
    return isinstance(effect, MakeSound) and effect.sound not in settings.sounds


def _stirs(state: State, event: Event) -> bool:
    """Whether a person would look up for this event."""
    match event:
        case ButtonDown() | ButtonUp():
            return not state.world.stuck
        case TokensLoaded():
            return True
        case UpdateChanged(update):
            return update.phase in ANSWERS
        case BackupChanged(backup):
            return backup.phase is not BackupPhase.NONE
        case FeedNotified(attempt):
            return isinstance(state, Connected) and attempt == state.feed
        case _:
            return False


def _step(state: State, event: Event, now: float) -> Step:
    world = state.world
    match event:
        case NetworkChanged(addresses, interfaces):
            moved = not world.fixed_address and has_moved(world.addresses or (), addresses)
            world = replace(world, addresses=addresses, interfaces=interfaces)
            state = _with(state, on_another_network(world) if moved else world)
            if moved and isinstance(state, Connected):
                return disconnect(state, now, trusted=False)
            if moved and isinstance(state, Connecting | Offline):
                state = replace(state, link=replace(state.link, trusted_until=NEVER))
        case GatewayFound(gateway):
            state = _with(state, announced(replace(world, unresolved_host=""), gateway))
        case GatewayResolved(_, gateway):
            state = _with(state, answered(replace(world, unresolved_host=""), gateway))
        case HostUnresolved(host):
            state = _with(state, replace(world, unresolved_host=host))
        case GatewayLost(name):
            state = _with(state, out_of_sight(world, name))
        case TokenDenied(_, name, _):
            state = _with(state, replace(world, asking=world.asking - {name}))
        case TokenIssued(_, gateway, token):
            state = _with(state, replace(world, asking=world.asking - {gateway.name}))
            return token_issued(state, gateway, token, now)
        case ButtonDown():
            woke_display = power(state, now)[0] is Power.DARK
            asked = question(state, now)
            # The press silences the buzzer, so the next page, or the next refusal, needs a sound of its own.
            down = replace(
                world,
                down_since=now,
                asked=asked,
                pressed_at=now,
                stuck=False,
                woke_display=woke_display,
                last_page=NEVER,
                refusal_told=False,
            )
            return _with(state, down), (StartTimer(Timer.STUCK, STUCK_AFTER),)
        case ButtonUp():
            return released(state, now)
        case TimerFired(Timer.STUCK) if world.down_since is not None:
            return _with(state, replace(world, down_since=None, stuck=True)), ()
        case ButtonStuck():
            return _with(state, replace(world, down_since=None, stuck=True)), ()
        case BoardRead(board):
            return _with(state, replace(world, board=board)), ()
        case DisplayIdentified(display) if world.display is not None and display.is_same(world.display):
            # The person's choice may be newer than this set-up.
            return _with(state, replace(world, display=replace(display, driver=world.display.driver))), ()
        case DisplayIdentified(display):
            # The question is about the display that was there before.
            world = replace(world, display=display, turned_to=ScreenId.MAIN, turned_until=NEVER)
            return _with(state, world), (KeepDisplayDriver(display),)
        case UpdateChanged(update):
            return update_changed(state, update, now)
        case BackupChanged(backup):
            return backup_changed(state, backup, now)
        case TimerFired(Timer.RESTART):
            return restart_when_quiet(state, now)
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
            return disconnected(state, event, now)
        case Connected():
            return connected(state, event, now)


def _with(state: State, world: World) -> State:
    return replace(state, world=world)


def _promoting(state: State) -> bool:
    return isinstance(state, Connecting | Offline) and state.link.phase is Phase.PROMOTING


def _save(state: State) -> Step:
    world = state.world
    if not world.unsaved or world.current is None or world.pending is not None or world.saving:
        return state, ()
    world = replace(world, serial=world.serial + 1, saving=world.serial + 1)
    assert world.current is not None
    return _with(state, world), (StoreToken(world.saving, world.current),)
