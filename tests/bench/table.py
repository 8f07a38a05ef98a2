"""The tables that the bench prints: a measure a row, both values, their ratio, and whether the goal is reached."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "programs": "performance.md",
        "display": "performance.md",
        "history": "performance.md",
        "recovery": "robustness.md",
        "soak": "robustness.md",
    }
)
"""The document in DOCS that each table is written to, by the table's name."""
PROGRAMS = ("", "appliance", "plain client")
"""Column heads of the programs' table."""
DISPLAY = ("display path", "appliance", "stock luma")
"""Column heads of the display's table."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of both programs, in its unit. plain: None if there is nothing to compare with.

    at_most, at_least: goals for the ratio appliance / plain. limit: a goal for the appliance's value alone.
    """

    what: str
    unit: str
    appliance: float
    plain: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """The appliance's value divided by the plain one; None if the plain one is zero or either is infinite."""
        if not self.plain or math.isinf(self.appliance) or math.isinf(self.plain):
            return None
        return self.appliance / self.plain

    @property
    def reached(self) -> bool | None:
        """Whether every goal is reached; None without a goal."""
        ratio, goals = self.ratio, []
        if self.at_most is not None:
            goals.append(ratio is not None and ratio <= self.at_most)
        if self.at_least is not None:
            goals.append(ratio is None or ratio >= self.at_least)
        if self.limit is not None:
            goals.append(self.appliance <= self.limit)
        return all(goals) if goals else None

    def cells(self) -> tuple[str, ...]:
        """The row as printed."""
        goal = ""
        if self.at_most is not None:
            goal = f"<= {self.at_most:g} x"
        elif self.at_least is not None:
            goal = f">= {self.at_least:g} x"
        elif self.limit is not None:
            goal = f"<= {self.limit:g} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} x"
        mark = {None: "", True: "ok", False: "MISSED"}[self.reached]
        return self.what, self._with_unit(self.appliance), self._with_unit(self.plain), ratio, goal, mark

    def _with_unit(self, value: float | None) -> str:
        if value is None:
            return ""
        if math.isinf(value):
            return "never"
        digits = 0 if value >= 1000 else 1 if value >= 10 else 2
        return f"{value:,.{digits}f} {self.unit}"


def render(rows: Iterable[Row], names: tuple[str, str, str] = PROGRAMS) -> str:
    """All rows in columns under a head. names: heads of the first three columns."""
    cells = [(*names, "ratio", "goal", ""), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others, mark = row
        middle = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=False))
        lines.append("  ".join((f"{first:<{widths[0]}}", *middle, mark)).rstrip())
    return "\n".join(lines)


def write_to_docs(name: str, table: str, docs: Path = DOCS) -> None:
    """Replace the table of this name in its document. Raises ValueError if the document lacks the table's markers."""
    document = docs / DOCUMENTS[name]
    begin, end = f"<!-- bench {name}: begin -->\n", f"<!-- bench {name}: end -->"
    before, _, rest = document.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{document}: no markers for the table {name}")
    document.write_text(f"{before}{begin}```\n{table}\n```\n{end}{after}")
