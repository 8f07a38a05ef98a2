"""What the user's terminal can do, and wants: cursor movements and colours."""

from __future__ import annotations

import os
from typing import TextIO

DUMB = "dumb"
"""The TERM of a terminal that prints lines and nothing else, such as a shell within an editor."""


def is_dumb() -> bool:
    """Whether the terminal has no cursor that a program can move."""
    return os.environ.get("TERM") == DUMB


def moves_cursor(out: TextIO) -> bool:
    """Whether a stream is a terminal on which a line can be written again."""
    return out.isatty() and not is_dumb()


def wants_colours() -> bool:
    """Whether the user wants colours (no-color.org)."""
    return not os.environ.get("NO_COLOR")
