"""Formats names, ages and times for a small display."""

from __future__ import annotations

import unicodedata

from appliance.core import texts
from appliance.core.limits import LONGEST_NAME

UNSEEN = "\ufffd"
"""Replaces a letter or mark that has no visible glyph."""
_BLANKS = str.maketrans(dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", UNSEEN))
"""Letters and marks with the Unicode property Default_Ignorable_Code_Point, which are not drawn. Variation selectors
are not among them: they follow emoji in harmless names."""


def legible(name: str, longest: int = LONGEST_NAME) -> str:
    """A name on one line, without control, bidirectional and invisible characters.

    longest: the most characters.
    """
    begin = name[: 4 * longest].translate(_BLANKS)
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " if c.isspace() else "" for c in begin)
    words = " ".join(kept.split()) or "?"
    return words if len(words) <= longest else words[: longest - 1] + "…"


def age(seconds: float) -> str:
    """An age in whole minutes: `<1 min`, `7 min`, `1 h 05`, `3 d 4 h`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return texts.UNDER_A_MINUTE
    hours = minutes // 60
    if hours < 1:
        return texts.MINUTES.format(minutes=minutes)
    if hours < 24:
        return texts.HOURS.format(hours=hours, minutes=minutes % 60)
    return texts.DAYS.format(days=hours // 24, hours=hours % 24)


def clock(seconds: float) -> str:
    """A duration in minutes and seconds: `1:43`."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def percent(share: float) -> str:
    """A share from 0.0 to 1.0 in whole percent; `100%` only if it is exactly 1."""
    return f"{min(99, round(share * 100)) if share < 1 else 100}%"


def benchmark(seconds: float) -> str:
    """A benchmark in minutes, or in seconds if it is not a whole number of minutes: `3 min`, `45 s`."""
    if seconds >= 60 and seconds % 60 == 0:
        return texts.MINUTES.format(minutes=int(seconds // 60))
    return texts.SECONDS.format(seconds=seconds)
