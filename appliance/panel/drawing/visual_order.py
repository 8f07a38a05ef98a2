"""Replaces the characters that can't be drawn, and puts text into visual order (right-to-left scripts)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from appliance.panel.drawing.fonts import has_glyph

LONGEST_LINE = 200
"""Characters of a line that are processed; far more than fit on any display."""
REPLACEMENT = "◇"
"""Replaces a run of characters that can't be drawn, such as a word in a script whose letters join."""
_RUNS = re.compile(rf"{REPLACEMENT}(?:[\s\W]*{REPLACEMENT})+")
_HEBREW = r"[\u0590-\u05ff]"
_BACKWARD = re.compile(rf"{_HEBREW}(?:[^\w]*{_HEBREW})*")
_FORWARD = re.compile(r"[^\W\u0590-\u05ff](?:[^\u0590-\u05ff]*[^\W\u0590-\u05ff])?")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


@lru_cache(maxsize=256)
def to_drawable(text: str) -> str:
    """Convert text to one line of characters that the fonts have."""
    drawn = "".join(map(_drawable, unicodedata.normalize("NFC", text[: LONGEST_LINE + 1])))
    drawn = _RUNS.sub(REPLACEMENT, " ".join(drawn.split()))
    return drawn if len(text) <= LONGEST_LINE else drawn[: LONGEST_LINE - 1] + "…"


def to_visual_order(text: str) -> str:
    """Put the text of a row into visual order, from left to right; Hebrew is reversed.

    Implements the part of Unicode's bidirectional algorithm that a name on one row needs.
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
    """The replacement for one character; itself if the fonts have it."""
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
