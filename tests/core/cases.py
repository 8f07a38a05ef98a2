"""The states and events of the grid, under the names that the grid and the state diagram use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from appliance.core import machine
from appliance.core.backups import NO_BACKUP, BackupPhase, BackupReason, BackupStatus
from appliance.core.connected import GAP
from appliance.core.day_stats import DeliveryStats
from appliance.core.effects import Effect
from appliance.core.events import (
    BackupChanged,
    BoardRead,
    ButtonDown,
    ButtonStuck,
    ButtonUp,
    Denial,
    DisplayIdentified,
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
    HostUnresolved,
    NetworkChanged,
    TimerFired,
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
from appliance.core.notifications import (
    MessageUnusable,
    OrderChanged,
    OrderPaged,
)
from appliance.core.orders import OrderBook, replaced
from appliance.core.states import (
    Alert,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Erase,
    Link,
    Offer,
    Offline,
    Pairing,
    Phase,
    ScreenId,
    State,
    World,
)
from appliance.core.timers import Timer
from appliance.core.updates import NO_UPDATE, UpdatePhase, UpdateStatus
from appliance.core.values import (
    SH1106,
    SSD1306,
    Address,
    Board,
    Credential,
    DisplayIdentity,
    Gateway,
    Order,
    PanelSettings,
    Token,
)

NOW = 1000.0
NUMBER = 7
"""The number of a state's current request or feed; LOOK is that of a second feed."""
LOOK = 8
SYNC = 6

A = Gateway("A", (Address("192.0.2.10"),))
A_MOVED = Gateway("A", (Address("192.0.2.99"),))
A_TWICE = Gateway("A", (Address("192.0.2.10"), Address("192.0.2.11")))
B = Gateway("B", (Address("192.0.2.20"),))
CREDENTIAL = Credential("A", Token("a" * 48))
FRESH = Credential("A", Token("b" * 48))
ORDER = Order("u1", "23", "ON_PREMISE", "4", "located")
BOOK = replaced(OrderBook(), [ORDER], NOW - 60)
DISPLAY = DisplayIdentity(0x3C, SSD1306, SSD1306, "43 43 43 00 00 00")
FOUND = UpdateStatus(UpdatePhase.FOUND, "1.2.0", source="usb")
READY = UpdateStatus(UpdatePhase.READY, "1.2.0", 100, "usb")
OTHER_DISPLAY = DisplayIdentity(0x3C, SH1106, SH1106, "48 48 48 A5 3C 5A")

_EMPTY = World(addresses=("192.0.2.5",), serial=LOOK)
_SEEN = replace(_EMPTY, gateways={"A": A})
_BOTH = replace(_EMPTY, gateways={"A": A, "B": B})
_PAIRED = replace(_SEEN, current=CREDENTIAL)
_PAIRED_ALONE = replace(_EMPTY, current=CREDENTIAL)
_PAIRED_BESIDE_B = replace(_PAIRED_ALONE, gateways={"B": B})
_PAIRED_AMONG_BOTH = replace(_BOTH, current=CREDENTIAL)
_PENDING = replace(_SEEN, pending=FRESH)
_ASKS_IF_SHIFTED = replace(_PAIRED, display=DISPLAY, turned_to=ScreenId.SHIFTED, turned_until=NOW + 10)
_ASKS_ABOUT_UPDATE = replace(
    _PAIRED, update=FOUND, update_since=NOW - 30, turned_to=ScreenId.UPDATE, turned_until=NOW + 10
)
_ASKS_TO_SAVE = replace(_PAIRED, backup=NO_BACKUP, turned_to=ScreenId.COPY, turned_until=NOW + 10)
_ASKS_TO_ERASE = replace(_ASKS_TO_SAVE, turned_to=ScreenId.ERASE)
_LAST_PRESS_TO_ERASE = replace(_ASKS_TO_ERASE, erase=Erase(2, NOW - 4), turned_until=NOW + 2)
_TO_RESTART = replace(_PAIRED, update=READY, update_since=NOW - 900, last_activity=NOW - 900)
_JUST_ISSUED = replace(_PENDING, pending_until=NOW + 100)


def _link(phase: Phase) -> Link:
    return Link(A, phase, NUMBER, trusted_until=NOW + 30, book=BOOK)


def _offline(phase: Phase, world: World = _PAIRED) -> Offline:
    return Offline(world, _link(phase), NOW - 90, "gateway unreachable")


def _connected() -> Connected:
    return Connected(
        _PAIRED,
        A,
        A.addresses[0],
        NUMBER,
        BOOK,
        NOW + 200,
        since=NOW - 100,
        seq=5,
        last_look=NOW - 100,
        late_at=NOW + 240,
    )


STATES: dict[str, State] = {
    "discovering": Discovering(_EMPTY),
    "discovering, address from the settings": Discovering(replace(_EMPTY, fixed_address=True)),
    "awaiting_pairing, no token": AwaitingPairing(_SEEN),
    "awaiting_pairing, asks whether to install": AwaitingPairing(replace(_SEEN, update=FOUND, update_since=NOW - 30)),
    "awaiting_pairing, two gateways": AwaitingPairing(_BOTH),
    "awaiting_pairing, token refused": AwaitingPairing(_PAIRED, "token refused", _link(Phase.RESOLVING)),
    "awaiting_pairing, token refused, two gateways": AwaitingPairing(
        _PAIRED_AMONG_BOTH, "token refused", _link(Phase.OPENING)
    ),
    "pairing, one gateway": Pairing(replace(_SEEN, asking=frozenset("A")), 6, NOW + 60, frozenset("A"), {"A": NOW - 1}),
    "pairing, two gateways": Pairing(
        replace(_BOTH, asking=frozenset("AB")), 6, NOW + 60, frozenset("AB"), {"A": NOW, "B": NOW}
    ),
    "pairing, A unreachable": Pairing(
        replace(_SEEN, gateways={"A": A_TWICE}),
        6,
        NOW + 60,
        frozenset("A"),
        answers={"A": Denial.UNREACHABLE},
        turns={"A": 1},
    ),
    "pairing, button down": Pairing(
        replace(_SEEN, asking=frozenset("A"), down_since=NOW - 2, pressed_at=NOW - 2, asked="pairing"),
        6,
        NOW + 60,
        frozenset("A"),
        {"A": NOW - 1},
    ),
    "pairing, to be confirmed": Pairing(_BOTH, 6, NOW + 60, frozenset("AB"), offers=(Offer(A, FRESH.token),)),
    "pairing, token refused, its gateway out of sight": Pairing(
        replace(_PAIRED_BESIDE_B, asking=frozenset("B")), 6, NOW + 60, frozenset("AB"), {"B": NOW}
    ),
    "connecting, storing": Connecting(_PENDING, replace(_link(Phase.STORING), new_pairing=True)),
    "connecting, resolving, address from the settings": Connecting(
        replace(_PAIRED_ALONE, fixed_address=True), Link(None, Phase.RESOLVING, NUMBER)
    ),
    "connecting, resolving": Connecting(_PAIRED, _link(Phase.RESOLVING)),
    "connecting, opening": Connecting(_PAIRED, _link(Phase.OPENING)),
    "connecting, opening with a new token": Connecting(_PENDING, replace(_link(Phase.OPENING), new_pairing=True)),
    "connecting, opening with a token that was just issued": Connecting(
        _JUST_ISSUED, replace(_link(Phase.OPENING), new_pairing=True)
    ),
    "connecting, opening with a new token, an old one is held": Connecting(
        replace(_PENDING, current=CREDENTIAL), _link(Phase.OPENING)
    ),
    "connecting, opening with an old token, a new one was refused": Connecting(
        replace(_PENDING, current=CREDENTIAL, trying=1), _link(Phase.OPENING)
    ),
    "connecting, opening in the other way": Connecting(_PAIRED, replace(_link(Phase.OPENING), other_way=True)),
    "connecting, opening with a new token, out of sight": Connecting(
        replace(_EMPTY, pending=FRESH), replace(_link(Phase.OPENING), new_pairing=True)
    ),
    "connecting, promoting": Connecting(
        replace(_PAIRED, saving=9), replace(_link(Phase.PROMOTING), new_pairing=True, whole_at=NOW)
    ),
    "connecting, checking": Connecting(_PAIRED, _link(Phase.CHECKING)),
    "connecting, checking after two refusals by HTTP": Connecting(_PAIRED, replace(_link(Phase.CHECKING), refusals=2)),
    "connected": _connected(),
    "connected, a moment ago": replace(_connected(), since=NOW - 1, failures=2),
    "connected, with an old token, a new one was refused": replace(
        _connected(), world=replace(_JUST_ISSUED, current=CREDENTIAL, trying=1)
    ),
    "connected, out of sight": replace(_connected(), world=_PAIRED_ALONE),
    "connected, only B in sight": replace(_connected(), world=_PAIRED_BESIDE_B),
    "connected, a page unanswered": replace(
        _connected(),
        world=replace(_PAIRED, settings=PanelSettings(repeat_pages=True), last_page=NOW - 40),
        book=replaced(OrderBook(), [replace(ORDER, paged=True)], NOW - 60),
        alert=Alert(("u1",), NOW - 32),
        repeats=2,
    ),
    "connected, button down": replace(_connected(), world=replace(_PAIRED, down_since=NOW - 30, pressed_at=NOW - 30)),
    "connected, token not saved": replace(_connected(), world=replace(_PAIRED, unsaved=True)),
    "connected, saving the token": replace(_connected(), world=replace(_PAIRED, unsaved=True, saving=9)),
    "connected, asks if the picture is shifted": replace(_connected(), world=_ASKS_IF_SHIFTED),
    "connected, asks whether to install": replace(_connected(), world=_ASKS_ABOUT_UPDATE),
    "connected, to restart": replace(_connected(), world=_TO_RESTART),
    "connected, to restart, without an order": replace(_connected(), world=_TO_RESTART, book=OrderBook()),
    "connected, asks whether to save a copy": replace(_connected(), world=_ASKS_TO_SAVE),
    "connected, asks whether to erase": replace(_connected(), world=_ASKS_TO_ERASE),
    "connected, erases after the next press": replace(_connected(), world=_LAST_PRESS_TO_ERASE),
    "connected, moved": replace(_connected(), gateway=A_MOVED),
    "connected, in doubt": replace(
        _connected(), doubted_at=NOW - 25, suspects=frozenset({GAP}), stale_at=NOW + 20, vain_looks={GAP: 2}
    ),
    "connected, looking": replace(_connected(), looking=LOOK, doubted_at=NOW - 5),
    "connected, looking after a loss": replace(_connected(), looking=LOOK, lost=True, stale_at=NOW + 4),
    "connected, syncing the history": replace(_connected(), history_sync=SYNC),
    "offline, waiting": _offline(Phase.WAITING),
    "offline, waiting, out of sight": _offline(Phase.WAITING, _PAIRED_BESIDE_B),
    "offline, waiting, failed often": replace(_offline(Phase.WAITING), link=replace(_link(Phase.WAITING), failures=3)),
    "offline, opening, one of two addresses": Offline(
        replace(_PAIRED, gateways={"A": A_TWICE}),
        replace(_link(Phase.OPENING), gateway=A_TWICE, turn=1, failures=2),
        NOW - 90,
        "feed refused",
    ),
    "offline, asks if the picture is shifted": _offline(Phase.WAITING, _ASKS_IF_SHIFTED),
    "offline, asks whether to install": _offline(Phase.WAITING, _ASKS_ABOUT_UPDATE),
    "offline, to restart": _offline(Phase.WAITING, _TO_RESTART),
    "offline, promoting": _offline(Phase.PROMOTING, replace(_PAIRED, saving=9)),
    "offline, opening after a feed that died young": replace(
        _offline(Phase.OPENING), link=replace(_link(Phase.OPENING), failures=2, died_young=True)
    ),
    "offline, proving": replace(
        _offline(Phase.PROVING), link=replace(_link(Phase.PROVING), failures=2, died_young=True, whole_at=NOW - 1)
    ),
    "offline, waiting, hurried a moment ago": _offline(Phase.WAITING, replace(_PAIRED, hurried_at=NOW - 0.5)),
    "offline, opening, hurried a moment ago": _offline(Phase.OPENING, replace(_PAIRED, hurried_at=NOW - 0.5)),
    "offline, waiting, token refused": Offline(_PAIRED_ALONE, Link(None), NOW - 30, "token refused"),
    "offline, resolving": _offline(Phase.RESOLVING),
    "offline, opening": _offline(Phase.OPENING),
    "offline, opening, out of sight": _offline(Phase.OPENING, _PAIRED_ALONE),
    "offline, checking": _offline(Phase.CHECKING),
}

_NEW = Order("u2", "7", "TO_GO", "", "started")

EVENTS: dict[str, Sequence[Event]] = {
    "tokens loaded, none": [TokensLoaded(None, None)],
    "tokens loaded, one of A": [TokensLoaded(CREDENTIAL, None)],
    "tokens loaded, damaged": [TokensLoaded(None, None, damaged=True)],
    "network changed": [NetworkChanged(("192.0.2.6",))],
    "network gone": [NetworkChanged(())],
    "A found": [GatewayFound(A)],
    "A found elsewhere": [GatewayFound(A_MOVED)],
    "A found at two addresses": [GatewayFound(A_TWICE)],
    "B found where A was": [GatewayFound(Gateway("B", A.addresses))],
    "B found": [GatewayFound(B)],
    "A lost from sight": [GatewayLost("A")],
    "host not resolved": [HostUnresolved("a.local")],
    "B lost from sight": [GatewayLost("B")],
    "A resolved": [GatewayResolved(NUMBER, A)],
    "A not resolved": [GatewayUnresolved(NUMBER)],
    "token issued by A": [TokenIssued(6, A, FRESH.token)],
    "token issued by B": [TokenIssued(6, B, FRESH.token)],
    "A's button not pressed": [TokenDenied(6, "A", Denial.NOT_PRESSED)],
    "A unreachable for a token": [TokenDenied(6, "A", Denial.UNREACHABLE)],
    "A refuses a token": [TokenDenied(6, "A", Denial.REFUSED)],
    "token accepted": [TokenAccepted(NUMBER)],
    "token refused": [TokenRefused(NUMBER)],
    "token unchecked": [TokenUnchecked(NUMBER)],
    "pending token stored": [TokenStored(NUMBER)],
    "pending token not stored": [TokenNotStored(NUMBER)],
    "token stored": [TokenStored(9)],
    "token not stored": [TokenNotStored(9)],
    "feed opened": [FeedOpened(NUMBER, (ORDER, _NEW))],
    "feed notified of an order": [FeedNotified(NUMBER, (OrderChanged(_NEW, created=True, seq=6),))],
    "feed notified of a page": [FeedNotified(NUMBER, (OrderPaged(replace(ORDER, paged=True), seq=6),))],
    "feed notified of a stranger": [FeedNotified(NUMBER, (OrderChanged(_NEW, seq=6),))],
    "feed notified past a gap": [FeedNotified(NUMBER, (OrderChanged(ORDER, seq=8),))],
    "feed notified, unusable": [FeedNotified(NUMBER, (MessageUnusable(seq=6),))],
    "feed lost, unreachable": [FeedLost(NUMBER, FeedFailure.UNREACHABLE)],
    "feed lost, closed": [FeedLost(NUMBER, FeedFailure.CLOSED)],
    "feed lost, closed early": [FeedLost(NUMBER, FeedFailure.CLOSED_EARLY)],
    "feed lost, unauthorized": [FeedLost(NUMBER, FeedFailure.UNAUTHORIZED)],
    "feed lost, unreadable": [FeedLost(NUMBER, FeedFailure.UNREADABLE)],
    "feed lost, silent": [FeedLost(NUMBER, FeedFailure.SILENT)],
    "feed lost, too much": [FeedLost(NUMBER, FeedFailure.TOO_MUCH)],
    "second feed opened": [FeedOpened(LOOK, (ORDER, replace(_NEW, paged=True)))],
    "second feed lost": [FeedLost(LOOK, FeedFailure.UNREACHABLE)],
    "second feed lost, too much": [FeedLost(LOOK, FeedFailure.TOO_MUCH)],
    "second feed's token refused": [TokenRefused(LOOK)],
    "button pressed": [ButtonDown()],
    "button released": [ButtonUp()],
    "button tapped": [ButtonDown(), ButtonUp()],
    "button held": [ButtonDown(), ButtonUp()],
    "button stuck from the start": [ButtonStuck()],
    "display identified": [DisplayIdentified(replace(DISPLAY, raw="03 43 43 00 00 00"))],
    "another display identified": [DisplayIdentified(OTHER_DISPLAY)],
    "board read": [BoardRead(Board(52.0, False, False))],
    "update found": [UpdateChanged(FOUND)],
    "update installed": [UpdateChanged(READY)],
    "update failed": [UpdateChanged(replace(FOUND, phase=UpdatePhase.FAILED, reason="crashed"))],
    "update gone": [UpdateChanged(NO_UPDATE)],
    "copy can be saved": [BackupChanged(NO_BACKUP)],
    "copy saved": [BackupChanged(BackupStatus(BackupPhase.SAVED, 100))],
    "copy failed": [BackupChanged(BackupStatus(BackupPhase.FAILED, 0, BackupReason.NO_STICK))],
    "feed answered": [FeedAnswered(NUMBER)],
    "history requested": [HistoryRequested()],
    "history synced": [HistorySynced(SYNC, 3, DeliveryStats(), frozenset(), frozenset())],
    "history sync failed": [HistorySyncFailed(SYNC)],
    **{f"timer: {timer}": [TimerFired(timer)] for timer in Timer},
}

_AT: dict[str, float] = {f"timer: {Timer.LATE}": NOW + 240}
"""The time of an event, if it is not NOW."""


_PAUSE: dict[str, float] = {"button held": 6.0}
"""Seconds between the events of a name, if they are not simultaneous."""


def outcome(state: State, event: str) -> tuple[State, list[Effect]]:
    """The state after the events of a name, and all their effects."""
    effects: list[Effect] = []
    for number, one in enumerate(EVENTS[event]):
        state, more = machine.step(state, one, _AT.get(event, NOW) + number * _PAUSE.get(event, 0.0))
        effects += more
    return state, effects


def rows(render: Callable[[State, State, list[Effect]], str]) -> dict[str, dict[str, str]]:
    """The whole grid: the rendered outcome by the names of state and event."""
    return {name: {event: render(state, *outcome(state, event)) for event in EVENTS} for name, state in STATES.items()}
