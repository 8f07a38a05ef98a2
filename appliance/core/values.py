"""The domain's nouns as immutable values: addresses, gateways, tokens and orders.

Everything here is compared by value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from appliance.core.limits import LONGEST_TOKEN

STARTED, LOCATED, CLEARED = "started", "located", "cleared"
"""The states of an order: its tracker touched the starter, lies on a tagged table, touched the clearing unit (gateway
API, orders)."""
STATES = frozenset({STARTED, LOCATED, CLEARED})
ON_PREMISE, TO_GO = "ON_PREMISE", "TO_GO"
"""The order types: a guest at a table, and a takeaway (gateway API, orders)."""
ORDER_TYPES = frozenset({ON_PREMISE, TO_GO})

HTTP_PORT = 8000
"""The gateway's port if the settings name an address without one (vendor's quickstart); mDNS has SRV records."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway answers: an IP address (IPv6 link-local ones with their scope) or a host name, and a TCP port."""

    host: str
    port: int = HTTP_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Interfaces:
    """This box's network interfaces.

    missing: those that the settings name and the box does not have. present: those that it has instead, if any is
    missing. plugged: whether one that it may use has a cable, or has joined a Wi-Fi, and none has an address.
    """

    missing: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    plugged: bool = False


NO_INTERFACE = Interfaces()
"""Nothing is missing, or nothing is known."""


def is_link_local(host: str) -> bool:
    """Whether a host is an address that its owner gave itself, for its own network only (RFC 3927, RFC 4291)."""
    return host.lower().startswith(("169.254.", "fe80:"))


def name_key(name: str) -> str:
    """The form in which two spellings of one name are equal: neither case nor the composition of letters matters.

    DNS folds the case of ASCII letters only; here that of all letters is folded, because people type names.
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


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
        """The secret itself: for the wire and for flash only."""
        return self._text

    def hidden(self, words: str) -> str:
        """A text that is safe to log: a gateway knows its token and may repeat it."""
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
    """A token, and the name of the only gateway that it may be sent to.

    header: whether the gateway takes it from the header of a feed's handshake; otherwise from the first message.
    """

    gateway: str
    token: Token
    header: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the gateway sends it (gateway API, active orders).

    uuid: opaque identity. name: the tracker's number, which is re-used. order_type: one of ORDER_TYPES, or whatever a
    newer gateway says. location: the table, or "" until located. state: one of STATES, or another word in lower case.
    created, changed: the gateway's local time in seconds since an arbitrary day, without a zone; None where unusable.
    elapsed: seconds, often 0 whatever the age; None where unusable.
    """

    uuid: str
    name: str = ""
    order_type: str = ""
    location: str = ""
    state: str = STARTED
    paged: bool = False
    created: float | None = None
    changed: float | None = None
    elapsed: float | None = None

    @property
    def active(self) -> bool:
        """Whether the order is not cleared. An order of an unknown state is active."""
        return self.state != CLEARED


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The unreadable orders of a whole set. They are active, so they count, but nothing else is known of them.

    uuids: the uuids that could be read. nameless: the number of orders without a readable uuid. unlisted: the number of
    orders that the gateway counted and did not list.
    """

    uuids: frozenset[str] = frozenset()
    nameless: int = 0
    unlisted: int = 0

    @property
    def count(self) -> int:
        """The number of unreadable orders."""
        return len(self.uuids) + self.nameless + self.unlisted


NONE_UNREADABLE = Unreadable()
"""Every order of the set is readable."""


@dataclass(frozen=True, slots=True)
class ToGoBenchmarks:
    """Ages of an order to go, in seconds, as in `Benchmarks`; None: the same as for all orders."""

    warn_after: float | None = None
    late_after: float | None = None


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The restaurant's times, in seconds: ages of an order, and when its business day ends.

    warn_after, late_after: the vendor's order screen turns yellow at the first and red at the second.
    forget_after: an order that is not cleared by then (a lost tracker) still counts, but raises no alarm.
    day_ends: after midnight. to_go: of orders to go, where they differ.
    """

    warn_after: float = 180.0
    late_after: float = 300.0
    forget_after: float = 3 * 3600.0
    day_ends: float = 0.0
    to_go: ToGoBenchmarks = ToGoBenchmarks()

    def warn_after_of(self, order_type: str) -> float:
        """The age at which an order of this type gets old."""
        own = self.to_go.warn_after if order_type == TO_GO else None
        return self.warn_after if own is None else own

    def late_after_of(self, order_type: str) -> float:
        """The age at which an order of this type is late."""
        own = self.to_go.late_after if order_type == TO_GO else None
        return self.late_after if own is None else own


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """Settings of the panel.

    dim_after: seconds without an order or any other activity until the display dims. sleep_after: the same until it
    turns dark; infinity for never. repeat_pages: repeat the sound of an unanswered page. sounds: those that are
    switched on, by the names of `view.Sound`. late_every: the least seconds between two sounds of late orders.
    leds: the box has LEDs.
    """

    dim_after: float = 600.0
    sleep_after: float = 4 * 3600.0
    repeat_pages: bool = False
    sounds: frozenset[str] = frozenset({"page", "paired", "error", "late"})
    late_every: float = 60.0
    leds: bool = True


class Card(Enum):
    """The condition of the SD card, which holds the system, the settings, the pairing and the archive."""

    SOUND = auto()
    RESET = auto()
    """The state partition could not be repaired and was formatted; only a readable pairing was kept."""
    BROKEN = auto()
    """The settings or the system are unreadable, or the card can't be written: new data is lost at power-off."""


@dataclass(frozen=True, slots=True)
class Board:
    """The board's own readings; None for those it does not give.

    temperature: of the processor, in degrees Celsius. weak_power: whether the supply voltage is too low now. was_weak:
    whether it was too low at any time since power-on. card: the worst condition found since then.
    """

    temperature: float | None = None
    weak_power: bool | None = None
    was_weak: bool | None = None
    card: Card = Card.SOUND


@dataclass(frozen=True, slots=True)
class Mistake:
    """An invalid setting, which is left out. line: from 1, or None. key: dotted, or None.

    text: what is wrong and what it must be, to be read after the key.
    """

    line: int | None
    key: str | None
    text: str


SSD1306, SH1106 = "ssd1306", "sh1106"
"""The drivers that a display may be detected to need. They differ in the first visible column: 0 or 2."""


@dataclass(frozen=True, slots=True)
class DisplayIdentity:
    """A connected display. address: on the I2C bus. driver: draws on it.

    found: the driver that the detection chose; None if the settings name one. raw: the bytes that the display answered
    to the detection, in hexadecimal.
    """

    address: int
    driver: str
    found: str | None = None
    raw: str = ""

    def is_same(self, other: DisplayIdentity | None) -> bool:
        """Whether another display has the same address and was detected alike; the bytes may vary."""
        return other is not None and (self.address, self.found) == (other.address, other.found)

    def is_to_be_redrawn(self, chosen: DisplayIdentity | None) -> bool:
        """Whether a person chose another driver for this display."""
        return chosen is not None and self.is_same(chosen) and self.driver != chosen.driver

    @property
    def other_driver(self) -> str | None:
        """The driver to try if the picture is shifted; None if the settings name the driver."""
        return None if self.found is None else SH1106 if self.driver == SSD1306 else SSD1306
