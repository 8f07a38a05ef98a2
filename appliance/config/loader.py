"""Loads settings from a file. Every key is optional.

Reports all errors at once. Imports the YAML library and the table of keys only to read a file.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.config.values import Config
from appliance.core.limits import LARGEST_SETTINGS
from appliance.core.values import Address

if TYPE_CHECKING:
    from appliance.config.yaml_lines import Mapping, Node, Report

MOST_REPORTED = 20
"""Maximum number of reported lines that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in the settings. line, column (from 1), key (dotted): None if not applicable."""

    file: str
    line: int | None
    column: int | None
    key: str | None
    text: str

    def __str__(self) -> str:
        place = [self.file, *(str(number) for number in (self.line, self.column) if number is not None)]
        return ":".join(place) + ": " + (f"{self.key}: " if self.key else "") + self.text


class ConfigError(Exception):
    """Invalid settings. problems: in the file's order; never empty."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(path: Path | None) -> Config:
    """The settings in a file, or the defaults. Raises ConfigError, also if the file can't be read."""
    return Config() if path is None else parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file. Raises ConfigError if it can't be read or decoded."""
    text, problems = text_of(read_bytes(path), str(path))
    if problems:
        raise ConfigError(problems)
    return text


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises ConfigError if it can't be read or is too large."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_SETTINGS + 1)
    except OSError as error:
        raise ConfigError((Problem(name, None, None, None, f"can't be read: {error.strerror or error}"),)) from error
    except ValueError as error:
        raise ConfigError((Problem(name, None, None, None, f"invalid file name: {error}"),)) from error
    if len(data) > LARGEST_SETTINGS:
        what = f"larger than {LARGEST_SETTINGS // 1024} KiB: too large for a settings file"
        raise ConfigError((Problem(name, data[:LARGEST_SETTINGS].count(b"\n") + 1, None, None, what),))
    return data


def text_of(data: bytes, name: str) -> tuple[str, tuple[Problem, ...]]:
    """A file's text, with undecodable lines made empty, and at most MOST_REPORTED problems for those.

    Also accepts UTF-16 with a byte order mark, which Windows' Notepad and PowerShell write.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), ()
        except UnicodeDecodeError:
            return "", (Problem(name, None, None, None, "truncated UTF-16; save the file as UTF-8"),)
    problems: list[Problem] = []
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    for at, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            what = f"byte 0x{line[error.start]:02X} is not UTF-8; save the file as UTF-8"
            problems.append(Problem(name, at + 1, None, None, what))
            lines[at] = b""
    return b"\n".join(lines).decode(), tuple(problems[:MOST_REPORTED])


def parse(text: str, name: str) -> Config:
    """The settings in a text. name: the file's, for messages. Raises ConfigError with all problems."""
    config, problems = examine(text, name)
    if problems:
        raise ConfigError(problems)
    return config


def examine(text: str, name: str, without: Collection[str] = ()) -> tuple[Config, tuple[Problem, ...]]:
    """The valid settings in a text, and all problems in the file's order.

    without: dotted keys to ignore. Conflicting values are reported, but not left out.
    """
    from appliance.config import yaml_lines
    from appliance.config.cross_checks import check_together

    problems: list[Problem] = []

    def report(line: int | None, column: int | None, key: str | None, what: str) -> None:
        problems.append(Problem(name, line, column, key, what))

    root = yaml_lines.read(text, report)
    reader = _Reader(report, without)
    if isinstance(root, yaml_lines.Mapping):
        reader.read(root, "")
    elif root is not None and not _is_null(root):
        report(root.line, None, None, "must contain keys and values, such as `state_dir: /var/lib/tt-appliance`")
    config: Config = _with_values(Config(), "", reader.values)
    check_together(config, reader.lines, reader.wrong, report)
    return config, tuple(sorted(problems, key=lambda problem: problem.line or 0))


def _is_null(node: Node) -> bool:
    return getattr(node, "kind", None) == "null"


class _Reader:
    """Collects the values and lines of the keys in a mapping, and reports invalid ones."""

    def __init__(self, report: Report, without: Collection[str]) -> None:
        self._without = without
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self.wrong: set[str] = set()
        self._report = report

    def read(self, mapping: Mapping, section: str) -> None:
        from appliance.config.keys import KEYS, SECTIONS
        from appliance.config.yaml_lines import Mapping

        for entry in mapping.entries:
            dotted = f"{section}.{entry.key}" if section else entry.key
            if dotted in SECTIONS:
                if isinstance(entry.node, Mapping):
                    self.read(entry.node, dotted)
                elif not _is_null(entry.node):
                    keys = ", ".join(key.split(".")[1] for key in KEYS if key.startswith(f"{dotted}."))
                    self._report(entry.node.line, None, dotted, f"must contain these keys, indented below it: {keys}")
            elif dotted not in KEYS or "." in entry.key:
                # Do not repeat keys below wifi: with a misplaced colon, the password is part of a key.
                shown_key = section if section == "wifi" else dotted
                self._report(entry.line, None, shown_key, f"unknown key; {_hint(entry.key, section)}")
            elif not _is_null(entry.node) and dotted not in self._without:
                self.lines[dotted] = entry.line
                try:
                    self.values[dotted] = KEYS[dotted].check(entry.node)
                except ValueError as error:
                    self.wrong.add(dotted)
                    self._report(entry.node.line, None, dotted, str(error))


def _hint(key: str, section: str) -> str:
    from appliance.config.checks import nearest
    from appliance.config.keys import KEYS, SECTIONS

    if key in KEYS and not section:
        parent, name = key.split(".")
        return f"write {name} indented below {parent}:"
    prefix = f"{section}." if section else ""
    siblings = {dotted.removeprefix(prefix): dotted for dotted in KEYS if dotted.startswith(prefix)}
    siblings = {name: dotted for name, dotted in siblings.items() if "." not in name}
    if not section:
        siblings |= {name: name for name in SECTIONS}
    elsewhere = {dotted.split(".")[-1]: dotted for dotted in KEYS} | {name: name for name in SECTIONS}
    for known in (siblings, elsewhere):
        near = nearest(key, tuple(known))
        if near:
            return f"did you mean {known[near]}?"
    return f"valid keys here: {', '.join(siblings)}"


def _with_values(part: Any, prefix: str, values: dict[str, Any]) -> Any:
    changes: dict[str, Any] = {}
    for item in fields(part):
        dotted = prefix + item.name
        old = getattr(part, item.name)
        if is_dataclass(old) and not isinstance(old, Address):
            changes[item.name] = _with_values(old, dotted + ".", values)
        elif dotted in values:
            changes[item.name] = values[dotted]
    return replace(part, **changes)
