"""Reads a settings file's bytes as text, as any editor may have saved it.

Understands UTF-8 and UTF-16, line ends of all systems, and what editors put in the place of plain spaces and quotes.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from appliance.config.line_faults import key_of, unusable_character
from appliance.config.problems import ConfigError, Problem
from appliance.config.quoting import DOUBLE_QUOTES, INVISIBLE, SINGLE_QUOTES, SPACES, quoted, without_curly_quotes
from appliance.core.limits import LARGEST_SETTINGS

MOST_REPORTED = 20
"""Maximum number of reported lines in another encoding than UTF-8."""

_WORD_PROCESSOR = re.compile(rb"\s*(\{\\rtf|<[!?a-z]|PK\x03\x04|%PDF|bplist|\xd0\xcf\x11\xe0)", re.IGNORECASE)
"""Rich text, HTML, Word (new and old), PDF and a web archive."""

_INDENT = re.compile(rf"[ \t{SPACES}{INVISIBLE}]+")
_KEY = rf"[ ]*(?:-[ ]+)?[A-Za-z_][\w.-]*[ {SPACES}]*"
_SPACED = re.compile(rf"({_KEY}):([{SPACES}][ {SPACES}]*)")
_END = "([ ]*|[ ]+#.*)"
_DOUBLE, _SINGLE = rf"[{DOUBLE_QUOTES}].*?[{DOUBLE_QUOTES}\"]", f"[{SINGLE_QUOTES}].*?[{SINGLE_QUOTES}']"
_CURLY = re.compile(rf"({_KEY}:[ ]+)({_DOUBLE}|{_SINGLE}){_END}")
_IPV6 = re.compile(rf"({_KEY}:[ ]+)(\[(?=[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]*(?:%[\w.-]+)?\](?:[:/][0-9]+)?){_END}")


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises ConfigError if it can't be read or is too large."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_SETTINGS + 1)
    except OSError as error:
        raise ConfigError((Problem(name, None, None, f"can't be read: {error.strerror or error}"),)) from error
    except ValueError as error:
        raise ConfigError((Problem(name, None, None, "is not the name of a file"),)) from error
    if len(data) > LARGEST_SETTINGS:
        what = f"larger than {LARGEST_SETTINGS // 1024} KiB: too large for a settings file"
        raise ConfigError((Problem(name, data[:LARGEST_SETTINGS].count(b"\n") + 1, None, what),))
    return data


def text_of(data: bytes, name: str) -> tuple[str, tuple[Problem, ...]]:
    """A file's text with plain line ends, and at most MOST_REPORTED problems.

    Lines in another encoding are empty in the text, and reported unless they are comments. A word processor's document
    is empty.
    """
    if _WORD_PROCESSOR.match(data):
        return "", (Problem(name, None, None, "is a word processor's document; save it as plain text"),)
    encoding = _utf16(data)
    if encoding:
        try:
            return _plain_line_ends(data.decode(encoding).removeprefix("\ufeff")), ()
        except UnicodeDecodeError:
            return "", (Problem(name, None, None, "ends in half a character; save the file as UTF-8"),)
    problems: list[Problem] = []
    lines = re.split(rb"\r\n|\r|\n", data.removeprefix(codecs.BOM_UTF8))
    for at, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError:
            if line.lstrip().startswith(b"#"):
                lines[at] = b""
                continue
            if len(problems) < MOST_REPORTED:
                what = "has a letter in an old encoding; save the file as UTF-8"
                before = [written.decode("latin-1") for written in lines[: at + 1]]
                problems.append(Problem(name, at + 1, key_of(before, at), what))
            lines[at] = b""
    return b"\n".join(lines).decode(), tuple(problems)


def _utf16(data: bytes) -> str | None:
    """The kind of UTF-16, by its byte order mark or by the zero bytes of its Latin letters; None for other text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    begin = data[:64]
    for encoding, zeros in (("utf-16-le", begin[1::2]), ("utf-16-be", begin[::2])):
        if len(begin) >= 8 and zeros.count(0) > len(zeros) // 2 and begin.count(0) <= len(begin) // 2:
            return encoding
    return None


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_plain_punctuation(text: str) -> str:
    """The text with plain spaces around keys, straight quotes around values, and quotes around [IPv6] addresses.

    Each line keeps its number. A comment with characters that YAML does not allow becomes an empty line.
    """
    return "\n".join(map(_with_plain_punctuation, _plain_line_ends(text).split("\n")))


def _with_plain_punctuation(line: str) -> str:
    line = line.rstrip(" \t")
    if unusable_character(line) and line.lstrip().startswith("#"):
        return ""
    line = _INDENT.sub(lambda found: _plain_spaces(found[0]), line, count=1) if _INDENT.match(line) else line
    spaced = _SPACED.match(line)
    if spaced:
        line = f"{_plain_spaces(spaced[1])}:{_plain_spaces(spaced[2])}{line[spaced.end() :]}"
    curly = _CURLY.fullmatch(line)
    if curly:
        return f"{curly[1]}{quoted(without_curly_quotes(curly[2]) or '')}{curly[3]}"
    address = _IPV6.fullmatch(line)
    return f"{address[1]}{quoted(address[2])}{address[3]}" if address else line


def _plain_spaces(text: str) -> str:
    """The text with a plain space for each other one, and without invisible characters."""
    return re.sub(f"[{SPACES}]", " ", re.sub(f"[{INVISIBLE}]", "", text))
