"""The View: words, shapes, LED modes and sounds for the panel, still without a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from appliance.core import texts
from appliance.core.updates import NO_UPDATE, UpdateStatus
from appliance.core.values import DisplayIdentity


class LedMode(StrEnum):
    """What one LED does. SLOW blinks about once a second, FAST about four times."""

    OFF = "off"
    ON = "on"
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Leds:
    """The three LEDs, in the order in which they are mounted."""

    green: LedMode = LedMode.OFF
    amber: LedMode = LedMode.OFF
    red: LedMode = LedMode.OFF


class Sound(StrEnum):
    """Why the buzzer sounds. A sound is an edge: it starts once, at a moment, and is never part of a View."""

    PAGE = "page"
    PAIRED = "paired"
    ERROR = "error"
    LATE = "late"
    NEW_ORDER = "new_order"


class Mark(Enum):
    """How an order's age compares with the benchmarks: a sign on the display, a colour on the LEDs."""

    FINE = auto()
    WARN = auto()
    LATE = auto()


class Sign(Enum):
    """A small shape on the display. Each has one meaning, on every screen."""

    PAGED = auto()
    LATE = auto()
    GETTING_OLD = auto()
    UNREADABLE = auto()
    TO_GO = auto()
    OLD = auto()
    DIFFERS = auto()
    WARNING = auto()


class Icon(Enum):
    """The picture beside a message; it says the same as the words."""

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
    """How large a line of a message is drawn. The pixels depend on the display."""

    SMALL = auto()
    MEDIUM = auto()
    HUGE = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a message; never empty.

    spare: 0 for a line that is needed. The drawing drops the others for lack of room, the highest number first.
    """

    text: str
    size: Size = Size.SMALL
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A few lines, a picture beside them, and a progress bar under them.

    bar: the share that remains of a countdown, or is done of some work, from 0.0 to 1.0; None for no bar.
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
    """A remark beside the count, such as `3 late`. count: None for a remark without a number."""

    sign: Sign
    word: str
    count: int | None = None

    @property
    def text(self) -> str:
        """The remark in words."""
        return self.word if self.count is None else texts.REMARK.format(count=self.count, word=self.word)


@dataclass(frozen=True, slots=True)
class Count:
    """The main screen.

    count: the number of active orders in digits; the drawing may shorten it to 9,999+. noun: `order` or `orders`.
    oldest: the oldest order's age, such as `7 min` or `≥7 min`; empty for none. mark: how the ages compare with
    the benchmarks, as the LEDs show it. remarks: the most urgent first. note: a doubt of the count, or a fault of the
    box; empty for none. fault: whether the note is a fault.
    """

    count: str
    noun: str
    oldest: str = ""
    mark: Mark = Mark.FINE
    remarks: tuple[Remark, ...] = ()
    note: str = ""
    fault: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        what = "  ".join((self.noun, *(remark.text for remark in self.remarks)))
        return tuple(
            filter(None, (self.count, what, texts.OLDEST_AGE.format(age=self.oldest) if self.oldest else "", self.note))
        )


@dataclass(frozen=True, slots=True)
class Paged:
    """Orders that were paged just now; drawn inverted, and with the word before the number, so that nobody takes it for
    the count.

    tracker: the number of the order's tracker, or several. place: `table 8`, `to go`, or empty. more: the orders on the
    screens before and after, such as `+2 more`, or empty. rest: the count, such as `12 orders`. noun: `Tracker` or
    `Trackers`.
    """

    tracker: str
    place: str
    more: str
    rest: str
    noun: str = texts.TRACKER

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        what = texts.PAGED_TRACKER.format(noun=self.noun, tracker=self.tracker)
        return tuple(filter(None, (what, self.place, self.more, self.rest)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a listing: a label, and a value at the right edge. mark: of an order's age; None for other rows."""

    left: str
    right: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows under a title. A small display drops the title first, and then rows from the end."""

    title: str
    rows: tuple[Row, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return (self.title, *("  ".join(filter(None, (row.left, row.right))) for row in self.rows))


@dataclass(frozen=True, slots=True)
class Today:
    """The day so far.

    title: `Today`. finished, open: orders, such as `142 done` and `9 open`. average, median: delivery times, such as
    `3:36`. share: of deliveries within the target, such as `92%`. All three are empty if no time is known. target: such
    as `5:00`. hours: the orders that began in each hour, from `first` on; empty without orders. note: for example the
    gateway's own figures, or empty. doubt: whether the gateway's figures contradict ours.
    """

    title: str
    finished: str
    open: str
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
        last = texts.HOUR.format(hour=(self.first + len(self.hours) - 1) % 24)
        chart = f"{first} {sparkline(self.hours)} {last}" if self.hours else ""
        title = f"{self.title}  {texts.DIFFERS}" if self.doubt else self.title
        average, median = texts.AVERAGE.format(time=self.average), texts.MEDIAN.format(time=self.median)
        times = f"{average}, {median}" if self.average else ""
        within = f"{self.share} {texts.WITHIN_TARGET.format(target=self.target)}" if self.share else ""
        return tuple(filter(None, (title, f"{self.finished}, {self.open}", times, within, chart, self.note)))


BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: tuple[int, ...]) -> str:
    """A bar for each value. The highest is full, and a value above 0 always shows."""
    most = max(values, default=0)
    return "".join(BARS[-(-value * (len(BARS) - 1) // most) if most else 0] for value in values)


@dataclass(frozen=True, slots=True)
class Asleep:
    """The display at rest after hours without activity: one word that wanders over it, or nothing."""

    word: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The text on the display, top to bottom."""
        return (self.word,) if self.word else ()


Screen = Message | Count | Paged | Listing | Today | Asleep


class Power(Enum):
    """The display's brightness. DARK is off, and takes no current."""

    BRIGHT = auto()
    DIM = auto()
    DARK = auto()


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a panel shows, derived from the state.

    state, reason, gateway, address, active, paged, late, oldest (seconds), update and gateway_offset are for programs
    that read the panel; the counts are None unless the feed is live. gateway_offset: the gateway's local time minus the
    box's monotonic one, in seconds; None unless it is known exactly. A person sees leds and screen.

    The rest says how to draw the screen. power: the brightness. beat: the heartbeat, False and True in turn; None
    unless the feed is live and was heard lately. pressed: draw the feedback for a press. walk: the step of the slow
    picture shift against burn-in, counted up without end. display: the display and the driver to draw with; None if it
    is unknown.
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
    display: DisplayIdentity | None = None
    late: int | None = None
    update: UpdateStatus = NO_UPDATE
    gateway_offset: float | None = None
