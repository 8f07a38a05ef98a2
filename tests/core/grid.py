"""Writes the grid, one row for every state and event, and the state diagram of docs/architecture.md drawn from it.

Run `python -m tests.core.grid` after a change of the machine, and review the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from appliance.core.backups import BackupStatus
from appliance.core.effects import Effect
from appliance.core.orders import OrderBook
from appliance.core.states import NAMES, Alert, Erase, Link, ScreenId, State
from appliance.core.updates import UpdateStatus
from appliance.core.values import Address, Board, Credential, DisplayIdentity, Gateway, Token
from tests.core.cases import rows

ROOT = Path(__file__).parents[2]
GRID = Path(__file__).with_name("grid.txt")
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- state diagram: begin -->\n", "<!-- state diagram: end -->\n"


def grid_text() -> str:
    """The grid as text."""
    lines = [
        "# What every event makes of every state: the state that follows, with what is new in it, and the effects.",
        "# An event that is left out changes nothing and has no effect.",
        "# Written by `python -m tests.core.grid`; read every change of it as you would read code.",
    ]
    for state, row in rows(_words).items():
        lines += ["", f"[{state}]", *(f"{event:32} {words}" for event, words in row.items() if words)]
    return "\n".join(lines) + "\n"


def diagram() -> str:
    """The states and their transitions as Mermaid, from the grid."""
    edges: dict[tuple[str, str], list[str]] = {}
    for name, row in rows(lambda _, after, __: NAMES[type(after)]).items():
        before = name.split(",")[0]
        for event, after in row.items():
            if after != before:
                edges.setdefault((before, after), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> discovering"]
    for (before, after), events in edges.items():
        lines.append(
            f"    {before} --> {after}: {'<br>'.join(dict.fromkeys(e.replace('timer: ', '⏱ ') for e in events))}"
        )
    return "\n".join([*lines, "```"]) + "\n"


def with_diagram(text: str) -> str:
    """A document's text with the current diagram between its markers."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}{diagram()}{END}{tail}"


def _words(before: State, after: State, effects: list[Effect]) -> str:
    if before == after and not effects:
        return ""
    parts = [] if before == after else [_state(before, after)]
    return "; ".join([*parts, *map(_effect, effects)])


def _state(before: State, after: State) -> str:
    name = NAMES[type(after)]
    details = []
    link, reason = getattr(after, "link", None), getattr(after, "reason", None) or getattr(after, "why", None)
    if link is not None:
        details.append(link.phase.name.lower())
    if reason:
        details.append(reason)
    details += _changes(before if type(before) is type(after) else None, after)
    details += _changes(before.world, after.world)
    if link is not None:
        details += _changes(getattr(before, "link", Link(None)), link)
    return f"-> {name}" + (f" ({'; '.join(details)})" if details else "")


def _changes(before: object, after: object) -> list[str]:
    """The changed fields, with short values. before: None for a new state, of which all fields are listed."""
    shown = (field for field in fields(after) if field.name not in _SHOWN_ELSEWHERE)  # type: ignore[arg-type]
    pairs = ((field.name, _former(before, field), getattr(after, field.name)) for field in shown)
    return [_change(name, new) for name, old, new in pairs if old != new]


def _former(before: object, field: Field[Any]) -> object:
    if before is not None:
        return getattr(before, field.name)
    return field.default if field.default_factory is MISSING else field.default_factory()


def _change(name: str, value: object) -> str:
    match value:
        case OrderBook():
            return f"{name} of {' '.join(value.held) or 'no order'}"
        case Mapping() | frozenset() if all(isinstance(key, str) for key in value):
            return f"{name} {' '.join(sorted(value)) or '-'}"
        case tuple() | Mapping() | Alert():
            return name
        case _:
            return f"{name} {_value(value)}"


_SHOWN_ELSEWHERE = ("world", "link", "phase", "reason", "why")


def _effect(effect: Effect) -> str:
    values = (getattr(effect, field.name) for field in fields(effect))
    return f"{type(effect).__name__}({', '.join(_value(value) for value in values)})"


def _value(value: object) -> str:
    match value:
        case Token():
            return {"a": "old token", "b": "new token"}[value.reveal()[0]]
        case Credential():
            return f"{_value(value.token)} of {value.gateway}"
        case Gateway():
            return value.name
        case Address():
            return value.host
        case ScreenId():
            return value.name.lower()
        case DisplayIdentity():
            return f"{value.driver} at 0x{value.address:02X}, {value.raw}"
        case Board():
            return "read"
        case UpdateStatus():
            return f"{value.phase} {value.version}".rstrip()
        case BackupStatus():
            return f"{value.phase} {value.reason}".rstrip()
        case Erase():
            return f"after press {value.presses}"
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


if __name__ == "__main__":
    GRID.write_text(grid_text())
    ARCHITECTURE.write_text(with_diagram(ARCHITECTURE.read_text()))
