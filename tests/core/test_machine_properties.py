"""Random sequences of events: nothing raises, every invariant holds, and the box connects again after faults."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appliance.core.backups import BackupPhase, BackupReason, BackupStatus
from appliance.core.day_stats import DeliveryStats
from appliance.core.events import (
    BackupChanged,
    BoardRead,
    ButtonDown,
    ButtonStuck,
    ButtonUp,
    Denial,
    Event,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    HistoryRequested,
    HistorySynced,
    HistorySyncFailed,
    NetworkChanged,
    TokenAccepted,
    TokenDenied,
    TokenIssued,
    TokenNotStored,
    TokenRefused,
    TokensLoaded,
    TokenStored,
    TokenUnchecked,
    UpdateChanged,
)
from appliance.core.machine import begin
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.states import AwaitingPairing, Connected, Connecting, Offline, Pairing, Phase, State
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from appliance.core.values import (
    Address,
    Benchmarks,
    Board,
    Credential,
    Gateway,
    Order,
    PanelSettings,
    Token,
    Unreadable,
)
from tests.core.simulated_effects import Surroundings

MANY = 2 * settings().max_examples
"""Examples: 200 in a run of the tests, 600 in `make release`, fewer for each mutant in `make mutate`."""
NAMES = ("Bar", "Kitchen", "Terrace")
ADDRESSES = tuple(Address(f"192.0.2.{number}") for number in range(1, 5))

names = st.sampled_from(NAMES)
gateways = st.builds(
    Gateway, names, st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True).map(tuple)
)
order_uuids = st.sampled_from("abcdef")
orders = st.builds(
    Order,
    order_uuids,
    st.sampled_from(("1", "2")),
    st.just("ON_PREMISE"),
    st.sampled_from(("", "4")),
    st.sampled_from(("started", "located", "cleared", "strange")),
    st.booleans(),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1e5),
)
whole_sets: st.SearchStrategy[tuple[tuple[Order, ...], Unreadable]] = st.tuples(
    st.lists(orders, max_size=4).map(tuple),
    st.frozensets(st.sampled_from("abcdef"), max_size=2),
    st.integers(0, 2),
    st.sampled_from((0, 0, 0, 1, 2)),
).map(lambda drawn: (drawn[0], Unreadable(drawn[1] - {order.uuid for order in drawn[0]}, *drawn[2:])))
updates = st.builds(
    UpdateStatus,
    st.sampled_from(UpdatePhase),
    st.sampled_from(("1.2.0", "")),
    st.sampled_from((0, 50)),
    st.just("usb"),
    st.sampled_from((UpdateReason.CRASHED, "new-code", "")),
)
backups = st.builds(
    BackupStatus,
    st.sampled_from(BackupPhase),
    st.sampled_from((0, 50)),
    st.sampled_from((BackupReason.NO_STICK, "new-code", "")),
)
seqs = st.none() | st.integers(0, 20)
notifications: st.SearchStrategy[Notification] = st.one_of(
    st.builds(OrderChanged, orders, st.booleans(), seqs),
    st.builds(OrderPaged, orders, seqs),
    whole_sets.map(lambda drawn: OrdersReplaced(*drawn)),
    st.builds(MessageUnusable, seqs),
    st.builds(
        MessageIgnored, seqs, st.sampled_from(("NEW", "GONE")), st.just(()) | st.tuples(order_uuids), st.booleans()
    ),
)


def numbers(state: State) -> list[int]:
    """The numbers of current requests and feeds, and some others."""
    current = [state.world.saving, state.world.serial, 0, 99_999]
    match state:
        case Connecting() | Offline():
            current.append(state.link.attempt)
        case Connected():
            current += [state.feed, state.looking, state.history_sync]
        case AwaitingPairing() if state.link is not None:
            current.append(state.link.attempt)
        case _:
            current.append(getattr(state, "attempt", 0))
    return current


def _numbered(make: Callable[[int], Event]) -> Callable[[State, int], Event]:
    """An event with the number of a current, past or imaginary request."""
    return lambda state, which: make(numbers(state)[which % len(numbers(state))])


def _resolved(addresses: tuple[Address, ...]) -> Callable[[State, int], Event]:
    def event(state: State, which: int) -> Event:
        name = state.world.credential.gateway if state.world.credential else "Bar"
        return _numbered(lambda number: GatewayResolved(number, Gateway(name, addresses)))(state, which)

    return event


def _issued(gateway: Gateway) -> Callable[[State, int], Event]:
    return lambda state, which: TokenIssued(which, gateway, Token(f"token{state.world.serial}.{which}"))


def _refused(state: State, which: int) -> Event:
    """The gateway refuses the token of the current request or feed."""
    match state:
        case Connecting() | Offline():
            return TokenRefused(state.link.attempt)
        case Connected():
            return TokenRefused(state.looking or state.feed)
        case AwaitingPairing() if state.link is not None:
            return TokenRefused(state.link.attempt)
        case _:
            return TokenRefused(0)


def _lost_from_sight(state: State, which: int) -> Event:
    """A gateway goes out of sight."""
    seen = sorted(state.world.gateways) or ["Bar"]
    return GatewayLost(seen[which % len(seen)])


def _plain(event: Event) -> Callable[[State, int], Event]:
    return lambda state, which: event


def _healthy(state: State, which: int) -> Event:
    return answer(state) or GatewayFound(Gateway("Bar", (ADDRESSES[0],)))


NUMBERED: tuple[Callable[[int], Event], ...] = (
    FeedAnswered,
    GatewayUnresolved,
    TokenAccepted,
    TokenRefused,
    TokenUnchecked,
    TokenStored,
    TokenNotStored,
    HistorySyncFailed,
    lambda number: HistorySynced(number, 3, DeliveryStats(), frozenset("a"), frozenset("b")),
    *(lambda number, why=why: FeedLost(number, why) for why in FeedFailure),
    lambda number: FeedOpened(number, (), header=True),
)

happenings: st.SearchStrategy[Callable[[State, int], Event]] = st.one_of(
    st.sampled_from(
        [_plain(NetworkChanged(own)) for own in ((), ("192.0.2.77",), ("198.51.100.7",))]
        + [_plain(GatewayLost(name)) for name in NAMES]
        + [_plain(TokenDenied(1, name, why)) for name in NAMES for why in Denial]
        + [_plain(ButtonDown()), _plain(ButtonUp()), _plain(ButtonStuck())]
        + [_plain(BoardRead(Board(weak_power=weak))) for weak in (True, False)]
        + [_plain(HistoryRequested())]
    ),
    st.sampled_from([_numbered(make) for make in NUMBERED]),
    st.sampled_from([_refused, _lost_from_sight]),
    # Three times, so that many examples reach a live feed.
    *[st.just(_healthy)] * 3,
    updates.map(lambda update: _plain(UpdateChanged(update))),
    backups.map(lambda backup: _plain(BackupChanged(backup))),
    gateways.map(lambda gateway: _plain(GatewayFound(gateway))),
    gateways.map(lambda gateway: _resolved(gateway.addresses)),
    gateways.map(_issued),
    whole_sets.map(lambda drawn: _numbered(lambda number: FeedOpened(number, *drawn))),
    st.lists(notifications, min_size=1, max_size=3).map(
        lambda drawn: _numbered(lambda number: FeedNotified(number, tuple(drawn)))
    ),
)
moments = st.tuples(st.sampled_from((0.0, 0.0, 0.01, 0.9, 2.0, 6.0, 30.0, 130.0, 400.0)), happenings, st.integers(0, 9))


def live_through(box: Surroundings, lived: list[tuple[float, Callable[[State, int], Event], int]]) -> None:
    for pause, happening, which in lived:
        if pause:
            box.advance(pause)
        box.tell(happening(box.state, which))


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(st.none() | names, st.booleans(), st.booleans(), st.lists(moments, max_size=40))
def test_any_sequence_of_events_keeps_every_invariant(
    paired: str | None, damaged: bool, repeat: bool, lived: list[tuple[float, Callable[[State, int], Event], int]]
) -> None:
    settings_ = PanelSettings(dim_after=20.0, sleep_after=100.0, repeat_pages=repeat)
    box = Surroundings(begin(Benchmarks(), settings=settings_))
    credential = None if paired is None else Credential(paired, Token("kept"))
    if credential is not None:
        box.owner[credential.token] = credential.gateway
    box.tell(TokensLoaded(credential, None, damaged))
    live_through(box, lived)


def answer(state: State) -> Event | None:
    """The answers of a healthy gateway and disk to the current requests."""
    home = Gateway("Bar", (ADDRESSES[0],))
    match state:
        case Connecting() | Offline() if state.world.credential is not None:
            number = state.link.attempt
            match state.link.phase:
                case Phase.STORING:
                    return TokenStored(number)
                case Phase.PROMOTING:
                    return TokenStored(state.world.saving)
                case Phase.RESOLVING:
                    return GatewayResolved(number, Gateway(state.world.credential.gateway, home.addresses))
                case Phase.OPENING:
                    return FeedOpened(number, ())
                case Phase.CHECKING:
                    return TokenAccepted(number)
                case Phase.WAITING | Phase.PROVING:
                    return None
        case Connected() if state.looking:
            return FeedOpened(state.looking, ())
        case Connected() if state.history_sync:
            return HistorySyncFailed(state.history_sync)
        case Pairing() if not state.offers and state.world.asking:
            return TokenIssued(state.attempt, home, Token("fresh"))
        case _:
            return None


# A second answer to a name, after the first has opened a feed with a refused token.
_ANSWERED_TWICE = [
    (0.0, _healthy, 0),
    (0.0, _refused, 0),
    (130.0, _resolved((ADDRESSES[0],)), 1),
    (0.0, _numbered(GatewayUnresolved), 1),
]


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(st.lists(moments, max_size=30))
@example(_ANSWERED_TWICE)
def test_a_paired_box_is_connected_again_after_the_last_fault(
    lived: list[tuple[float, Callable[[State, int], Event], int]],
) -> None:
    box = Surroundings()
    box.owner[Token("kept")] = "Bar"
    box.tell(TokensLoaded(Credential("Bar", Token("kept")), None))
    live_through(box, lived)
    # From here on everything works, and the button is up.
    box.tell(ButtonUp())
    if box.state.world.credential is None:
        return
    # The box retries a refused token after a minute.
    for _ in range(150):
        reply = answer(box.state)
        if reply is not None:
            box.tell(reply)
        elif isinstance(box.state, Connected):
            break
        elif isinstance(box.state, AwaitingPairing | Pairing):
            # A refused or forgotten token needs a person again.
            return
        else:
            box.advance(0.5)
    assert isinstance(box.state, Connected)
