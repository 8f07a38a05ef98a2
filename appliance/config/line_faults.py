"""Says in plain words what is wrong with a line that is not valid YAML. Repeats no value: it may be a password."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.config.keys import KEYS, SECTIONS

_SECTION = re.compile(r"(\s*)([a-z]\w*)\s*:")
_NAME = re.compile(r"(\s*)([a-z]\w*)\s*[:=]")
_INNER = frozenset(section.rsplit(".", 1)[1] for section in SECTIONS if "." in section)
"""Names of sections that are in another section."""
_KEY = re.compile(r"\s*(?:-\s+)?([A-Za-z_][\w.-]*)\s*")


def describe(line: str) -> str:
    """The most likely fault of a line, to be read after its number and key."""
    odd = unusable_character(line)
    if odd:
        return f"has a character that can't be used (U+{ord(odd):04X}); delete it"
    key = _KEY.match(line)
    rest = line[key.end() :] if key else line.strip()
    if "\t" in line[: len(line) - len(line.lstrip())] or rest.startswith(":\t"):
        return "has a tab; use spaces instead"
    if line.startswith(("---", "...", "%")):
        return f"a line can't begin with {line[:3].rstrip()} here; delete it"
    if line.lstrip()[:1] in tuple('"{}[],'):
        return "a quote, a comma or a bracket is missing"
    if key is None or not rest.startswith((":", "=")):
        return "is not a setting: write a name, a colon, a space and a value"
    if rest.startswith("="):
        return "write a colon and a space instead of ="
    if not rest[1:2].isspace() and rest[1:]:
        return "needs a space after the colon"
    return _fault_of_value(rest[1:].strip())


def unusable_character(line: str) -> str:
    """The first character that no setting may have unless it is written as an escape; empty if there is none."""
    return next((character for character in line if _is_unusable(character)), "")


def _is_unusable(character: str) -> bool:
    """Whether YAML takes the character for a line end, or not at all."""
    code = ord(character)
    return (code < 0x20 and character != "\t") or 0x7F <= code < 0xA0 or code in (0x2028, 0x2029, 0xFFFE, 0xFFFF)


def _fault_of_value(value: str) -> str:
    first = value[:1]
    if first == '"' and "\\" in value:
        return r"in double quotes, write \\ for \, or use single quotes"
    if first in ('"', "'"):
        return "the quotes do not match" + ("; inside '…', write '' for '" if first == "'" else "")
    if first in ("[", "{"):
        return f"put the value in quotes, or close the bracket {first}"
    if first and first in "@`%&*!|>?-,]}":
        return f"a value that begins with {first} needs quotes"
    if ": " in value or value.endswith(":"):
        return "a value with a colon in it needs quotes"
    if "\t" in value:
        return "has a tab; use spaces instead"
    return "is indented differently from the lines around it"


def key_of(lines: Sequence[str], at: int) -> str | None:
    """The dotted key that a line seems to set; None if that is no known one."""
    name = _NAME.match(lines[at])
    if name is None:
        return None
    path, indentation = [name[2]], len(name[1])
    for line in lines[at::-1]:
        section = _SECTION.match(line)
        if section and len(section[1]) < indentation and (not section[1] or section[2] in _INNER):
            path.insert(0, section[2])
            indentation = len(section[1])
    dotted = ".".join(path)
    return dotted if dotted in KEYS else None
