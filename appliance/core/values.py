"""The nouns of the field as immutable values: addresses, gateways, tokens and orders.

Everything here is compared by value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from appliance.core.limits import LONGEST_TOKEN

CLEARED = "cleared"
"""The state of an order that is delivered (gateway API, orders)."""
ON_PREMISE, TO_GO = "ON_PREMISE", "TO_GO"
"""The order types: a guest who sits down, and one who takes the order away (gateway API, orders)."""

HTTP_PORT = 8000
"""The gateway's port where its address was typed in by hand (vendor's quickstart); else the SRV record names it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway answers: an IP address (IPv6 link-local ones with their scope) or a host name, and a TCP port."""

    host: str
    port: int = HTTP_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway in sight.

    name: its DNS-SD instance name, the only identity that survives a change of address, or `host:port` where the
        address was typed in.
    addresses: where it may answer, the best first; never empty.
    """

    name: str
    addresses: tuple[Address, ...]


class Token:
    """An access token, which never shows itself: `repr`, `str` and formatting hide it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @staticmethod
    def is_valid(text: str) -> bool:
        """Whether a text can be sent as a token: an HTTP header gives spaces and line ends a meaning."""
        return 0 < len(text) <= LONGEST_TOKEN and all("!" <= character <= "~" for character in text)

    def reveal(self) -> str:
        """The secret itself, for the wire and for flash; for nothing else."""
        return self._text

    def hidden(self, words: str) -> str:
        """Somebody's words as they may be logged: without this token, which a gateway knows and may repeat."""
        return words.replace(self._text, "(token)")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Token(…)"

    def __iter__(self) -> Iterator[str]:
        raise TypeError("a token is not to be taken apart; use reveal()")


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and the name of the one gateway that it may be sent to."""

    gateway: str
    token: Token


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the gateway tells it (gateway API, active orders).

    uuid: opaque identity. name: the tracker's number, which is re-used. order_type: `ON_PREMISE`, `TO_GO` or whatever a
    newer gateway says. location: the table, or "" until located. state: `started`, `located`, `cleared` or newer.
    created, changed: the gateway's local time in seconds since an arbitrary day, without a zone; None where unusable.
    elapsed: seconds, often 0 whatever the age; None where unusable.
    """

    uuid: str
    name: str = ""
    order_type: str = ""
    location: str = ""
    state: str = "started"
    paged: bool = False
    created: float | None = None
    changed: float | None = None
    elapsed: float | None = None

    @property
    def active(self) -> bool:
        """A cleared order is delivered and no longer active; any other state, known or not, is."""
        return self.state != CLEARED


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Orders of a whole set that can't be read, and are active all the same: their number is all that is shown of them.

    uuids: of those that have one that can be read. nameless: how many have none.
    """

    uuids: frozenset[str] = frozenset()
    nameless: int = 0

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.uuids) + self.nameless


NONE_UNREADABLE = Unreadable()
"""Every order of a set can be read."""


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The restaurant's times, in seconds of an order's age.

    warn_after, late_after: the vendor's order screen turns yellow at the first and red at the second.
    forget_after: an order that nobody cleared by then (a lost tracker) still counts but alarms no more.
    """

    warn_after: float = 180.0
    late_after: float = 300.0
    forget_after: float = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """How the panel is to behave.

    dim_after: seconds without an order and without anything else happening, after which the display is dimmed.
    sleep_after: the same, after which it is dark; infinity for never. repeat_pages: sound an unanswered page again.
    """

    dim_after: float = 600.0
    sleep_after: float = 4 * 3600.0
    repeat_pages: bool = False


class Card(Enum):
    """What the system has found of the card, where settings, pairing and archive are, and the system itself."""

    SOUND = auto()
    RESET = auto()
    """It was beyond repair: what was kept is gone, but for a pairing that could still be read."""
    BROKEN = auto()
    """The settings or a part of the system can't be read, or nothing can be kept on it: what is learnt is gone then."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the board tells of itself; None where it does not.

    temperature: of the processor, in degrees Celsius. weak_power: whether the supply's voltage is too low at this
    moment. was_weak: whether it was so since the board was switched on. card: what was found of it since then.
    """

    temperature: float | None = None
    weak_power: bool | None = None
    was_weak: bool | None = None
    card: Card = Card.SOUND


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in the settings file that can't be used, and is left out. line: from 1, or None; key: dotted, or None.

    text: what is wrong, and what it must be, in words that follow the key.
    """

    line: int | None
    key: str | None
    text: str
