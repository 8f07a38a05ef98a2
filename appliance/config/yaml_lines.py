"""Parses YAML into nodes with line numbers, and rejects features that settings don't need.

Rejects, with line number: aliases (which can make a small file huge), tags, deep nesting, too many values, duplicate
keys, and keys that are not scalars.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import yaml

from appliance.config.problems import Report
from appliance.config.quoting import without_curly_quotes

MAX_DEPTH = 8
"""Maximum nesting, because the parser below recurses. Settings have three levels."""
MOST_VALUES = 500
"""Maximum number of keys, values and brackets, because the slowest board parses some 500 a second. All settings
together have about 130."""

_TAG = "tag:yaml.org,2002:"
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""Characters that YAML takes for line ends, besides those of editors."""
_COMMENT, _HASH = re.compile("[ \t]*#"), re.compile("#")


class InvalidYamlError(Exception):
    """A text that is not YAML, or has features that settings don't need.

    lines: from 1, where the fault may be; the most likely one first. text: what is wrong, or None.
    """

    def __init__(self, *lines: int, text: str | None = None) -> None:
        super().__init__(text)
        self.lines = lines
        self.text = text


class TooManyValuesError(InvalidYamlError):
    """A text with more than MOST_VALUES: no settings file."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. kind: `null`, `bool`, `int`, `float`, `str` or another of YAML's own; plain: without quotes.

    text: as written, for plain ones. cut: a comment follows, which may have been meant as a part of the value.
    wrapped: written on several lines.
    """

    line: int
    kind: str
    text: str
    plain: bool
    cut: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    line: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, with the key's line."""

    key: str
    line: int
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and nodes in the file's order, without duplicates."""

    line: int
    entries: tuple[Entry, ...]


Node = Scalar | Sequence | Mapping


def read(text: str, report: Report) -> Node | None:
    """The single document in a text; None if it is empty. Raises InvalidYamlError."""
    lines = _Lines(text)
    if odd := _LINE_ENDS.search(text):
        # Nobody sees it, and the parser would end a value there.
        raise InvalidYamlError(lines.of(odd.start()))
    try:
        loader = _Loader(text, lines)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        # This error has a position instead of a mark.
        raise InvalidYamlError(lines.of(error.position)) from None
    except yaml.MarkedYAMLError as error:
        marks = [error.problem_mark, error.context_mark]
        if re.search("simple key|quoted scalar|flow ", error.context or ""):
            # The unclosed quote or bracket, or the line without a colon, and not where the parser gave up.
            marks.reverse()
        raise InvalidYamlError(*(lines.of(mark.index) for mark in marks if mark)) from None
    return None if root is None else _Converter(text, lines, report).convert(root, "")


class _Lines:
    """The lines of a text as editors count them: YAML also ends lines at U+0085, U+2028 and U+2029."""

    def __init__(self, text: str) -> None:
        self._ends = [end.start() for end in re.finditer("\n", text)]

    def of(self, at: int) -> int:
        """The line of a character, from 1."""
        return bisect_left(self._ends, at) + 1


class _Loader(yaml.SafeLoader):
    """The parser. Raises InvalidYamlError at the first alias, anchor, tag, deep nesting, or value too many."""

    def __init__(self, text: str, lines: _Lines) -> None:
        super().__init__(text)
        self._lines = lines
        self._depth = self._values = 0

    def get_event(self) -> Any:
        """The next event, which the library asks for once."""
        event: Any = super().get_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.CollectionStartEvent):
            self._depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            self._depth -= 1
        self._values += isinstance(event, yaml.NodeEvent)
        if first := _mark_of(event):
            # Do not repeat the rest: it may be part of an unquoted password.
            raise InvalidYamlError(self._line(event), text=f"a value that begins with {first} needs quotes")
        if self._depth > MAX_DEPTH:
            raise InvalidYamlError(self._line(event), text="has too many brackets or levels: the settings need 3")
        if self._values > MOST_VALUES:
            raise TooManyValuesError(self._line(event), text=f"has more than {MOST_VALUES} keys and values")
        return event

    def _line(self, event: Any) -> int:
        return self._lines.of(event.start_mark.index)


def _mark_of(event: Any) -> str | None:
    """The character that makes an alias, an anchor or a tag of an unquoted value; None if there is none."""
    if isinstance(event, yaml.AliasEvent):
        return "*"
    if getattr(event, "anchor", None) is not None:
        return "&"
    return "!" if getattr(event, "tag", None) is not None else None


class _Converter:
    """Converts the parser's nodes of a text."""

    def __init__(self, text: str, lines: _Lines, report: Report) -> None:
        self._text = text
        self._line = lines.of
        self._report = report

    def convert(self, node: Any, path: str) -> Node:
        line = self._line(node.start_mark.index)
        if isinstance(node, yaml.MappingNode):
            return Mapping(line, self._entries(node, path))
        if isinstance(node, yaml.SequenceNode):
            return Sequence(line, tuple(self.convert(item, path) for item in node.value))
        return self._scalar(node, line)

    def _scalar(self, node: Any, line: int) -> Scalar:
        kind, text, plain = node.tag.removeprefix(_TAG), _with_joined_surrogates(node.value), node.style is None
        # Right behind quotes, the parser takes a # for a comment, too.
        mark = _COMMENT if plain else _HASH
        cut = node.style not in ("|", ">") and mark.match(self._text, node.end_mark.index) is not None
        if plain and (inside := without_curly_quotes(text)) is not None:
            return Scalar(line, "str", inside, plain=False, cut=cut, wrapped=_is_wrapped(node))
        if node.style in ("|", ">"):
            text = text.rstrip("\n")
            return Scalar(line, kind, text, plain, wrapped="\n" in text)
        return Scalar(line, kind, text, plain, cut, _is_wrapped(node))

    def _entries(self, node: Any, path: str) -> tuple[Entry, ...]:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            line = self._line(key_node.start_mark.index)
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(line, path or None, "is not a setting: write a name, a colon, a space and a value")
                continue
            key = str(key_node.value)
            dotted = f"{path}.{key}" if path else key
            if key in entries:
                self._report(line, dotted, f"is already on line {entries[key].line}; delete one of both")
                continue
            entries[key] = Entry(key, line, self.convert(value_node, dotted))
        return tuple(entries.values())


def _with_joined_surrogates(text: str) -> str:
    """The text with the characters that JSON writes as pairs of escapes, such as \\ud83d\\ude00."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _is_wrapped(node: Any) -> bool:
    return bool(node.end_mark.line > node.start_mark.line)
