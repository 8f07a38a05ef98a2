"""Quotes around values: YAML's own, and those of word processors."""

from __future__ import annotations

DOUBLE_QUOTES = "“”„‟«»\u2033\u2036\u301d\u301e\u301f\uff02"
SINGLE_QUOTES = "\u00b4\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\uff07"
"""Quotes, accents and primes that word processors, Macs, phones and people put in the place of " and '."""
SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Spaces that are no plain space (Unicode category Zs), as in a regular expression's set."""
INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
"""Characters without a width, which are no part of a letter as joiners are; as in a regular expression's set."""


def quoted(text: str) -> str:
    """The text as a double-quoted YAML value of printable characters."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def without_curly_quotes(text: str) -> str | None:
    """An unquoted value without the curly quotes around it; None if it has none."""
    if len(text) >= 2:
        for quotes, straight in ((DOUBLE_QUOTES, '"'), (SINGLE_QUOTES, "'")):
            if text[0] in quotes and text[-1] in quotes + straight:
                # French has spaces inside its quotes.
                return text[1:-1].strip() if text[0] in "«\u2039" else text[1:-1]
    return None
