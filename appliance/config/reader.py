"""Reads the settings in a text: the valid values, and all problems."""

from __future__ import annotations

from collections import abc
from collections.abc import Collection
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from appliance.config.cross_checks import check_together
from appliance.config.keys import KEYS, SECTIONS
from appliance.config.line_faults import describe
from appliance.config.presets import NO_OUTPUTS, PRESETS
from appliance.config.problems import Problem, Report
from appliance.config.suggestions import hint, is_presentable, suggest
from appliance.config.values import Config
from appliance.config.yaml_lines import Entry, Mapping, Node, Scalar, Sequence, read
from appliance.core.values import Address

MOST_HINTS = 50
"""Unknown keys that are compared with known ones: another program's file may have thousands."""


@dataclass(frozen=True, slots=True)
class Document:
    """The parsed text of a settings file. problems: of keys, found by the parser."""

    name: str
    root: Node | None
    lines: abc.Sequence[str]
    problems: tuple[Problem, ...]


def parse_document(text: str, name: str) -> Document:
    """Parse a text, which takes much longer than to examine it. name: the file's. Raises InvalidYamlError."""
    problems: list[Problem] = []
    root = read(text, _reporter(name, problems))
    return Document(name, root, text.split("\n"), tuple(problems))


def examine(
    document: Document, without: Collection[str] = (), wrong: Collection[str] = ()
) -> tuple[Config, tuple[Problem, ...]]:
    """The valid settings in a document, and all problems in the file's order.

    without: dotted keys to ignore. wrong: those that are already reported. Conflicting values are reported, but not
    left out. If the text names the hardware in a way that can't be read, no output gets a pin by default.
    """
    problems = list(document.problems)
    report, root = _reporter(document.name, problems), document.root
    reader = _Reader(report, document.lines, without, wrong)
    if isinstance(root, Mapping):
        reader.read(root, "")
    elif root is not None and not _is_null(root):
        report(root.line, None, "is not a section of the settings, such as network:")
    config: Config = _with_values(_defaults(reader), "", reader.values)
    # Report a missing password on the line of its cause.
    section = next((found.line for found in problems if found.key == "wifi" and found.line), None)
    cause = {"wifi.password": section} if section else {}
    check_together(config, cause | reader.without_password | reader.lines, reader.wrong, report)
    return config, tuple(sorted(problems, key=lambda problem: problem.line or 0))


def _reporter(name: str, problems: list[Problem]) -> Report:
    def report(line: int | None, key: str | None, what: str) -> None:
        problems.append(Problem(name, line, key if key and is_presentable(key) else None, what))

    return report


def _is_null(node: Node) -> bool:
    return getattr(node, "kind", None) == "null"


def _defaults(reader: _Reader) -> Config:
    """The defaults on the hardware that the settings name."""
    if "hardware" in reader.values:
        name = reader.values["hardware"]
        return Config(name, pins=PRESETS[name].pins)
    return Config(pins=NO_OUTPUTS) if "hardware" in reader.wrong else Config()


class _Reader:
    """Collects the values and lines of the keys in a mapping, and reports invalid ones.

    without_password: the line of the Wi-Fi's password, by its dotted key, if it is misspelled, misplaced or empty.
    """

    def __init__(
        self, report: Report, text: abc.Sequence[str], without: Collection[str], wrong: Collection[str]
    ) -> None:
        self._without = without
        self._text = text
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self.without_password: dict[str, int] = {}
        self.wrong = set(wrong)
        self._report = report
        self._unknown = 0

    def read(self, mapping: Mapping, section: str) -> None:
        for entry in mapping.entries:
            dotted = f"{section}.{entry.key}" if section else entry.key
            if dotted in SECTIONS and "." not in entry.key:
                if isinstance(entry.node, Mapping):
                    self.read(entry.node, dotted)
                elif not _is_null(entry.node):
                    self._report(entry.node.line, dotted, self._fault_of_section(entry))
            elif dotted not in KEYS or "." in entry.key:
                self._report_unknown(entry, section, dotted)
            elif dotted not in self._without:
                self._read_value(entry, dotted)

    def _fault_of_section(self, entry: Entry) -> str:
        if isinstance(entry.node, Sequence):
            return "delete the - before its settings"
        if entry.node.line > entry.line:
            return describe(self._text[entry.node.line - 1])
        return "write its settings on lines below it, indented by 2 spaces"

    def _report_unknown(self, entry: Entry, section: str, dotted: str) -> None:
        self._unknown += 1
        if self._unknown > MOST_HINTS:
            self._report(entry.line, section, "unknown setting")
            return
        meant = suggest(entry.key, section)
        if meant in ("wifi", "wifi.password"):
            self.without_password.setdefault("wifi.password", entry.line)
        if meant == "hardware":
            self.wrong.add(meant)
        # Do not repeat any word below wifi: with a misplaced colon, the password is part of a key.
        shown_key = section if section == "wifi" and not meant else dotted
        self._report(entry.line, shown_key, f"unknown setting; {hint(entry.key, section)}")

    def _read_value(self, entry: Entry, dotted: str) -> None:
        key, node = KEYS[dotted], entry.node
        try:
            if key.free_text and isinstance(node, Scalar) and node.cut:
                if not node.plain:
                    raise ValueError("put the # into the quotes, or write a space before it")
                raise ValueError("put the value in quotes: a # after a space begins a comment")
            if _is_null(node) and not key.null:
                if dotted == "wifi.password":
                    self.without_password[dotted] = entry.line
                return
            self.lines[dotted] = entry.line
            self.values[dotted] = key.check(node)
        except ValueError as error:
            self.wrong.add(dotted)
            self._report(node.line, dotted, str(error))


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
