"""What the panel is to show, light and sound: words, shapes and levels, still without a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from appliance.core import texts


class LedMode(StrEnum):
    """What one LED does. Slow is about one blink a second, fast about four."""

    OFF = "off"
    ON = "on"
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Leds:
    """The three lights, in the order in which they are mounted."""

    green: LedMode = LedMode.OFF
    amber: LedMode = LedMode.OFF
    red: LedMode = LedMode.OFF


class Sound(StrEnum):
    """Why the buzzer sounds. A sound is an edge: it starts once, at a moment, and is never part of a View."""

    PAGE = "page"
    PAIRED = "paired"
    ERROR = "error"
    LATE = "late"


class Mark(Enum):
    """How an order stands against the benchmarks: a shape on the display, beside the colour of a LED."""

    FINE = auto()
    WARN = auto()
    LATE = auto()


class RemarkKind(Enum):
    """What a remark on the count screen is about, each with a small shape of its own."""

    LATE = auto()
    PAGED = auto()
    TO_GO = auto()
    OLD = auto()
    UNREADABLE = auto()


class Icon(Enum):
    """The picture beside a message, which says the same as its words do."""

    STARTING = auto()
    SEARCH = auto()
    PRESS_HERE = auto()
    PRESS_GATEWAY = auto()
    PAIRED = auto()
    CONNECTING = auto()
    OFFLINE = auto()
    NO_NETWORK = auto()
    WARNING = auto()
    STOPPING = auto()


class Size(Enum):
    """How large a line of a message is drawn; what the drawing makes of it depends on the display."""

    SMALL = auto()
    MEDIUM = auto()
    HUGE = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words in a message; never empty.

    spare: 0 for words that are needed; others are left out where there is no room for all, the highest first.
    """

    text: str
    size: Size = Size.SMALL
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A few words from top to bottom, a picture beside them, and a bar under them.

    bar: how much is left, from 1.0 down to 0.0, or None for no bar. It is drawn beside the number that stands for it.
    """

    lines: tuple[Line, ...]
    bar: float | None = None
    icon: Icon | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return tuple(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something remarkable in the count, such as `3 late`."""

    sign: RemarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """The screen that the box is there for.

    count: the active orders, in digits; the drawing may shorten it to 9,999+. noun: `order` or `orders`. oldest: the
    oldest order's age, such as `7 min` or `≥7 min`, empty where there is none. mark: how that order stands against the
    benchmarks. remarks: the most urgent first. note: what is wrong although the count is right; empty for nothing.
    """

    count: str
    noun: str
    oldest: str = ""
    mark: Mark = Mark.FINE
    remarks: tuple[Remark, ...] = ()
    note: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        what = "  ".join((self.noun, *(remark.text for remark in self.remarks)))
        return tuple(
            filter(None, (self.count, what, texts.OLDEST_AGE.format(age=self.oldest) if self.oldest else "", self.note))
        )


@dataclass(frozen=True, slots=True)
class Paged:
    """An order was paged just now; drawn dark on light, so that it can't be taken for the count.

    tracker: the number of the order's tracker. place: `table 8`, `to go`, or empty. more: `+2 more`, or empty where it
    is the only one. rest: the count, such as `12 orders`.
    """

    tracker: str
    place: str
    more: str
    rest: str

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return tuple(filter(None, (texts.PAGED_TRACKER.format(tracker=self.tracker), self.place, self.more, self.rest)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a listing: what, and how much of it at the right edge. mark: None for a row that is no order."""

    left: str
    right: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows under a title. Rows that a small display has no room for are left out at the end, and the title before."""

    title: str
    rows: tuple[Row, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return (self.title, *("  ".join(filter(None, (row.left, row.right))) for row in self.rows))


@dataclass(frozen=True, slots=True)
class Today:
    """The day so far.

    title: `Today`. orders: in digits. average, median: delivery times, such as `3:36`; share: of those below the
    target, such as `92%`; all three empty where no time is known. target: such as `5:00`. hours: the orders that began
    in each hour, from `first` on; none where there are no orders. note: what else a person should know, such as the
    gateway's own figures, or empty. doubt: whether the gateway's own figures and ours don't fit together.
    """

    title: str
    orders: str
    noun: str
    average: str = ""
    median: str = ""
    share: str = ""
    target: str = ""
    first: int = 0
    hours: tuple[int, ...] = ()
    note: str = ""
    doubt: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        first = texts.HOUR.format(hour=self.first)
        last = texts.HOUR.format(hour=self.first + len(self.hours) - 1)
        chart = f"{first} {sparkline(self.hours)} {last}" if self.hours else ""
        title = f"{self.title}  {texts.DIFFERS}" if self.doubt else self.title
        average, median = texts.AVERAGE.format(time=self.average), texts.MEDIAN.format(time=self.median)
        times = f"{average}, {median}" if self.average else ""
        within = f"{self.share} {texts.WITHIN_TARGET.format(target=self.target)}" if self.share else ""
        return tuple(filter(None, (title, f"{self.orders} {self.noun}", times, within, chart, self.note)))


BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: tuple[int, ...]) -> str:
    """Small bars, one a value; the highest is full, and what is not nothing is never drawn as nothing."""
    most = max(values, default=0)
    return "".join(BARS[-(-value * (len(BARS) - 1) // most) if most else 0] for value in values)


@dataclass(frozen=True, slots=True)
class Asleep:
    """Nothing has happened for hours: one word, which wanders over the display, or none at all."""

    word: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return (self.word,) if self.word else ()


Screen = Message | Count | Paged | Listing | Today | Asleep


class Power(Enum):
    """How brightly the display shines. DARK is off, and takes no current."""

    BRIGHT = auto()
    DIM = auto()
    DARK = auto()


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a panel needs, derived from the state.

    state, reason, gateway, address, active, paged and oldest (seconds) are facts for machines that read the panel;
    active, paged and oldest are None unless the feed is live. leds and screen are what a person sees.

    The rest is how the screen is drawn, and no words: power; beat: the heartbeat, which is there (False or True in
    turns) only while the feed is live and was heard lately; pressed: a press of the button is being felt; walk: the
    step of the whole picture's slow walk against burn-in, counted up without end.
    """

    state: str
    reason: str | None
    gateway: str | None
    address: str | None
    active: int | None
    paged: int | None
    oldest: int | None
    leds: Leds
    screen: Screen
    power: Power = Power.BRIGHT
    beat: bool | None = None
    pressed: bool = False
    walk: int = 0
