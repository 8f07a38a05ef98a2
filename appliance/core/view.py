"""What the panel is to show, light and sound: words and levels, still without a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """What one LED does. Slow is about one blink a second, fast about four."""

    OFF = "off"
    ON = "on"
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Leds:
    """The three lights, in the order in which they are mounted."""

    green: Light = Light.OFF
    amber: Light = Light.OFF
    red: Light = Light.OFF


class Sound(StrEnum):
    """Why the buzzer sounds. A sound is an edge: it starts once, at a moment, and is never part of a View."""

    PAGE = "page"
    PAIRED = "paired"
    ERROR = "error"
    LATE = "late"


class Size(StrEnum):
    """How large a line of the screen is drawn; what the drawing makes of it depends on the display."""

    SMALL = "small"
    MEDIUM = "medium"
    HUGE = "huge"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words on the screen; never empty."""

    text: str
    size: Size = Size.SMALL


@dataclass(frozen=True, slots=True)
class Screen:
    """The words on the display from top to bottom, and a bar under them.

    bar: how much is left, from 1.0 down to 0.0, or None for no bar.
    """

    lines: tuple[Line, ...]
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a panel needs, derived from the state.

    state, reason, gateway, address, active, paged and oldest (seconds) are facts for machines that read the panel;
    active, paged and oldest are None unless the feed is live. leds and screen are what a person sees.
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
