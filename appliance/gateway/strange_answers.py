"""Describes an answer that no gateway sends, for one line of the log, without the token.

Another device may have the gateway's address, and it may send our request back.
"""

from __future__ import annotations

import re

from appliance.core.limits import LONGEST_TOKEN
from appliance.core.values import Token

MOST_SHOWN = 60
"""Characters of an answer to log: enough to recognise a web page, an SSH server or a TLS alert."""
MOST_READ = MOST_SHOWN + 2 * LONGEST_TOKEN
"""Bytes of an answer to look at: a token that begins in what is shown is found whole."""
SHORTEST_PART = 8
"""Characters of a token that count as a part of it: the answer may repeat our request incompletely."""
REDACTED = "(repeats the token)"
"""Replaces what would bring the token into the log."""
_SEPARATORS = re.compile(r"[^0-9a-z]+")


def describe(data: bytes, token: Token, length: int | None = None) -> str:
    """Describe an answer by its length and beginning, escaped. length: in bytes; that of `data` unless it is longer."""
    text = data[:MOST_READ].decode("latin-1")
    if not text:
        return "0 bytes"
    beginning = REDACTED if repeats_token(text, token) else ascii(text[:MOST_SHOWN])
    return f"{len(data) if length is None else length} bytes, beginning with {beginning}"


def repeats_token(text: str, token: Token) -> bool:
    """Whether a text contains the token or a part of it, in upper or lower case, however it is separated."""
    secret, words = _plain(token.reveal()), _plain(text)
    parts = (secret[at : at + SHORTEST_PART] for at in range(max(1, len(secret) - SHORTEST_PART + 1)))
    return any(part in words for part in parts if part)


def _plain(text: str) -> str:
    return _SEPARATORS.sub("", text.lower())
