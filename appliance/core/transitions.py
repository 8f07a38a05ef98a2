"""Transitions: how each state is entered, and what starts and stops on the way. Times are monotonic seconds."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.alerts import show_page, start_late_timer
from appliance.core.effects import (
    CloseFeed,
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
from appliance.core.events import FeedFailure
from appliance.core.history_sync import sync_delay
from appliance.core.orders import OrderBook
from appliance.core.reasons import FEED_REFUSED, GATEWAY_UNREACHABLE, GATEWAY_UNREADABLE, TOO_MANY_ORDERS
from appliance.core.states import (
    NEVER,
    AwaitingPairing,
    Connected,
    Connecting,
    Disconnected,
    Discovering,
    Link,
    Offline,
    Pairing,
    Phase,
    State,
    World,
)
from appliance.core.timers import Timer
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
GOOD_AFTER = 5.0
"""Seconds of life after which a feed counts as good, and the back-off starts anew: a faulty gateway may close each feed
after its first message."""
HURRY_EVERY = 10.0
"""The least seconds between two back-offs that an announcement or the network cuts short: they may flap."""
TOO_MANY_AGAIN = 30.0
"""Seconds until a gateway with too many orders is asked again: it sends all of them each time."""
FEED_PHASES = frozenset({Phase.OPENING, Phase.PROMOTING, Phase.PROVING})
"""The phases with a feed that is opening or open."""
MOST_PENDING = 3
"""Unproven tokens to keep, the newest: a person may pair again while the gateway still refuses an earlier token."""
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


_REASONS = {
    FeedFailure.UNREACHABLE: GATEWAY_UNREACHABLE,
    FeedFailure.UNREADABLE: GATEWAY_UNREADABLE,
    FeedFailure.TOO_MUCH: TOO_MANY_ORDERS,
}


def reason_of(failure: FeedFailure) -> str:
    """The reason to show for a failed feed."""
    return _REASONS.get(failure, FEED_REFUSED)


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
    offline = Offline(world, Link(None), now, GATEWAY_UNREACHABLE)
    if now < world.hurried_at + HURRY_EVERY:
        # Its announcement comes and goes.
        return back_off(offline, GATEWAY_UNREACHABLE, now)
    return resolve_gateway(offline)


def paired_gateway_in_sight(world: World) -> bool:
    """Whether a token is held, valid or refused, and its gateway is in sight."""
    return world.credential is not None and world.credential.gateway in world.gateways


def await_pairing(world: World, reason: str | None) -> Step:
    """Wait for a press; meanwhile, check a refused token again every minute.

    A gateway must be in sight; if a token is held, its own gateway must be.
    """
    retry = StartTimer(Timer.RETRY, RECHECK_REFUSED) if world.credential else StopTimer(Timer.RETRY)
    return AwaitingPairing(world, reason), (retry,)


def accept_token(state: State, gateway: Gateway, token: Token, now: float) -> Step:
    """Accept a new token: write it to flash as pending before its first use."""
    world, credential = state.world, Credential(gateway.name, token)
    earlier = tuple(one for one in world.held if one != world.current and one.token != token)[: MOST_PENDING - 1]
    world = replace(
        world,
        pending=credential,
        earlier=earlier,
        trying=0,
        pending_until=now + PAIRING_WINDOW,
        refusal_told=False,
        serial=world.serial + 1,
        unsaved=False,
        saving=0,
        proven=gateway.addresses[0],
    )
    link = Link(gateway, Phase.STORING, world.serial, trusted_until=now + TRUST_ADDRESS, new_pairing=True)
    return Connecting(world, link), (
        *cleanup_effects(state),
        StopTimer(Timer.SAVE),
        StorePendingToken(world.serial, credential, earlier),
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
    header = credential.header != state.link.other_way
    return trying, (StopTimer(Timer.RETRY), OpenFeed(trying.link.attempt, address, credential.token, header))


def back_off(state: Disconnected, why: str, now: float) -> Step:
    """Go offline after a failed attempt, and retry after a back-off."""
    link = state.link
    delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(link.failures, 10))
    if why == TOO_MANY_ORDERS:
        # The old orders are useless, and memory may not hold both sets.
        delay, link = TOO_MANY_AGAIN, replace(link, book=OrderBook(), paged=())
    waiting = replace(link, phase=Phase.WAITING, attempt=0, failures=link.failures + 1, other_way=False)
    since = state.since if isinstance(state, Offline) else now
    world = replace(state.world, trying=0)
    return Offline(world, waiting, since, why), (StartTimer(Timer.RETRY, delay, jitter=True),)


def connect(state: Disconnected, book: OrderBook, now: float) -> Step:
    """Enter `Connected`: the feed is live, and its token is on flash if the disk allows it."""
    world, link = state.world, state.link
    gateway, address = link.gateway, link.address
    assert gateway is not None, "a feed was opened somewhere"
    assert address is not None, "a feed was opened somewhere"
    # The gateway may have moved while its token was written.
    gateway = world.gateways.get(gateway.name, gateway)
    world = replace(world, proven=address)
    doubtful = link.doubt or address not in gateway.addresses
    # A slow disk may have delayed this since the whole set arrived.
    refresh_at = link.whole_at + (LOOK_EVERY if doubtful else REFRESH_AFTER)
    stale_at = link.whole_at + STALE_AFTER
    if doubtful:
        stale_at = min(stale_at, now + STALE_AFTER_DOUBT)
    book = replace(book, today=book.today.ending_at(world.benchmarks.day_ends))
    connected = Connected(
        replace(world, refusal_told=False),
        gateway,
        address,
        link.attempt,
        book,
        stale_at,
        since=link.whole_at,
        failures=link.failures,
        last_look=link.whole_at,
        last_heard=now,
        doubted_at=now if doubtful else None,
    )
    effects: list[Effect] = [
        StartTimer(Timer.REFRESH, max(0.0, refresh_at - now)),
        StartTimer(Timer.STALE, max(0.0, stale_at - now)),
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


def disconnect(state: Connected, now: float, why: str = GATEWAY_UNREACHABLE, *, trusted: bool = True) -> Step:
    """Leave `Connected`: the count may be wrong, so start again by resolving the gateway's name.

    A feed that died young is not reopened at once. why: the reason to show. trusted: whether the last address may be
    tried if the name does not resolve. On another network, it may belong to another device.
    """
    # Only the address that worked: others may have been announced by anybody.
    trusted = trusted and state.address in state.gateway.addresses
    gateway = replace(state.gateway, addresses=(state.address,))
    link = Link(gateway, trusted_until=now + TRUST_ADDRESS if trusted else NEVER, book=state.book)
    offline = Offline(replace(state.world, trying=0), link, now, why)
    if now >= state.since + GOOD_AFTER:
        entered, effects = resolve_gateway(offline)
    else:
        link = replace(link, failures=state.failures, died_young=True)
        entered, effects = back_off(replace(offline, link=link), why, now)
    return entered, (*cleanup_effects(state), *effects)


def too_many_orders(state: Connected, now: float) -> Step:
    """Leave `Connected`: there are too many orders to hold, so every count would be wrong."""
    link = Link(replace(state.gateway, addresses=(state.address,)), trusted_until=now + TRUST_ADDRESS)
    entered, effects = back_off(Offline(state.world, link, now, TOO_MANY_ORDERS), TOO_MANY_ORDERS, now)
    return entered, (*cleanup_effects(state), *effects)


def forget_pairing(state: State, now: float) -> Step:
    """Forget the pairing, in memory and on flash."""
    world = replace(state.world.with_token(None), refusal_told=False, unsaved=False, saving=0)
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
            feeds = [state.link.attempt] if state.link.phase in FEED_PHASES else []
            timers = (Timer.RETRY,)
        case Pairing():
            timers = (Timer.ASK, Timer.WINDOW)
        case AwaitingPairing():
            feeds = [state.link.attempt] if state.link is not None and state.link.phase in FEED_PHASES else []
            timers = (Timer.RETRY,)
        case Discovering():
            timers = (Timer.RETRY,)
    return (*map(CloseFeed, feeds), *history_sync, *map(StopTimer, timers))
