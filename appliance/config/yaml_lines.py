"""Parses YAML into nodes with line numbers, and rejects features that settings don't need.

Rejects, with line number: aliases (which can make a small file huge), tags, deep nesting, duplicate keys, and keys that
are not scalars.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

MAX_DEPTH = 8
"""Maximum nesting, because the parser below recurses. Settings have three levels."""

_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "timestamp", "merge", "value", "str"))

Report = Callable[[int | None, int | None, str | None, str], None]
"""Reports a problem: line and column (from 1), dotted key, message; each but the last may be None."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. kind: `null`, `bool`, `int`, `float`, `str` or another of YAML's own; plain: without quotes."""

    line: int
    kind: str
    text: str
    plain: bool


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
    """The single document in a text; None if it is empty, or invalid, which is reported."""
    try:
        if _too_wild(text, report):
            return None
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        # This error has a position instead of a mark.
        line = text.count("\n", 0, error.position) + 1
        report(line, None, None, f"character U+{_code(error.character):04X} is not allowed in YAML")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and re.search("quoted scalar|flow ", error.context or ""):
            # Report the unclosed quote or bracket, not the end of the file.
            mark = error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        report(mark.line + 1 if mark else None, mark.column + 1 if mark else None, None, f"invalid YAML: {what}")
        return None
    return None if root is None else _convert(root, "", report)


def _code(character: object) -> int:
    return character if isinstance(character, int) else ord(str(character)[:1])


def _too_wild(text: str, report: Report) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            # Do not repeat the name: it may be part of an unquoted password.
            report(line, None, None, "aliases are not allowed; put a value that begins with * in quotes")
            return True
        if getattr(event, "anchor", None) is not None:
            report(line, None, None, "anchors are not allowed; put a value that begins with & in quotes")
            return True
        if depth > MAX_DEPTH:
            report(line, None, None, f"nested more than {MAX_DEPTH} levels; the settings need 3")
            return True
    return False


def _convert(node: Any, path: str, report: Report) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Mapping(line, _entries(node, path, report))
    if isinstance(node, yaml.SequenceNode):
        return Sequence(line, tuple(_convert(item, path, report) for item in node.value))
    if node.tag not in _KNOWN_TAGS:
        if node.tag.startswith(_TAG):
            what = f"the tag {node.tag.replace(_TAG, '!!')} is not allowed; write the value alone"
        else:
            # Do not repeat the tag: it may be part of an unquoted password.
            what = "tags are not allowed; put a value that begins with ! in quotes"
        report(line, None, path or None, what)
        return Scalar(line, "null", "", plain=True)
    return Scalar(line, node.tag.removeprefix(_TAG), node.value, plain=node.style is None)


def _entries(node: Any, path: str, report: Report) -> tuple[Entry, ...]:
    entries: dict[str, Entry] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            report(line, None, path or None, "a key must be a name, not a list or a mapping")
            continue
        key = str(key_node.value)
        dotted = f"{path}.{key}" if path else key
        if key in entries:
            report(line, None, dotted, f"duplicate key; it is already on line {entries[key].line}")
            continue
        entries[key] = Entry(key, line, _convert(value_node, dotted, report))
    return tuple(entries.values())
