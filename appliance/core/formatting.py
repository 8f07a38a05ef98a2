"""Names, ages and times in words that fit a small display and are read at a glance."""

from __future__ import annotations

import unicodedata

from appliance.core import texts
from appliance.core.limits import LONGEST_NAME

UNSEEN = "\ufffd"
"""What stands for a letter or mark that is a blank wherever it is drawn."""
_BLANKS = str.maketrans(dict.fromkeys("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", UNSEEN))
"""Those that are letters or marks by their category, and by their property Default_Ignorable_Code_Point (Unicode) not
drawn. The selectors of variants are not among them: they stand behind emoji, in names in which nobody hides a thing."""


def legible(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as it can be shown: no control or bidirectional characters, no blank letters, one line, not endless.

    longest: characters that it may have.
    """
    begin = name[: 4 * longest].translate(_BLANKS)
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " if c.isspace() else "" for c in begin)
    words = " ".join(kept.split()) or "?"
    return words if len(words) <= longest else words[: longest - 1] + "…"


def age(seconds: float) -> str:
    """An age as it is read at a glance, in whole minutes: `<1 min`, `7 min`, `1 h 05`, `3 d 4 h`."""
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
    """A time that someone counts, in minutes and seconds: `1:43`."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def percent(share: float) -> str:
    """A share from 0.0 to 1.0 in whole percent; `100%` only if it is exactly 1."""
    return f"{min(99, round(share * 100)) if share < 1 else 100}%"


def benchmark(seconds: float) -> str:
    """A setting in minutes, or in seconds where it is no whole number of minutes: `3 min`, `45 s`."""
    if seconds >= 60 and seconds % 60 == 0:
        return texts.MINUTES.format(minutes=int(seconds // 60))
    return texts.SECONDS.format(seconds=seconds)
