"""The state machine: `step(state, event, now) -> (state, effects)`.

This module handles what is common to all states: the network, the button's gestures, the screens and saving tokens. The
handlers of single states are in `pairing`, `connecting` and `connected`. Nothing raises: an impossible event or a stale
answer changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.alerts import page_is_answerable
from appliance.core.connected import connected
from appliance.core.connecting import disconnected
from appliance.core.effects import Effect, KeepDisplayDriver, MakeSound, StartTimer, StopTimer, StoreToken
from appliance.core.events import (
    BoardRead,
    ButtonDown,
    ButtonStuck,
    ButtonTapped,
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
from appliance.core.navigation import asks_if_shifted, current_screen, power, swap_driver, turn
from appliance.core.pairing import awaiting_pairing, decline_gateway, discovering, pairing, token_issued
from appliance.core.states import (
    NAMES,
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
from appliance.core.transitions import SAVE_AGAIN, Step, disconnect, forget_pairing
from appliance.core.values import Benchmarks, Mistake, PanelSettings
from appliance.core.view import Power, Sound

HOLD_TO_FORGET = 5.0
"""Seconds to hold the button to forget the pairing: longer than anyone leans on it by chance."""
STUCK_AFTER = 30.0
"""Seconds after which the button counts as stuck (jammed, wet or crushed), and is ignored."""
HOLD_SHOWS = 1.0
"""Seconds after which a press counts as a hold, and the screen shows the countdown."""
SHIFTED = "shifted "
"""Prefix of the question whether the picture of a display is shifted."""
OFFER = "offered "
"""Prefix of the question whether an offered gateway is the right one."""
HOLD_TOLERANCE = 0.05
"""Seconds by which a release may come early and still count: two threads read the clock at different moments."""


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
            return _released(state, now)
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
            return _with(state, replace(world, update=update)), ()
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


def forgettable(state: State) -> bool:
    """Whether a hold has something to forget: a pairing, or an offered gateway."""
    return state.world.credential is not None or (isinstance(state, Pairing) and bool(state.offers))


def hold_countdown(state: State, now: float) -> float | None:
    """Seconds until letting go forgets the pairing, 0 once it does; None without a countdown."""
    down = state.world.down_since
    if down is None or now - down < HOLD_SHOWS or not forgettable(state) or _other_offer(state, now):
        return None
    return max(0.0, down + HOLD_TO_FORGET - now)


def question(state: State, now: float) -> str | None:
    """The question on the display that a press would answer, distinct for each; None if there is none."""
    match state:
        case Pairing() if state.offers:
            return OFFER + state.offers[0].gateway.name
        case Pairing() | AwaitingPairing():
            return NAMES[type(state)]
        case Connected() if (alert := state.alerted(now)) is not None:
            return f"paged {alert.uuids[0]}"
        case _ if state.world.display is not None and asks_if_shifted(state, now):
            return SHIFTED + state.world.display.driver
        case _:
            return None


def _other_offer(state: State, now: float) -> bool:
    """Whether the offer on the screen changed since the button went down: a hold would decline the wrong gateway."""
    offers = [asks for asks in (state.world.asked, question(state, now)) if asks and asks.startswith(OFFER)]
    return len(offers) == 1 or len(set(offers)) == 2


def _with(state: State, world: World) -> State:
    return replace(state, world=world)


def _released(state: State, now: float) -> Step:
    """Interpret the press when the button comes up, so that a stuck button never means anything."""
    down = state.world.down_since
    up = _with(state, replace(state.world, down_since=None, asked=None, stuck=False, woke_display=False))
    if down is None:
        return up, ()
    asks = question(state, now)
    if now - down >= HOLD_TO_FORGET - HOLD_TOLERANCE:
        meant, effects = (up, ()) if _other_offer(state, now) else _held(up, now)
    elif now - down >= HOLD_SHOWS and forgettable(state):
        # Too short to forget the pairing, but long enough to answer a page.
        answers = isinstance(state, Connected) and page_is_answerable(state, now) and asks in (None, state.world.asked)
        meant, effects = _tapped(up, now, woke_display=state.world.woke_display) if answers else (up, ())
    elif asks is not None and asks != state.world.asked:
        # The question appeared during the press: nobody has read it.
        meant, effects = up, ()
    elif asks is not None and asks.startswith(SHIFTED) and not state.world.woke_display:
        meant, effects = _picture_shifted(up, now)
    else:
        meant, effects = _tapped(up, now, woke_display=state.world.woke_display)
    return meant, (StopTimer(Timer.STUCK), *effects)


def _tapped(state: State, now: float, *, woke_display: bool) -> Step:
    """Handle a tap by the state. woke_display: the display was dark when the button went down."""
    tap = ButtonTapped()
    match state:
        case AwaitingPairing():
            return awaiting_pairing(state, tap, now)
        case Pairing():
            return pairing(state, tap, now)
        case Discovering() if not woke_display:
            # The first press asks for a pairing, which is impossible; further ones turn to the screens that say why.
            first = current_screen(state, now)[0] is ScreenId.MAIN
            return _with(state, turn(state, now)), (MakeSound(Sound.ERROR),) if first else ()
        case Connecting() | Offline():
            tried, effects = disconnected(state, tap, now)
            return (tried, effects) if woke_display else (_with(tried, turn(tried, now)), effects)
        case Connected() if not woke_display:
            return connected(state, tap, now)
        case _:
            return state, ()


def _picture_shifted(state: State, now: float) -> Step:
    world = swap_driver(state.world, now)
    assert world.display is not None
    return _with(state, world), (KeepDisplayDriver(world.display),)


def _held(state: State, now: float) -> Step:
    """Handle a hold that was long enough to forget the pairing."""
    if isinstance(state, Pairing) and state.offers:
        return decline_gateway(state, now)
    if forgettable(state):
        return forget_pairing(state, now)
    return state, (MakeSound(Sound.ERROR),)


def _promoting(state: State) -> bool:
    return isinstance(state, Connecting | Offline) and state.link.phase is Phase.PROMOTING


def _save(state: State) -> Step:
    world = state.world
    if not world.unsaved or world.current is None or world.pending is not None or world.saving:
        return state, ()
    world = replace(world, serial=world.serial + 1, saving=world.serial + 1)
    assert world.current is not None
    return _with(state, world), (StoreToken(world.saving, world.current),)
