"""The display: its controller, and the question whether its picture is shifted."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.values import DisplayIdentity
from appliance.core.view import Line, Listing, Message, Row, Size


def display_screen(display: DisplayIdentity, headline: str) -> Listing:
    """The controller, and how this box knows it. headline: replaces the title unless it is empty."""
    rows = [
        Row(display.driver.upper(), texts.DISPLAY_ADDRESS.format(address=display.address)),
        Row(_origin(display)),
    ]
    if display.raw:
        rows.append(Row(texts.DISPLAY_ANSWERS.format(raw=display.raw)))
    return Listing(headline or texts.DISPLAY, tuple(rows))


def shifted_screen(display: DisplayIdentity) -> Message:
    """The question; a press swaps the drivers of the two controllers that look alike."""
    lines = (
        Line(texts.PICTURE_SHIFTED, Size.MEDIUM),
        Line(texts.DRAWN_FOR.format(driver=display.driver.upper()), spare=1),
        Line(texts.SHIFTED_YES),
        Line(texts.SHIFTED_NO),
    )
    return Message(lines)


def _origin(display: DisplayIdentity) -> str:
    if display.found is None:
        return texts.DRIVER_SET
    return texts.DRIVER_DETECTED if display.driver == display.found else texts.DRIVER_CHOSEN
