"""The timers that the core may start."""

from __future__ import annotations

from enum import StrEnum


class Timer(StrEnum):
    """The machine's one-shot timers. Starting one that runs moves it."""

    ASK = "ask for a token"
    WINDOW = "pairing window"
    RETRY = "try again"
    REFRESH = "whole set again"
    STALE = "whole set overdue"
    SAVE = "save the token"
    LATE = "an order becomes late"
    STUCK = "button is stuck"
    REPEAT = "page again"
    HISTORY = "sync the history"
    RESTART = "restart into the update"
