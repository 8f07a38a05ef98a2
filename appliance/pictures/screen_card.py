"""One screen as a card: the display, enlarged, with its LEDs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.panel.front_view import draw_front

if TYPE_CHECKING:
    from PIL.Image import Image

    from appliance.core.view import View

PAPER = (250, 250, 247)
"""What the pictures stand on, in every theme of those who look at them."""


def card(view: View, size: tuple[int, int], scale: int) -> Image:
    """What the box looks like while it shows a view; RGB.

    size: the display's, in its own pixels. scale: how many pixels of the picture each of them is wide and high.
    """
    return draw_front(view, size, scale, around=PAPER)
