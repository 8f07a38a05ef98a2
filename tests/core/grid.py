"""Writes the grid, one row for every state and event, and the state diagram of docs/architecture.md drawn from it.

`python -m tests.core.grid` writes both anew after a change of the machine; the difference is then read by a person.
"""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from pathlib import Path

from appliance.core.effects import Effect
from appliance.core.states import NAMES, State
from appliance.core.values import Address, Credential, Gateway, Token
from tests.core.cases import rows

ROOT = Path(__file__).parents[2]
GRID = Path(__file__).with_name("grid.txt")
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- state diagram: begin -->\n", "<!-- state diagram: end -->\n"


def grid_text() -> str:
    """The grid as text; a state that stays as it was, and does nothing, is a dot."""
    lines = [
        "# What every event makes of every state: the state that follows, and the effects. A dot: nothing.",
        "# Written by `python -m tests.core.grid`; read every change of it as you would read code.",
    ]
    for state, row in rows(_words).items():
        lines += ["", f"[{state}]", *(f"{event:32} {words}" for event, words in row.items())]
    return "\n".join(lines) + "\n"


def diagram() -> str:
    """The states and what leads from one to another, as Mermaid, drawn from the grid."""
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
        return "."
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
    if type(before) is type(after):
        changed = [field.name for field in fields(after) if getattr(before, field.name) != getattr(after, field.name)]
        if "world" in changed:
            world = [
                f.name for f in fields(after.world) if getattr(before.world, f.name) != getattr(after.world, f.name)
            ]
            changed[changed.index("world")] = "/".join(world)
        details.append("other " + ", ".join(changed))
    return f"-> {name}" + (f" ({'; '.join(details)})" if details else "")


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
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


if __name__ == "__main__":
    GRID.write_text(grid_text())
    ARCHITECTURE.write_text(with_diagram(ARCHITECTURE.read_text()))
