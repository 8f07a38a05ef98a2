"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """The mark before a finding."""

    OK = "ok"
    WRONG = "WRONG"
    NOT_TRIED = "?"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. advice: how to fix it, most likely first; empty unless something is wrong."""

    state: State
    words: str
    advice: tuple[str, ...] = ()


def ok(words: str) -> Finding:
    """A finding: the part works."""
    return Finding(State.OK, words)


def wrong(words: str, *advice: str) -> Finding:
    """A finding: the part does not work."""
    return Finding(State.WRONG, words, advice)


def not_tried(why: str) -> Finding:
    """A finding: the part could not be tested."""
    return Finding(State.NOT_TRIED, why)
