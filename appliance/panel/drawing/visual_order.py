"""Any text as characters that can be drawn, in the order in which they stand on the display."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from appliance.panel.drawing.fonts import has_glyph

LONGEST_LINE = 200
"""Characters of a line that are looked at; far more than fit on any display."""
REPLACEMENT = "◇"
"""What stands for a run of characters that can't be drawn, such as a word in a script whose letters join."""
_RUNS = re.compile(rf"{REPLACEMENT}(?:[\s\W]*{REPLACEMENT})+")
_HEBREW = r"[\u0590-\u05ff]"
_BACKWARD = re.compile(rf"{_HEBREW}(?:[^\w]*{_HEBREW})*")
_FORWARD = re.compile(r"[^\W\u0590-\u05ff](?:[^\u0590-\u05ff]*[^\W\u0590-\u05ff])?")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


@lru_cache(maxsize=256)
def to_drawable(text: str) -> str:
    """The text on one line in characters that the fonts have."""
    drawn = "".join(map(_drawable, unicodedata.normalize("NFC", text[: LONGEST_LINE + 1])))
    drawn = _RUNS.sub(REPLACEMENT, " ".join(drawn.split()))
    return drawn if len(text) <= LONGEST_LINE else drawn[: LONGEST_LINE - 1] + "…"


def to_visual_order(text: str) -> str:
    """A clean row from left to right as it is drawn: Hebrew runs the other way.

    This is the part of Unicode's bidirectional algorithm that a name on one row needs.
    """
    if text.isascii() or not re.search(_HEBREW, text):
        return text
    first = next((c for c in text if unicodedata.bidirectional(c) in ("L", "R")), "L")
    if unicodedata.bidirectional(first) == "R":
        mirrored = text[::-1].translate(_MIRRORED)
        return _FORWARD.sub(lambda run: run[0][::-1].translate(_MIRRORED), mirrored)
    return _BACKWARD.sub(lambda run: run[0][::-1].translate(_MIRRORED), text)


@lru_cache(maxsize=1024)
def _drawable(character: str) -> str:
    """What stands for one character."""
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Mn", "Me"):
        return ""
    if has_glyph(character):
        return character
    parts = unicodedata.normalize("NFKD", character)
    return "".join(map(_drawable, parts)) if parts != character else REPLACEMENT
