"""What a check found, as a value."""

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
    """One line of the doctor's. mend: what to do about it, the likeliest first; only where something is wrong."""

    state: State
    words: str
    mend: tuple[str, ...] = ()


def ok(words: str) -> Finding:
    """It works."""
    return Finding(State.OK, words)


def wrong(words: str, *mend: str) -> Finding:
    """It does not work, and this may mend it."""
    return Finding(State.WRONG, words, mend)


def not_tried(why: str) -> Finding:
    """It could not be tried."""
    return Finding(State.NOT_TRIED, why)
