"""The states of the appliance, each with its own data, and the `World` that is known in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType

from appliance.core.backups import BackupStatus
from appliance.core.events import Denial
from appliance.core.orders import OrderBook
from appliance.core.updates import NO_UPDATE, UpdateStatus
from appliance.core.values import (
    NO_INTERFACE,
    Address,
    Benchmarks,
    Board,
    Credential,
    DisplayIdentity,
    Gateway,
    Interfaces,
    Mistake,
    PanelSettings,
    Token,
)

NEVER = -math.inf


class ScreenId(Enum):
    """The screens of a state; a short press turns from one to the next."""

    MAIN = auto()
    OLDEST = auto()
    TODAY = auto()
    UPDATE = auto()
    SETTINGS = auto()
    BOX = auto()
    GATEWAY = auto()
    LED_LEGEND = auto()
    DISPLAY = auto()
    COPY = auto()
    ERASE = auto()
    SHIFTED = auto()


@dataclass(frozen=True, slots=True)
class Erase:
    """The confirmation of a factory reset. presses: those that came in time. since: the last one, or the hold's end."""

    presses: int
    since: float


@dataclass(frozen=True, slots=True)
class World:
    """What is known in every state. Times are monotonic seconds.

    Network. fixed_address: the settings name the gateway's address, so mDNS and own addresses decide nothing.
    addresses: this box's own; None before the first look. interfaces: its network interfaces. unresolved_host: the host
    name in the settings while it can't be resolved. gateways: those in sight, by name. names_heard: the name that
    was last announced at each address, whether or not its gateway is still in sight. proven: the address at which the
    paired gateway last issued a token or had a live feed.

    Tokens. current: the proven token, or the one on flash. pending: a token that is not proven yet, and is tried first.
    earlier: older ones that were never proven either, the latest first. trying: the index in `held` of the token in
    force. pending_until: until when a refused `pending` is retried every few seconds. refusal_told: a person heard of
    the refusal, and nothing has changed since. unsaved: the token in force is not on flash. saving: the number of the
    write under way. asking: the gateways with an open token request; each has one at a time. serial: the last number
    given to an attempt. hurried_at: when an announcement, the network or a press last cut a back-off short. mistakes:
    the settings that were left out because they are invalid.

    Button. down_since: when it went down, while the press may still mean something. asked: the question on the display
    at that moment. pressed_at: when it last went down. stuck: it has been down for longer than anyone holds it.

    Display and sound. display: the one that was set up last, with the driver that draws on it. turned_to: the screen
    that a press turned to, shown until turned_until. last_activity: the last event that a person would look up for;
    infinity before the start is over. woke_display: the press under way only wakes the display. last_page, last_late,
    last_new_order: when each sound last started. late_heard: uuids of the active orders that had their late sound.
    late_unheard: those of orders that became late since, and wait for theirs.

    Update. update: of the box, as last reported. update_since: when anything but its progress last changed.
    requested_until: until when the display says that an action was requested, unless the update changes sooner.

    Copies and factory reset. backup: what is being saved or restored, as last reported at backup_since; None where the
    system offers neither. backup_requested_until, erase_requested_until: when a request that nothing served is over.
    erase: the confirmation under way.

    History. history_syncs: when the archive was last brought up to date, within the last hour, oldest first.
    """

    benchmarks: Benchmarks = field(default_factory=Benchmarks)
    settings: PanelSettings = field(default_factory=PanelSettings)
    version: str = ""
    mistakes: tuple[Mistake, ...] = ()
    board: Board = field(default_factory=Board)
    fixed_address: bool = False
    addresses: tuple[str, ...] | None = None
    interfaces: Interfaces = NO_INTERFACE
    unresolved_host: str = ""
    gateways: Mapping[str, Gateway] = field(default_factory=lambda: MappingProxyType({}))
    names_heard: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))
    proven: Address | None = None
    current: Credential | None = None
    pending: Credential | None = None
    earlier: tuple[Credential, ...] = ()
    trying: int = 0
    pending_until: float = NEVER
    refusal_told: bool = False
    unsaved: bool = False
    saving: int = 0
    asking: frozenset[str] = frozenset()
    serial: int = 0
    hurried_at: float = NEVER
    last_page: float = NEVER
    last_late: float = NEVER
    last_new_order: float = NEVER
    late_heard: frozenset[str] = frozenset()
    late_unheard: frozenset[str] = frozenset()
    down_since: float | None = None
    asked: str | None = None
    pressed_at: float = NEVER
    stuck: bool = False
    turned_to: ScreenId = ScreenId.MAIN
    turned_until: float = NEVER
    last_activity: float = float("inf")
    woke_display: bool = False
    display: DisplayIdentity | None = None
    update: UpdateStatus = NO_UPDATE
    update_since: float = NEVER
    requested_until: float = NEVER
    backup: BackupStatus | None = None
    backup_since: float = NEVER
    backup_requested_until: float = NEVER
    erase: Erase | None = None
    erase_requested_until: float = NEVER
    history_syncs: tuple[float, ...] = ()

    @property
    def held(self) -> tuple[Credential, ...]:
        """Every token on flash or in memory, in the order in which they are tried."""
        return tuple(one for one in (self.pending, *self.earlier, self.current) if one is not None)

    @property
    def credential(self) -> Credential | None:
        """The token in force."""
        return self.held[self.trying] if self.held else None

    def with_token(self, current: Credential | None) -> World:
        """The same with this proven token, or none, and without unproven ones."""
        return replace(self, current=current, pending=None, earlier=(), trying=0, pending_until=NEVER)


@dataclass(frozen=True, slots=True)
class Discovering:
    """No gateway in sight, and none paired."""

    world: World
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitingPairing:
    """A gateway is in sight and there is no valid token.

    link: the attempt under way to connect with a refused token, or None.
    """

    world: World
    reason: str | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A token that waits until a person confirms its gateway."""

    gateway: Gateway
    token: Token


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairing window is open until `ends`.

    asked: every gateway that was a candidate in this window. since: when each silent one was asked. answers: the last
    answer of each. turns: the index of the address to ask. offers: tokens that arrived while there were several
    candidates; the first is on the screen. declined: the gateways that a person declined.
    """

    world: World
    attempt: int
    ends: float
    asked: frozenset[str] = frozenset()
    since: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    answers: Mapping[str, Denial] = field(default_factory=lambda: MappingProxyType({}))
    turns: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    offers: tuple[Offer, ...] = ()
    declined: frozenset[str] = frozenset()


class Phase(Enum):
    """The step towards a live feed that is under way."""

    WAITING = auto()
    STORING = auto()
    RESOLVING = auto()
    OPENING = auto()
    CHECKING = auto()
    PROMOTING = auto()
    PROVING = auto()


@dataclass(frozen=True, slots=True)
class Link:
    """The connection attempt: the step under way, and what remains of the last feed.

    gateway: the paired one as last resolved. trusted_until: until when its last address may be tried although its name
    does not resolve. attempt: the number of the step under way. failures: since the last feed that lived for some
    seconds. died_young: the last live feed did not, so the next one is not shown before it has. turn: the index of the
    address to try. new_pairing: the token comes from a pairing of a moment ago. paged: the uuids of paged orders that
    have not sounded yet. book: the orders as last known, which are never shown. whole_at: when the open feed sent the
    whole set. doubt: the book may be wrong.

    other_way: the token is sent in the way that did not work so far (see `Credential.header`). refusals: how often HTTP
    refused it after a feed that closed without a word.
    """

    gateway: Gateway | None
    phase: Phase = Phase.WAITING
    attempt: int = 0
    trusted_until: float = NEVER
    failures: int = 0
    died_young: bool = False
    turn: int = 0
    new_pairing: bool = False
    paged: tuple[str, ...] = ()
    book: OrderBook = field(default_factory=OrderBook)
    whole_at: float = NEVER
    doubt: bool = False
    other_way: bool = False
    refusals: int = 0

    @property
    def address(self) -> Address | None:
        """The address of this attempt, or of the last one."""
        if self.gateway is None:
            return None
        return self.gateway.addresses[self.turn % len(self.gateway.addresses)]


@dataclass(frozen=True, slots=True)
class Connecting:
    """There is a token, its gateway is in sight, and the feed is not live yet."""

    world: World
    link: Link


@dataclass(frozen=True, slots=True)
class Offline:
    """A feed should be live and is not. since: when that began. why: the failure of the last attempt."""

    world: World
    link: Link
    since: float
    why: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Orders that were paged just now. uuids: the latest first. until: when the count comes back."""

    uuids: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True)
class Connected:
    """The feed is live, and its count is true.

    feed: its number. since: when the first one opened. failures: as in `Link`. seq: the last notification's number.
    stale_at: when the count expires unless a whole set arrives.

    A *look* at the whole set is a second feed to the same address. looking: its number while it opens, or 0.
    last_look: when the last one was opened. doubted_at: since when the count may be wrong, or None. suspects: whatever
    since the last whole set may have ended an order: types and words of an unknown meaning, and gaps in `seq`.
    vain_looks: for each suspect, the looks in a row that found nothing missing. lost: the first feed closed while a
    second one opens. late_at: when the next order becomes late, or a late sound that waits may start.

    last_heard: when the feed last sent or answered anything. alert: the last page, shown or over. repeats: how often
    its sound may still repeat while nobody answers it. welcome_until: how long the display says "Paired".
    history_sync: the number of the history sync under way, or 0.
    """

    world: World
    gateway: Gateway
    address: Address
    feed: int
    book: OrderBook
    stale_at: float
    since: float = NEVER
    failures: int = 0
    seq: int | None = None
    looking: int = 0
    last_look: float = NEVER
    doubted_at: float | None = None
    suspects: frozenset[str] = frozenset()
    vain_looks: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    lost: bool = False
    late_at: float | None = None
    last_heard: float = NEVER
    alert: Alert | None = None
    repeats: int = 0
    welcome_until: float = NEVER
    history_sync: int = 0

    def alerted(self, now: float) -> Alert | None:
        """The page that replaces the count at `now`, in monotonic seconds."""
        return self.alert if self.alert is not None and now < self.alert.until else None


State = Discovering | AwaitingPairing | Pairing | Connecting | Connected | Offline
Disconnected = Connecting | Offline

NAMES: Mapping[type[State], str] = MappingProxyType(
    {
        Discovering: "discovering",
        AwaitingPairing: "awaiting_pairing",
        Pairing: "pairing",
        Connecting: "connecting",
        Connected: "connected",
        Offline: "offline",
    }
)
"""The name of each state outside the program."""
