"""A picture of one screen: the enlarged display with the LEDs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.panel.front_view import draw_front

if TYPE_CHECKING:
    from PIL.Image import Image

    from appliance.core.view import View

PAPER = (250, 250, 247)
"""The background colour."""


def card(view: View, size: tuple[int, int], scale: int) -> Image:
    """The box's front with a view; RGB.

    size: the display's, in pixels. scale: pixels of the picture per pixel of the display.
    """
    return draw_front(view, size, scale, around=PAPER)
