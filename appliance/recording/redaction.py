"""Replaces the token in what a gateway says. Everything else stays as it is.

A gateway, or another device at its address, may repeat the token: whole or in part, in capitals, or with the escapes of
JSON and URLs. It may also say another client's token.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, TypeVar

from appliance.core.values import Token
from appliance.recording.entries import TOKEN, Entry, Heading

Line = TypeVar("Line", bound=Heading | Entry)

SHORTEST_PART = 12
"""Characters that count as a part of the token. Eight would be found in every long recording by chance."""
OTHER = "(another token)"
"""Stands for what has the form of a token, and is not this one."""
_UNIT = re.compile(r"\\u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|(.)", re.DOTALL)
_OTHER_TOKEN = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{48}(?![0-9a-fA-F])")
"""48 hexadecimal digits (gateway API, token generation)."""


class Redaction:
    """Hides one token."""

    def __init__(self, token: Token) -> None:
        self._secret = token.reveal().lower()
        size = min(SHORTEST_PART, len(self._secret))
        self._parts = tuple(self._secret[at : at + size] for at in range(len(self._secret) - size + 1))

    def entry(self, entry: Line) -> Line:
        """An entry without the token in any of its texts."""
        return replace(entry, **{field.name: self._value(getattr(entry, field.name)) for field in fields(entry)})

    def text(self, words: str) -> str:
        """A text without the token, its parts, or another token."""
        if self._is_suspicious(words):
            words = self._without_parts(words)
        return _OTHER_TOKEN.sub(OTHER, words)

    def _value(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._value(one) for one in value)
        return self.text(value) if isinstance(value, str) else value

    def _is_suspicious(self, words: str) -> bool:
        plain = words.lower()
        return "\\u00" in plain or "%" in plain or any(part in plain for part in self._parts)

    def _without_parts(self, words: str) -> str:
        units = list(_UNIT.finditer(words))
        plain = "".join(chr(int(unit[1] or unit[2], 16)) if unit[3] is None else unit[3] for unit in units)
        # Some capital letters have lower ones of two characters: the places must stay the same.
        plain = "".join(one.lower() if len(one.lower()) == 1 else one for one in plain)
        hidden = [False] * len(units)
        for part in self._parts:
            at = plain.find(part)
            while at >= 0:
                hidden[at : at + len(part)] = [True] * len(part)
                at = plain.find(part, at + 1)
        out: list[str] = []
        for place, unit in enumerate(units):
            if not hidden[place]:
                out.append(unit[0])
            elif not (place and hidden[place - 1]):
                out.append(TOKEN)
        return "".join(out)
