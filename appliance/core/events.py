"""Events: facts in the past tense, and the machine's only input.

An event that answers an effect carries the effect's number, so that the machine can drop a stale answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.core.backups import BackupStatus
from appliance.core.day_stats import DeliveryStats, GatewayStats
from appliance.core.notifications import Notification
from appliance.core.timers import Timer
from appliance.core.updates import UpdateStatus
from appliance.core.values import (
    NO_INTERFACE,
    NONE_UNREADABLE,
    Board,
    Credential,
    DisplayIdentity,
    Gateway,
    Interfaces,
    Order,
    Token,
    Unreadable,
)


@dataclass(frozen=True, slots=True)
class TokensLoaded:
    """The tokens on flash at start. earlier: as in `World`. damaged: a file was unreadable and was put aside."""

    current: Credential | None
    pending: Credential | None
    damaged: bool = False
    earlier: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """This box's addresses or interfaces changed. addresses: the best first; none without a network."""

    addresses: tuple[str, ...]
    interfaces: Interfaces = NO_INTERFACE


@dataclass(frozen=True, slots=True)
class GatewayFound:
    """A gateway was announced, or its addresses changed."""

    gateway: Gateway


@dataclass(frozen=True, slots=True)
class GatewayLost:
    """A gateway's announcement ended. A hint only: the gateway may still be reachable."""

    name: str


@dataclass(frozen=True, slots=True)
class HostUnresolved:
    """The host name that the settings give as the gateway's address could not be resolved."""

    host: str


@dataclass(frozen=True, slots=True)
class GatewayResolved:
    """The paired gateway's name was resolved without any cache."""

    attempt: int
    gateway: Gateway


@dataclass(frozen=True, slots=True)
class GatewayUnresolved:
    """The paired gateway's name was queried without any cache; no answer came."""

    attempt: int


class Denial(StrEnum):
    """Why a gateway issued no token."""

    NOT_PRESSED = "gateway button not pressed"
    UNREACHABLE = "gateway unreachable"
    REFUSED = "gateway refused"
    UNREADABLE = "unreadable answer"


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """A gateway answered 201. It never shows this token again, so this event is never stale."""

    attempt: int
    gateway: Gateway
    token: Token


@dataclass(frozen=True, slots=True)
class TokenDenied:
    """A token request ended without a token."""

    attempt: int
    gateway: str
    why: Denial


@dataclass(frozen=True, slots=True)
class TokenAccepted:
    """The gateway accepted the token in a secured GET."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """The gateway refused the token that it got on a feed or in a secured GET (returnCode -2, HTTP 401 or 403)."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenUnchecked:
    """A secured GET proved nothing about the token: no answer, or another error."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenStored:
    """A token was written to flash."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenNotStored:
    """A token could not be written (disk full, read-only or broken); it exists in memory only."""

    attempt: int


@dataclass(frozen=True, slots=True)
class FeedOpened:
    """A feed is live: the gateway accepted the token and sent the whole set.

    unreadable: as in OrdersReplaced. header: the gateway took the token from the header of the handshake.
    """

    attempt: int
    orders: tuple[Order, ...]
    unreadable: Unreadable = NONE_UNREADABLE
    header: bool = False


@dataclass(frozen=True, slots=True)
class FeedNotified:
    """Messages of a live feed, in order of arrival; several at once after a burst."""

    attempt: int
    notifications: tuple[Notification, ...]


class FeedFailure(StrEnum):
    """Why a feed ended, as far as the next step depends on it."""

    UNREACHABLE = "gateway unreachable"
    """Nothing answered, or the line went silent."""
    CLOSED = "feed closed"
    """The gateway closed a live feed, or said that it can't serve one now."""
    CLOSED_EARLY = "feed closed before the orders came"
    """Closed without a message after the token was sent: a refused token, or a gateway that is still booting."""
    UNAUTHORIZED = "handshake without a token refused"
    """The gateway wants the token in the header of the handshake (HTTP 401 or 403)."""
    UNREADABLE = "unreadable answer"
    """Something answered, but not as a gateway does; the log says what."""
    SILENT = "no orders"
    """The gateway opened the feed, and sent no orders."""
    TOO_MUCH = "more than can be held"
    """The whole set exceeds our limits (see `limits`)."""


@dataclass(frozen=True, slots=True)
class FeedLost:
    """A feed, live or still opening, ended."""

    attempt: int
    why: FeedFailure


@dataclass(frozen=True, slots=True)
class FeedAnswered:
    """A live feed answered a ping."""

    attempt: int


@dataclass(frozen=True, slots=True)
class ButtonDown:
    """The button went down and stayed down for the debounce time."""


@dataclass(frozen=True, slots=True)
class ButtonUp:
    """The button came up again."""


@dataclass(frozen=True, slots=True)
class ButtonStuck:
    """The button has been down since the start. It counts again once it has come up."""


@dataclass(frozen=True, slots=True)
class BoardRead:
    """The board's own readings changed."""

    board: Board


@dataclass(frozen=True, slots=True)
class DisplayIdentified:
    """A display was set up: at the start, after it was plugged in, or with another driver."""

    display: DisplayIdentity


@dataclass(frozen=True, slots=True)
class UpdateChanged:
    """The status of the box's update changed."""

    update: UpdateStatus


@dataclass(frozen=True, slots=True)
class BackupChanged:
    """The status of the box's copies changed, or was read for the first time."""

    backup: BackupStatus


@dataclass(frozen=True, slots=True)
class HistoryRequested:
    """Somebody wants a report, and so the archive up to date now."""


@dataclass(frozen=True, slots=True)
class HistorySynced:
    """The archive is up to date. figures, uuids: of one day (as in `DayStats`; None if the archive is empty).

    measured: the uuids of orders that the archive holds with this box's own times. gateway: the gateway's own figures.
    unreadable: entries of the gateway's history that could not be read.
    """

    attempt: int
    day: int | None
    figures: DeliveryStats
    uuids: frozenset[str]
    measured: frozenset[str]
    gateway: GatewayStats | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class HistorySyncFailed:
    """The archive could not be brought up to date. why: for whoever requested it; the log says it, too."""

    attempt: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out."""

    timer: Timer


Event = (
    TokensLoaded
    | NetworkChanged
    | GatewayFound
    | GatewayLost
    | HostUnresolved
    | GatewayResolved
    | GatewayUnresolved
    | TokenIssued
    | TokenDenied
    | TokenAccepted
    | TokenRefused
    | TokenUnchecked
    | TokenStored
    | TokenNotStored
    | FeedOpened
    | FeedNotified
    | FeedLost
    | FeedAnswered
    | ButtonDown
    | ButtonUp
    | ButtonStuck
    | BoardRead
    | DisplayIdentified
    | UpdateChanged
    | BackupChanged
    | HistoryRequested
    | HistorySynced
    | HistorySyncFailed
    | TimerFired
)


@dataclass(frozen=True, slots=True)
class ButtonTapped:
    """A short press, which the machine recognises when the button comes up. The panel never sends it."""
