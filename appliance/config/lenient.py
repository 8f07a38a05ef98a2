"""Reads settings with errors, for a box without a login: uses valid settings and returns the errors for the display."""

from __future__ import annotations

from pathlib import Path

from appliance.config.loader import ConfigError, Problem, examine, read_bytes, text_of
from appliance.config.values import Config
from appliance.core.values import Mistake

MOST_BROKEN = 20
"""Maximum number of ignored lines with invalid YAML; a file with more is ignored."""


def load_leniently(path: Path) -> tuple[Config, tuple[Mistake, ...]]:
    """The settings in a file, with defaults for invalid ones, and the errors. Never raises.

    A missing file is an error too: a PC may have saved it as `tt-appliance.yaml.txt`.
    """
    try:
        data = read_bytes(path)
    except ConfigError as error:
        return Config(), _mistakes(error.problems)
    return parse_data_leniently(data, str(path))


def parse_data_leniently(data: bytes, name: str) -> tuple[Config, tuple[Mistake, ...]]:
    """As load_leniently, for a file's bytes. name: the file's."""
    text, unreadable = text_of(data, name)
    config, mistakes = parse_leniently(text, name)
    return config, _in_order((*_mistakes(unreadable), *mistakes))


def parse_leniently(text: str, name: str) -> tuple[Config, tuple[Mistake, ...]]:
    """As load_leniently, for a text. name: the file's."""
    text, broken = _without_broken_lines(text, name)
    config, found = examine(text, name)
    without: set[str] = set()
    rest = found
    # For conflicting values, drop the reported one and check the others again.
    while left_out := {problem.key for problem in rest if problem.key} - without:
        without |= left_out
        config, rest = examine(text, name, without)
    return config, _mistakes((*broken, *found))


def _without_broken_lines(text: str, name: str) -> tuple[str, tuple[Problem, ...]]:
    """The text without lines of invalid YAML, which become empty to keep line numbers, and their errors.

    The parser often reports the line after the invalid one: of these two, drop the one that leaves fewer errors.
    """
    lines = text.split("\n")
    broken: list[Problem] = []
    while (problem := _broken("\n".join(lines), name)) is not None:
        at = _written(lines, min(len(lines), problem.line or 1) - 1)
        if at is None or len(broken) == MOST_BROKEN:
            return "", (*broken[:1],)
        before = _written(lines, at - 1)
        candidates = (at,) if before is None else (at, before)
        at = min(candidates, key=lambda line: _left("\n".join(_emptied(lines, line)), name))
        broken.append(Problem(name, at + 1, None, None, problem.text))
        lines = _emptied(lines, at)
    return "\n".join(lines), tuple(broken)


def _written(lines: list[str], at: int) -> int | None:
    """The last line up to this one with more than a comment."""
    return next((line for line in range(at, -1, -1) if lines[line].split("#")[0].strip()), None)


def _emptied(lines: list[str], at: int) -> list[str]:
    return [*lines[:at], "", *lines[at + 1 :]]


def _left(text: str, name: str) -> tuple[bool, int]:
    """Whether a text is still invalid YAML, and its number of problems."""
    return _broken(text, name) is not None, len(examine(text, name)[1])


def _broken(text: str, name: str) -> Problem | None:
    """The YAML error in a text: the only problem, and without a key."""
    config, problems = examine(text, name)
    alone = len(problems) == 1 and problems[0].key is None and problems[0].line is not None
    return problems[0] if alone and config == Config() else None


def _mistakes(problems: tuple[Problem, ...]) -> tuple[Mistake, ...]:
    return _in_order(tuple(Mistake(problem.line, problem.key, problem.text) for problem in problems))


def _in_order(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    return tuple(dict.fromkeys(sorted(mistakes, key=lambda mistake: mistake.line or 0)))
