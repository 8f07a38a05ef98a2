"""The states of the appliance, each carrying its own data, and the world that is known in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from appliance.core.events import Denial
from appliance.core.orders import OrderBook
from appliance.core.values import Address, Benchmarks, Board, Credential, Gateway, Mistake, PanelSettings, Token

NEVER = -math.inf


class ScreenId(Enum):
    """What the display shows of a state; a short press turns from one to the next."""

    MAIN = auto()
    OLDEST = auto()
    TODAY = auto()
    SETTINGS = auto()
    BOX = auto()
    GATEWAY = auto()
    LED_LEGEND = auto()


@dataclass(frozen=True, slots=True)
class World:
    """What is known whatever the state. Times are monotonic seconds.

    fixed_address: the settings name the gateway's address, so mDNS and own addresses decide nothing.
    addresses: this box's own, or None before the first look. gateways: those in sight, by name. heard: whose name was
    last announced at an address, in sight or not.
    current: the token that was proven, or was on flash. pending: one that is not proven yet, and is tried first.
    unsaved: the token in force is not on flash. saving: the number of the
    write under way. asking: gateways that have not answered a request for a token yet; each is asked one at a time.
    serial: the last number given to an attempt. last_page: when the page sound last started. mistakes: what the
    settings file has that can't be used.

    Of the button: down_since: when it went down, while it is down and may still mean something. asked: what the display
    asked at that moment. pressed_at: when it last went down. stuck: it has been down for longer than any hand would
    hold it.
    Of the display: turned_to: the screen a press turned to, shown until turned_until. stirred: when anything last
    happened that a person would look up for; infinity before the start is over. woken: the press that is under way
    woke the display, and does no more.
    Of the archive: kept: when it was last asked to be brought up to date, the latest last; those of the last hour.
    """

    benchmarks: Benchmarks = field(default_factory=Benchmarks)
    settings: PanelSettings = field(default_factory=PanelSettings)
    version: str = ""
    mistakes: tuple[Mistake, ...] = ()
    board: Board = field(default_factory=Board)
    fixed_address: bool = False
    addresses: tuple[str, ...] | None = None
    gateways: Mapping[str, Gateway] = field(default_factory=lambda: MappingProxyType({}))
    heard: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))
    current: Credential | None = None
    pending: Credential | None = None
    unsaved: bool = False
    saving: int = 0
    asking: frozenset[str] = frozenset()
    serial: int = 0
    last_page: float = NEVER
    down_since: float | None = None
    asked: str | None = None
    pressed_at: float = NEVER
    stuck: bool = False
    turned_to: ScreenId = ScreenId.MAIN
    turned_until: float = NEVER
    stirred: float = math.inf
    woken: bool = False
    kept: tuple[float, ...] = ()

    @property
    def credential(self) -> Credential | None:
        """The token in force: a pending one is tried first."""
        return self.pending or self.current


@dataclass(frozen=True, slots=True)
class Discovering:
    """No gateway in sight, and none paired."""

    world: World
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitingPairing:
    """A gateway is in sight and there is no good token.

    attempt: the number of the check under way of a token that was refused, or 0.
    """

    world: World
    reason: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A token that waits for a person to say that its gateway is the right one."""

    gateway: Gateway
    token: Token


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairing window is open until `ends`.

    asked: every gateway that was a candidate in this window. since: when each that has not answered yet was asked.
    answers: the last answer of each. turns: which of its addresses is asked. offers: tokens that came while there were
    several candidates, the first of them on the screen. declined: the gateways that a person said no to.
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
    """Which step towards a live feed is under way."""

    WAITING = auto()
    STORING = auto()
    RESOLVING = auto()
    OPENING = auto()
    CHECKING = auto()
    PROMOTING = auto()


@dataclass(frozen=True, slots=True)
class Link:
    """The way to a live feed: what is under way, and what is remembered of the last one.

    gateway: the paired one as last resolved. trusted_until: until when its last address may be tried although nobody
    answers for the name. attempt: the number of the step under way. failures: since the last live feed. turn: which of
    the addresses is tried. fresh: the token comes from a pairing that was only just made. paged: the uuids of orders
    that were paged and have not sounded yet. book: the orders as last known, which is never shown. whole_at: when a
    feed that is open told the whole set.
    """

    gateway: Gateway | None
    phase: Phase = Phase.WAITING
    attempt: int = 0
    trusted_until: float = NEVER
    failures: int = 0
    turn: int = 0
    fresh: bool = False
    paged: tuple[str, ...] = ()
    book: OrderBook = field(default_factory=OrderBook)
    whole_at: float = NEVER

    @property
    def address(self) -> Address | None:
        """The address that is tried, or was last."""
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
    """There had been a feed, or should be one. since: from when on. why: what the last attempt met."""

    world: World
    link: Link
    since: float
    why: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Orders that were paged just now. uuids: the latest first. until: how long they take the place of the count."""

    uuids: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True)
class Connected:
    """The feed is live, and its count is true.

    feed: its number. seq: the last notification's number. stale_at: when the count is no longer to be believed unless
    the whole set came again. looking: the number of a second feed that is being opened, or 0. look_address: where.
    last_look: when one was last opened. gap, doubt: why another look is wanted: a gap in `seq`, or something that `seq`
    has no part in. vain: how many gaps in a row turned out to hide nothing. lost: the first feed closed while a second
    one opens. late_at: when the next order becomes late.

    heard: when the feed last told or answered anything. alert: what was paged last, shown or over. repeats: how often
    its sound may still be repeated while nobody answers it. welcome_until: how long it is said that the box is paired.
    filling: the number of the archive's filling that is under way, or 0.
    """

    world: World
    gateway: Gateway
    address: Address
    feed: int
    book: OrderBook
    stale_at: float
    seq: int | None = None
    looking: int = 0
    look_address: Address | None = None
    last_look: float = NEVER
    gap: bool = False
    doubt: bool = False
    vain: int = 0
    lost: bool = False
    late_at: float | None = None
    heard: float = NEVER
    alert: Alert | None = None
    repeats: int = 0
    welcome_until: float = NEVER
    filling: int = 0

    def alerted(self, now: float) -> Alert | None:
        """What was paged and takes the place of the count at `now`; monotonic seconds."""
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
"""What each state is called outside the program."""
