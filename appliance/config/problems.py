"""Errors in the settings, with their place in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Report = Callable[[int | None, str | None, str], None]
"""Reports a problem: line (from 1), dotted key, message; the first two may be None."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in the settings. line (from 1), key (dotted): None if not applicable."""

    file: str
    line: int | None
    key: str | None
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class ConfigError(Exception):
    """Invalid settings. problems: in the file's order; never empty."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
