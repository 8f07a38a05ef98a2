"""The screens of the program itself: starting, stopping, and failing again and again."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.view import Icon, Line, Message, Size


def starting_screen(version: str) -> Message:
    """The first screen, before the program knows anything."""
    lines = Line(texts.PRODUCT, Size.MEDIUM), Line(texts.VERSION.format(version=version))
    return Message(lines, icon=Icon.STARTING)


def stopping_screen() -> Message:
    """The last screen, while the program ends."""
    lines = Line(texts.STOPPING, Size.MEDIUM), Line(texts.STOPPING_HINT)
    return Message(lines, icon=Icon.STOPPING)


def failing_screen(*, restart: bool) -> Message:
    """The screen after the program ended five times in a row. restart: the box restarts next, or else the program."""
    what = texts.FAILING_RESTART if restart else texts.FAILING_RETRY
    lines = Line(texts.FAILING, Size.MEDIUM), Line(what), Line(texts.FAILING_HINT)
    return Message(lines, icon=Icon.WARNING)
