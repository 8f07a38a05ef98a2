"""Checks of settings: texts, numbers, times and choices.

A check converts a node of the file to a value, or raises ValueError with what the value must be. The message follows
the dotted key, as in `display.contrast: must be …`. Both together fit the display: see core.screens.settings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.config.quoting import DOUBLE_QUOTES, INVISIBLE, SINGLE_QUOTES, SPACES, quoted
from appliance.config.yaml_lines import Node, Scalar, Sequence

Check = Callable[[Node], Any]

MAX_SECONDS = 366 * 24 * 3600.0
"""Upper bound that catches typing errors."""
LONGEST_SHOWN = 18
"""Characters of a value and its quotes in a message."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})|0[xX][0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WITH_UNIT = re.compile(r"([-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?) ?(s|min|h)")
_OTHER_UNIT = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,9}))? *([a-z]+)\.?", re.IGNORECASE)
_UNITS = {"s": 1, "min": 60, "h": 3600}
"""Seconds of each unit of time."""
_SECONDS = ("s", "sec", "secs", "second", "seconds")
_MINUTES = ("m", "min", "mins", "minute", "minutes")
_HOURS = ("h", "hr", "hrs", "hour", "hours")


def shown(node: Node) -> str:
    """A node's text, truncated for an error message."""
    if not isinstance(node, Scalar):
        return "a list" if isinstance(node, Sequence) else "settings"
    if node.wrapped:
        # The rest may be of another setting, such as a password.
        return "several lines"
    escaped = quoted(node.text)
    return escaped if len(escaped) <= LONGEST_SHOWN else f'{escaped[: LONGEST_SHOWN - 2]}…"'


def scalar_of(node: Node, must: str) -> Scalar:
    """A node as a scalar. must: the beginning of the error message. Raises ValueError."""
    if not isinstance(node, Scalar):
        raise ValueError(f"{must}, not {shown(node)}")
    return node


def text_of(node: Node, must: str) -> str:
    """A node as text that is not empty, as it is written. must: as in scalar_of. Raises ValueError."""
    if not isinstance(node, Scalar):
        raise ValueError(f"{must}; put it in quotes")
    text = node.text
    if not text:
        raise ValueError("must not be empty; write a value, or delete the line")
    if node.wrapped:
        raise ValueError("must be on one line; are the quotes and the indentation right?")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("has half a character (D800 to DFFF); correct it")
    if node.plain and text[0] in DOUBLE_QUOTES + SINGLE_QUOTES:
        raise ValueError("""begins with a curly quote; use straight ones, " or '""")
    if node.plain and re.match(f"[{SPACES}{INVISIBLE}]|.*[{SPACES}{INVISIBLE}]$", text):
        raise ValueError("begins or ends with a special space; delete that, or use quotes")
    return text


def flag(node: Node) -> bool:
    """true or false (or YAML's yes, no, on and off)."""
    scalar = scalar_of(node, "must be true or false")
    if scalar.kind != "bool":
        guess = {"1": "; write true", "0": "; write false"}.get(scalar.text, "")
        if scalar.text.lower() in ("true", "yes", "on", "false", "no", "off"):
            guess = f"; write it without the quotes: {scalar.text}"
        raise ValueError(f"must be true or false, not {shown(node)}{guess}")
    return scalar.text.lower() in ("true", "yes", "on")


def whole(low: int, high: int, what: str = "") -> Check:
    """A check for a whole number from low to high, decimal or hexadecimal (0x3C)."""
    must = f"must be a whole number from {low} to {high}{what}"

    def check(node: Node) -> int:
        scalar = scalar_of(node, must)
        if not (scalar.plain and _INT.fullmatch(scalar.text)):
            raise ValueError(f"{must}, not {shown(node)}{number_hint(scalar)}")
        value = int(scalar.text, 0)
        if not low <= value <= high:
            raise ValueError(f"{must}; the nearest is {min(max(value, low), high)}")
        return value

    return check


def number_hint(scalar: Scalar) -> str:
    """What to change in a number that is in quotes or begins with 0; empty for other text."""
    if not scalar.plain and (_INT.fullmatch(scalar.text) or _FLOAT.fullmatch(scalar.text)):
        return "; write it without quotes"
    if scalar.plain and re.fullmatch(r"0[0-9]+", scalar.text):
        return f"; write {scalar.text.lstrip('0') or '0'}"
    return ""


def seconds(node: Node) -> float:
    """A length of time, more than 0, in seconds: a number of them, or with a unit, such as 5 min."""
    return _seconds(node, "must be a time like 5 min", never=False)


def seconds_or_never(node: Node) -> float:
    """A length of time as in `seconds`, or 0 for never."""
    return _seconds(node, "must be a time like 5 min, or 0 (never)", never=True)


def _seconds(node: Node, must: str, never: bool) -> float:
    scalar = scalar_of(node, must)
    text = scalar.text
    with_unit = _WITH_UNIT.fullmatch(text)
    number = with_unit[1] if with_unit else text
    readable = with_unit or (scalar.plain and _FLOAT.fullmatch(text))
    if not readable or re.match(r"0[0-9]", text):
        raise ValueError(f"{must}, not {shown(node)}{_hint_of_time(scalar, never)}")
    value = float(number) * (_UNITS[with_unit[2]] if with_unit else 1)
    if never and value == 0:
        return 0.0
    if value <= 0:
        raise ValueError(f"must be more than 0 seconds, not {shown(node)}")
    if value > MAX_SECONDS or not math.isfinite(value):
        raise ValueError(f"must be at most {MAX_SECONDS:.0f} seconds, which is a year")
    return value


def _hint_of_time(scalar: Scalar, never: bool) -> str:
    """What to write instead of a time that can't be read; empty if that is unclear. never: 0 is valid."""
    text = scalar.text
    if clock := re.fullmatch(r"(?:([0-9]{1,3}):(?=[0-5]))?([0-9]{1,4}):([0-5][0-9])", text):
        return f"; write {int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])}"
    if never and text.lower() in ("never", "off", "no", "false"):
        return "; write 0"
    if other := _OTHER_UNIT.fullmatch(text):
        word = other[3].lower()
        unit = "s" if word in _SECONDS else "min" if word in _MINUTES else "h" if word in _HOURS else None
        if unit:
            return f"; write {int(other[1])}{f'.{other[2]}' if other[2] else ''} {unit}"
    return number_hint(scalar)


def percent(node: Node) -> int:
    """A percentage from 1 to 100, without the sign."""
    if isinstance(node, Scalar) and re.fullmatch(r"([1-9][0-9]?|100) ?%", node.text):
        raise ValueError(f"must be a number without the sign; write {node.text.rstrip('% ')}")
    return int(whole(1, 100)(node))


def choice(*known: str) -> Check:
    """A check for one of some words."""
    must = f"must be {' or '.join(known)}"

    def check(node: Node) -> str:
        word = text_of(node, must)
        if word not in known:
            near = nearest(word, known)
            raise ValueError(f"{must}, not {shown(node)}" + (f"; did you mean {near}?" if near else ""))
        return word

    return check


def auto_or(check: Check) -> Check:
    """A check for the word auto, which gives None, or what another check accepts."""

    def checked(node: Node) -> Any:
        return None if isinstance(node, Scalar) and node.text.lower() == "auto" else check(node)

    return checked


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """The most similar known word, or None."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower()[:80], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def directory(node: Node) -> Path:
    """A path, absolute or relative to the working directory."""
    text = text_of(node, "must be the path of a directory")
    if "\0" in text:
        raise ValueError("has a control character; correct it")
    if text.startswith("~"):
        raise ValueError("must be the full path, such as /var/lib/tt-appliance, without ~")
    return Path(text)
