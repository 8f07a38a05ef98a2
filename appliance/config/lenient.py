"""Reads settings with errors: uses the valid ones, and returns the errors.

A box without a login has to go on with what is right. So that it joins no network by accident, a Wi-Fi whose password
is in doubt is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from appliance.config.file_text import read_bytes, text_of, with_plain_punctuation
from appliance.config.keys import KEYS
from appliance.config.line_faults import describe, key_of
from appliance.config.presets import NO_OUTPUTS
from appliance.config.problems import ConfigError, Problem
from appliance.config.reader import Document, examine, parse_document
from appliance.config.values import Config, WifiConfig
from appliance.config.yaml_lines import InvalidYamlError, TooManyValuesError
from appliance.core.values import Mistake

MOST_BROKEN = 20
"""Maximum number of ignored lines with invalid YAML, in a file of the usual size; a file with more is ignored."""
USUAL_SIZE = 8 * 1024
"""Characters. In a larger file, fewer lines may be ignored: each costs several attempts to parse all of it."""
_HARDWARE = re.compile(r"^[^\w#\n]*hardware\b|^[^#\n]*\bhardware['\"]?\s*[:=]", re.IGNORECASE | re.MULTILINE)
"""A line that seems to name the hardware, whether or not it can be read."""


def load_leniently(path: Path) -> tuple[Config, tuple[Mistake, ...]]:
    """The settings in a file, with defaults for invalid ones, and the errors. Never raises.

    A missing file is an error too: a PC may have saved it as `tt-appliance.yaml.txt`.
    """
    try:
        data = read_bytes(path)
    except ConfigError as error:
        return Config(pins=NO_OUTPUTS), _mistakes(error.problems)
    return parse_data_leniently(data, str(path))


def parse_data_leniently(data: bytes, name: str) -> tuple[Config, tuple[Mistake, ...]]:
    """As load_leniently, for a file's bytes. name: the file's."""
    config, problems = read_leniently(data, name)
    return config, _mistakes(problems)


def parse_leniently(text: str, name: str) -> tuple[Config, tuple[Mistake, ...]]:
    """As load_leniently, for a text. name: the file's."""
    config, problems = parse_text(text, name)
    return config, _mistakes(problems)


def read_leniently(data: bytes, name: str) -> tuple[Config, tuple[Problem, ...]]:
    """The valid settings in a file's bytes, and all problems in the file's order."""
    text, unreadable = text_of(data, name)
    return parse_text(text, name, unreadable)


def parse_text(text: str, name: str, unreadable: Iterable[Problem] = ()) -> tuple[Config, tuple[Problem, ...]]:
    """The valid settings in a text, and all problems in the file's order. unreadable: of lines that are left out."""
    text = with_plain_punctuation(text)
    unread = tuple(unreadable)
    document, broken = _parsed(text, name)
    lost = (*unread, *broken)
    wrong = _keys(lost)
    if _HARDWARE.search(text) or any(problem.line is None for problem in unread):
        # Known again if the line is read below.
        wrong.add("hardware")
    config, found = examine(document, wrong=wrong)
    if not found and not lost:
        # All of it was read, so the word is a part of another value, such as a gateway's name.
        config, _ = examine(document)
    without: set[str] = set()
    rest = found
    # For conflicting values, drop the reported one and check the others again.
    while left_out := _keys(rest) - without:
        without |= left_out
        config, rest = examine(document, without, wrong)
    config, refused = _with_safe_wifi(config, found, lost, name)
    return config, _in_order((*lost, *found, *refused))


def _keys(problems: Iterable[Problem]) -> set[str]:
    return {problem.key for problem in problems if problem.key}


def _with_safe_wifi(
    config: Config, found: tuple[Problem, ...], lost: tuple[Problem, ...], name: str
) -> tuple[Config, tuple[Problem, ...]]:
    """The settings without a Wi-Fi whose password is in doubt, and the reason if no problem tells it.

    found: problems of settings. lost: problems of lines that could not be read.
    """
    safe = replace(config, wifi=WifiConfig(config.wifi.country))
    if not config.wifi.joinable or _keys((*found, *lost)) & {"wifi.password", "wifi.open"}:
        return safe, ()
    # A line that is left out, or a key that is misspelled or in the wrong place, may have been the password.
    doubtful = [*lost, *(problem for problem in found if problem.key not in KEYS or problem.key == "wifi.name")]
    if config.wifi.open and doubtful:
        what = "this open Wi-Fi is not joined before that is corrected"
        return safe, (Problem(name, doubtful[0].line, "wifi.open", what),)
    return config, ()


def _parsed(text: str, name: str) -> tuple[Document, tuple[Problem, ...]]:
    """The document without lines of invalid YAML, which become empty to keep line numbers, and their errors.

    The parser may report the line before or after the invalid one: drop the one that leaves fewer errors.
    """
    lines = text.split("\n")
    broken: list[Problem] = []
    most = max(1, min(MOST_BROKEN, MOST_BROKEN * USUAL_SIZE // (len(text) + 1)))
    attempt = _attempt(lines, name)
    while isinstance(attempt, InvalidYamlError):
        candidates = _candidates(lines, attempt.lines)
        too_large = isinstance(attempt, TooManyValuesError)
        if too_large or not candidates or len(broken) == most:
            what = attempt.text if too_large else "has too many lines that can't be read"
            ignored = Problem(name, None, None, f"{what}: all settings are ignored")
            return parse_document("", name), (*broken[:1], ignored)
        separators = [line for line in candidates if lines[line].startswith(("---", "..."))]
        attempts = {line: _attempt(_emptied(lines, line), name) for line in separators or candidates}
        at = min(attempts, key=lambda line: _faults(attempts[line]))
        broken.append(Problem(name, at + 1, key_of(lines, at), attempt.text or describe(lines[at])))
        lines, attempt = _emptied(lines, at), attempts[at]
    return attempt, tuple(broken)


def _attempt(lines: list[str], name: str) -> Document | InvalidYamlError:
    try:
        return parse_document("\n".join(lines), name)
    except InvalidYamlError as error:
        return error


def _faults(attempt: Document | InvalidYamlError) -> tuple[bool, int]:
    """Whether an attempt failed, and its number of problems."""
    return (True, 0) if isinstance(attempt, InvalidYamlError) else (False, len(examine(attempt)[1]))


def _candidates(lines: list[str], reported: Iterable[int]) -> list[int]:
    """The lines that may be invalid, from 0: each reported one, and the one before it."""
    found: list[int] = []
    for line in reported:
        at = _written(lines, min(len(lines), line) - 1)
        if at is not None:
            before = _written(lines, at - 1)
            found += [at] if before is None else [at, before]
    return list(dict.fromkeys(found))


def _written(lines: list[str], at: int) -> int | None:
    """The last line up to this one with more than a comment."""
    return next((line for line in range(at, -1, -1) if lines[line].split("#")[0].strip(" \t")), None)


def _emptied(lines: list[str], at: int) -> list[str]:
    return [*lines[:at], "", *lines[at + 1 :]]


def _mistakes(problems: Iterable[Problem]) -> tuple[Mistake, ...]:
    return tuple(dict.fromkeys(Mistake(problem.line, problem.key, problem.text) for problem in problems))


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(sorted(problems, key=lambda problem: problem.line or 0)))
