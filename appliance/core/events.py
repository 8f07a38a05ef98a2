"""What happened, as facts in the past tense. The machine is told of nothing else.

Every event that answers an effect carries that effect's number, so that an answer that comes too late is known as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.core.day_stats import DeliveryStats, GatewayStats
from appliance.core.values import NONE_UNREADABLE, Board, Credential, Gateway, Order, Token, Unreadable


@dataclass(frozen=True, slots=True)
class TokensLoaded:
    """What flash held at start. damaged: there was a file that could not be read, and it was put aside."""

    current: Credential | None
    pending: Credential | None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """This box's own addresses, now; empty without a network."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayFound:
    """A gateway was announced, or announced with other addresses than before."""

    gateway: Gateway


@dataclass(frozen=True, slots=True)
class GatewayLost:
    """A gateway's announcement ended. A hint only: it may well be there still."""

    name: str


@dataclass(frozen=True, slots=True)
class GatewayResolved:
    """The paired gateway's name was asked for afresh, past every cache, and answered."""

    attempt: int
    gateway: Gateway


@dataclass(frozen=True, slots=True)
class GatewayUnresolved:
    """The paired gateway's name was asked for afresh and nobody answered."""

    attempt: int


class Denial(StrEnum):
    """Why a gateway gave no token."""

    NOT_PRESSED = "gateway button not pressed"
    UNREACHABLE = "gateway unreachable"
    REFUSED = "gateway refused"


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """A gateway answered 201. It will never show this token again, so this event is never stale."""

    attempt: int
    gateway: Gateway
    token: Token


@dataclass(frozen=True, slots=True)
class TokenDenied:
    """A request for a token ended without one."""

    attempt: int
    gateway: str
    why: Denial


@dataclass(frozen=True, slots=True)
class TokenAccepted:
    """A secured GET took the token."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """A feed or a secured GET said that the token is not, or no longer, good (returnCode -2, HTTP 401 or 403)."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenUnchecked:
    """A secured GET told nothing of the token: no answer, or another error."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenStored:
    """A write of the token is on flash."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TokenNotStored:
    """A write of the token failed (disk full, read-only or broken); it lives in memory alone."""

    attempt: int


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """ORDER_CREATED and ORDER_MODIFIED: the order as it is now.

    created: whether the gateway called the order new. seq: the notification's number, where it had one.
    """

    order: Order
    created: bool = False
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPaged:
    """ORDER_PAGED: the order as it is now, told apart because its tracker was paged."""

    order: Order
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OrdersReplaced:
    """ACTIVE_ORDERS: the whole set. unreadable: what of it can't be read, and is not among the orders."""

    orders: tuple[Order, ...]
    unreadable: Unreadable = NONE_UNREADABLE


@dataclass(frozen=True, slots=True)
class MessageUnusable:
    """A message that could not be read, or an order that could not be used; its number is read all the same."""

    seq: int | None = None


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A well-formed message of a type that we don't know, which still takes its number."""

    seq: int | None = None
    kind: str = ""


Notification = OrdersReplaced | OrderChanged | OrderPaged | MessageUnusable | MessageIgnored
"""What a feed's message may say."""


@dataclass(frozen=True, slots=True)
class FeedOpened:
    """A feed is live: its token was taken and the whole set came. unreadable: as in OrdersReplaced."""

    attempt: int
    orders: tuple[Order, ...]
    unreadable: Unreadable = NONE_UNREADABLE


@dataclass(frozen=True, slots=True)
class FeedNotified:
    """Messages of a live feed, in the order of their arrival; several at once where they came in a burst."""

    attempt: int
    notifications: tuple[Notification, ...]


class FeedFailure(StrEnum):
    """Why a feed ended, as far as it bears on what to do next."""

    UNREACHABLE = "gateway unreachable"
    """Nothing answered, or the line went silent."""
    CLOSED = "feed closed"
    """The gateway ended a feed that had been live, or said that it can't serve one now."""
    CLOSED_EARLY = "feed closed before the orders came"
    """Closed without a word after the token was sent: a refused token, or a gateway that is half booted."""
    TOO_MUCH = "more than can be held"
    """The whole set is larger than what is taken (see limits)."""


@dataclass(frozen=True, slots=True)
class FeedLost:
    """A feed, live or still opening, ended."""

    attempt: int
    why: FeedFailure


@dataclass(frozen=True, slots=True)
class FeedAnswered:
    """A live feed answered a ping: it is there, whether or not it has anything to tell."""

    attempt: int


@dataclass(frozen=True, slots=True)
class ButtonDown:
    """The button went down and stayed down for the debounce time."""


@dataclass(frozen=True, slots=True)
class ButtonUp:
    """The button came up again."""


@dataclass(frozen=True, slots=True)
class ButtonStuck:
    """The button is down and was never seen to go down: it was so at the start, and counts once it came up."""


@dataclass(frozen=True, slots=True)
class BoardRead:
    """What the board tells of itself, now."""

    board: Board


@dataclass(frozen=True, slots=True)
class HistorySynced:
    """The archive is up to date; figures and uuids are of one day (as in `DayStats`; None where the archive is empty).

    measured: the uuids of which it holds what this box saw. gateway: what the gateway itself says of today.
    """

    attempt: int
    day: int | None
    figures: DeliveryStats
    uuids: frozenset[str]
    measured: frozenset[str]
    gateway: GatewayStats | None = None


@dataclass(frozen=True, slots=True)
class HistorySyncFailed:
    """The archive could not be brought up to date this time; the log says why."""

    attempt: int


class Timer(StrEnum):
    """The timers that the machine may start. Each runs once; starting it again moves it."""

    ASK = "ask for a token"
    WINDOW = "pairing window"
    RETRY = "try again"
    REFRESH = "whole set again"
    STALE = "whole set overdue"
    SAVE = "save the token"
    LATE = "an order becomes late"
    STUCK = "button is stuck"
    REPEAT = "page again"
    HISTORY = "sync the history"


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that the machine started ran out."""

    timer: Timer


Event = (
    TokensLoaded
    | NetworkChanged
    | GatewayFound
    | GatewayLost
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
    | HistorySynced
    | HistorySyncFailed
    | TimerFired
)


@dataclass(frozen=True, slots=True)
class ButtonTapped:
    """A short press, which the machine recognises when the button comes up. The panel never sends it."""
