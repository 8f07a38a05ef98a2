"""The first mistake in the settings file."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.values import Mistake
from appliance.core.view import Line, Message, Size

LONGEST_MISTAKE = 90
"""Characters shown of a mistake: as much as the display has room for. The log has all of it."""


def settings_screen(mistakes: tuple[Mistake, ...]) -> Message:
    """The first mistake in full; once it is corrected, the next one is shown."""
    first, *others = mistakes
    what = f"{first.key}: {first.text}" if first.key else first.text
    title = texts.SETTINGS if first.line is None else texts.SETTINGS_LINE.format(line=first.line)
    more = [Line(texts.MORE_MISTAKES.format(count=len(others)))] if others else []
    return Message((Line(title, Size.MEDIUM), Line(legible(what, LONGEST_MISTAKE)), *more))
