"""Transitions: how each state is entered, and what starts and stops on the way. Times are monotonic seconds."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.alerts import show_page, start_late_timer
from appliance.core.effects import (
    AskForToken,
    CloseFeed,
    DropPendingToken,
    Effect,
    ForgetTokens,
    MakeSound,
    OpenFeed,
    ResolveGateway,
    StartTimer,
    StopHistorySync,
    StopTimer,
    StorePendingToken,
)
from appliance.core.events import Timer
from appliance.core.history_sync import sync_delay
from appliance.core.orders import OrderBook
from appliance.core.reasons import GATEWAY_UNREACHABLE, TOKEN_REFUSED, TOO_MANY_ORDERS
from appliance.core.states import (
    NEVER,
    AwaitingPairing,
    Connected,
    Connecting,
    Disconnected,
    Discovering,
    Link,
    Offer,
    Offline,
    Pairing,
    Phase,
    State,
    World,
)
from appliance.core.values import Credential, Gateway, Token
from appliance.core.view import Sound

Step = tuple[State, tuple[Effect, ...]]

PAIRING_WINDOW = 120.0
"""Seconds: as long as the gateway's window after a press of its button (gateway API, access token)."""
CONFIRM_WINDOW = 60.0
"""The least seconds that a person has to come back from the gateway and confirm its name."""
ASK_EVERY = 1.0
"""Seconds between token requests: the person at the gateway hardly waits."""
TRUST_ADDRESS = 60.0
"""Seconds for which the last address may be tried if the gateway's name does not resolve."""
RECHECK_REFUSED = 60.0
"""Seconds between checks of a refused token: a gateway restored from a backup accepts it again."""
FIRST_RETRY, LAST_RETRY = 1.0, 10.0
"""Seconds of back-off after a failed attempt, doubled from the first to the last value."""
TOO_MANY_AGAIN = 30.0
"""Seconds until a gateway with too many orders is asked again: it sends all of them each time."""
SAVE_AGAIN = 60.0
"""Seconds between attempts to save a token that is in memory only."""
REFRESH_AFTER = 270.0
"""Seconds between two whole sets, so that one arrives before STALE_AFTER."""
STALE_AFTER = 300.0
"""Seconds after the last whole set at which the count expires."""
STALE_AFTER_DOUBT = 45.0
"""Seconds for which a doubtful count may stand: time for two looks at the whole set."""
STALE_AFTER_LOSS = 5.0
"""Seconds for which a count may stand after its feed closed while a second one was opening."""
PAIRED_SHOWS = 4.0
"""Seconds for which the display says "Paired": the person is on the way back from the gateway."""
LOOK_EVERY = 10.0
"""The least seconds between two looks at the whole set, whatever the gateway sends."""


def resting_state(world: World, now: float, reason: str | None = None) -> Step:
    """The state that fits the held token and the gateways in sight, when nothing is under way.

    If a token is held, its gateway is not in sight.
    """
    if world.credential is None:
        if world.gateways:
            return await_pairing(world, reason)
        return Discovering(world, reason), (StopTimer(Timer.RETRY),)
    if world.fixed_address:
        # The settings ask for this gateway, and nothing says yet that it is unreachable.
        return resolve_gateway(Connecting(world, Link(None)))
    return resolve_gateway(Offline(world, Link(None), now, GATEWAY_UNREACHABLE))


def paired_gateway_in_sight(world: World) -> bool:
    """Whether a token is held, valid or refused, and its gateway is in sight."""
    return world.credential is not None and world.credential.gateway in world.gateways


def await_pairing(world: World, reason: str | None) -> Step:
    """Wait for a press; meanwhile, check a refused token again every minute.

    A gateway must be in sight; if a token is held, its own gateway must be.
    """
    retry = StartTimer(Timer.RETRY, RECHECK_REFUSED) if world.credential else StopTimer(Timer.RETRY)
    return AwaitingPairing(world, reason), (retry,)


def start_pairing(world: World, now: float) -> Step:
    """Open the pairing window and ask every gateway in sight."""
    world = replace(world, serial=world.serial + 1)
    state = Pairing(world, world.serial, now + PAIRING_WINDOW)
    asking, effects = ask_for_tokens(state, now)
    return asking, (StopTimer(Timer.RETRY), StartTimer(Timer.WINDOW, PAIRING_WINDOW), *effects)


def ask_for_tokens(state: Pairing, now: float) -> tuple[Pairing, tuple[Effect, ...]]:
    """Ask each gateway in sight that has no open request, and again in a second."""
    world = state.world
    settled = state.declined | {offered.gateway.name for offered in state.offers}
    free = [gateway for name, gateway in world.gateways.items() if name not in world.asking | settled]
    effects: list[Effect] = [StartTimer(Timer.ASK, ASK_EVERY)]
    for gateway in free:
        turn = state.turns.get(gateway.name, 0) % len(gateway.addresses)
        effects.append(AskForToken(state.attempt, gateway, gateway.addresses[turn]))
    asking = world.asking | {gateway.name for gateway in free}
    # For a request of an earlier window that is still open, the wait counts from now.
    since = {name: state.since.get(name, now) for name in asking}
    since |= {gateway.name: now for gateway in free}
    asked = state.asked.union(world.gateways)
    return replace(state, world=replace(world, asking=asking), asked=asked, since=since), tuple(effects)


def stop_pairing(state: Pairing, now: float, reason: str | None) -> Step:
    """Close the pairing window without a token."""
    world = state.world
    if reason is None and world.credential is not None:
        reason = TOKEN_REFUSED
    if paired_gateway_in_sight(world):
        # Its token was refused before this window opened.
        entered, effects = await_pairing(world, reason)
    else:
        entered, effects = resting_state(world, now, reason)
    return entered, (*cleanup_effects(state), *effects)


def offer_gateway(state: Pairing, offers: tuple[Offer, ...], now: float) -> Step:
    """Name the gateway that issued a token and wait for confirmation; keep asking the others."""
    ends = max(state.ends, now + CONFIRM_WINDOW)
    offered = replace(state, ends=ends, offers=offers)
    return offered, (StopTimer(Timer.RETRY), StartTimer(Timer.WINDOW, ends - now))


def accept_token(state: State, gateway: Gateway, token: Token, now: float) -> Step:
    """Accept a new token: write it to flash as pending before its first use."""
    world, credential = state.world, Credential(gateway.name, token)
    serial = world.serial + 1
    world = replace(world, pending=credential, serial=serial, unsaved=False, saving=0, proven=gateway.addresses[0])
    link = Link(gateway, Phase.STORING, world.serial, trusted_until=now + TRUST_ADDRESS, new_pairing=True)
    return Connecting(world, link), (
        *cleanup_effects(state),
        StopTimer(Timer.SAVE),
        StorePendingToken(world.serial, credential),
    )


def with_new_attempt(state: Disconnected, phase: Phase) -> Disconnected:
    """The same state in another phase, with a new attempt number."""
    world = replace(state.world, serial=state.world.serial + 1)
    return replace(state, world=world, link=replace(state.link, phase=phase, attempt=world.serial))


def resolve_gateway(state: Disconnected) -> Step:
    """Resolve the gateway's name again: the answer decides where the token may go."""
    credential = state.world.credential
    assert credential is not None, "only a paired appliance tries to connect"
    trying = with_new_attempt(state, Phase.RESOLVING)
    return trying, (StopTimer(Timer.RETRY), ResolveGateway(trying.link.attempt, credential.gateway, state.world.proven))


def open_feed(state: Disconnected) -> Step:
    """Open a feed at the known address, or else resolve the name."""
    address, credential = state.link.address, state.world.credential
    if address is None or credential is None:
        return resolve_gateway(state)
    trying = with_new_attempt(state, Phase.OPENING)
    return trying, (StopTimer(Timer.RETRY), OpenFeed(trying.link.attempt, address, credential.token))


def back_off(state: Disconnected, why: str, now: float) -> Step:
    """Go offline after a failed attempt, and retry after a back-off."""
    link = state.link
    delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(link.failures, 10))
    if why == TOO_MANY_ORDERS:
        # The old orders are useless, and memory may not hold both sets.
        delay, link = TOO_MANY_AGAIN, replace(link, book=OrderBook(), paged=())
    waiting = replace(link, phase=Phase.WAITING, attempt=0, failures=link.failures + 1)
    since = state.since if isinstance(state, Offline) else now
    return Offline(state.world, waiting, since, why), (StartTimer(Timer.RETRY, delay, jitter=True),)


def token_refused(state: Connected | Disconnected, now: float) -> Step:
    """The gateway refused the token. A proven one stays on flash; a pending one is dropped."""
    world = state.world
    dropped: tuple[Effect, ...] = (DropPendingToken(),) if world.pending else ()
    world = replace(world, pending=None, unsaved=world.unsaved and world.pending is None)
    effects: tuple[Effect, ...]
    entered: State
    if paired_gateway_in_sight(world):
        entered, effects = await_pairing(world, TOKEN_REFUSED)
    elif world.credential is None:
        entered, effects = resting_state(world, now, TOKEN_REFUSED)
    else:
        # No press can pair with a gateway out of sight: look for it as often as its token would be checked.
        since = state.since if isinstance(state, Offline) else now
        entered = Offline(world, Link(None), since, TOKEN_REFUSED)
        effects = (StartTimer(Timer.RETRY, RECHECK_REFUSED),)
    return entered, (*dropped, *effects, MakeSound(Sound.ERROR))


def connect(state: Disconnected, book: OrderBook, now: float) -> Step:
    """Enter `Connected`: the feed is live, and its token is on flash if the disk allows it."""
    world, link = state.world, state.link
    gateway, address = link.gateway, link.address
    assert gateway is not None, "a feed was opened somewhere"
    assert address is not None, "a feed was opened somewhere"
    # The gateway may have moved while its token was written.
    gateway = world.gateways.get(gateway.name, gateway)
    world = replace(world, proven=address)
    refresh = REFRESH_AFTER if address in gateway.addresses else LOOK_EVERY
    # A slow disk may have delayed this since the whole set arrived.
    past = now - link.whole_at
    book = replace(book, today=book.today.ending_at(world.benchmarks.day_ends))
    stale_at = link.whole_at + STALE_AFTER
    connected = Connected(
        world, gateway, address, link.attempt, book, stale_at, last_look=link.whole_at, last_heard=now
    )
    effects: list[Effect] = [
        StartTimer(Timer.REFRESH, max(0.0, refresh - past)),
        StartTimer(Timer.STALE, max(0.0, STALE_AFTER - past)),
    ]
    effects.append(StartTimer(Timer.HISTORY, sync_delay(world, now), jitter=True))
    if link.new_pairing:
        connected = replace(connected, welcome_until=now + PAIRED_SHOWS)
        effects.append(MakeSound(Sound.PAIRED))
    if link.paged:
        # An earlier page sound was about other orders.
        connected = replace(connected, world=replace(connected.world, last_page=NEVER))
        connected, page = show_page(connected, link.paged, now)
        effects += page
    watched, late = start_late_timer(connected, now)
    return watched, (*effects, *late)


def disconnect(state: Connected, now: float, *, trusted: bool = True) -> Step:
    """Leave `Connected`: the count may be wrong, so start again by resolving the gateway's name.

    trusted: whether the last address may be tried if the name does not resolve. On another network, it may belong to
    another device.
    """
    # Only the address that worked: others may have been announced by anybody.
    trusted = trusted and state.address in state.gateway.addresses
    gateway = replace(state.gateway, addresses=(state.address,))
    link = Link(gateway, trusted_until=now + TRUST_ADDRESS if trusted else NEVER, book=state.book)
    entered, effects = resolve_gateway(Offline(state.world, link, now, GATEWAY_UNREACHABLE))
    return entered, (*cleanup_effects(state), *effects)


def too_many_orders(state: Connected, now: float) -> Step:
    """Leave `Connected`: there are too many orders to hold, so every count would be wrong."""
    link = Link(replace(state.gateway, addresses=(state.address,)), trusted_until=now + TRUST_ADDRESS)
    entered, effects = back_off(Offline(state.world, link, now, TOO_MANY_ORDERS), TOO_MANY_ORDERS, now)
    return entered, (*cleanup_effects(state), *effects)


def forget_pairing(state: State, now: float) -> Step:
    """Forget the pairing, in memory and on flash."""
    world = replace(state.world, current=None, pending=None, unsaved=False, saving=0)
    entered, effects = resting_state(world, now)
    return entered, (*cleanup_effects(state), StopTimer(Timer.SAVE), ForgetTokens(), *effects)


def cleanup_effects(state: State) -> tuple[Effect, ...]:
    """The effects that stop all that a state has under way, before another state is entered."""
    feeds: list[int] = []
    history_sync: tuple[Effect, ...] = ()
    timers: tuple[Timer, ...]
    match state:
        case Connected():
            feeds = [feed for feed in (0 if state.lost else state.feed, state.looking) if feed]
            history_sync = (StopHistorySync(state.history_sync),) if state.history_sync else ()
            timers = (Timer.REFRESH, Timer.STALE, Timer.LATE, Timer.REPEAT, Timer.HISTORY)
        case Connecting() | Offline():
            feeds = [state.link.attempt] if state.link.phase in (Phase.OPENING, Phase.PROMOTING) else []
            timers = (Timer.RETRY,)
        case Pairing():
            timers = (Timer.ASK, Timer.WINDOW)
        case Discovering() | AwaitingPairing():
            timers = (Timer.RETRY,)
    return (*map(CloseFeed, feeds), *history_sync, *map(StopTimer, timers))
