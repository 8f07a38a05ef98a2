"""Draws the icons of messages, 24 by 24 pixels, for displays of either height."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.core.view import Icon
from appliance.panel.drawing.canvas import Canvas

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 24


@lru_cache(maxsize=16)
def icon(which: Icon) -> Image:
    """Draw an icon as a one-bit picture of SIDE by SIDE pixels."""
    canvas = Canvas(SIDE, SIDE)
    match which:
        case Icon.STARTING:
            _dome(canvas)
        case Icon.SEARCH:
            _lens(canvas)
        case Icon.PRESS_HERE:
            _push_button(canvas)
            _press(canvas, 11)
        case Icon.PRESS_GATEWAY:
            _gateway(canvas)
            _press(canvas, 18)
        case Icon.PAIRED:
            _boxes(canvas, 14)
            canvas.fill(9, 18, 14, 19)
            canvas.line((6, 5), (10, 9), (18, 1), width=3)
        case Icon.CONNECTING:
            _boxes(canvas, 8)
            for left in (9, 11, 13):
                canvas.fill(left, 12, left, 13)
            _arrows(canvas)
        case Icon.OFFLINE:
            _waves(canvas)
        case Icon.NO_NETWORK:
            _plug(canvas)
        case Icon.WARNING:
            _triangle(canvas)
        case Icon.STOPPING:
            _power(canvas)
    return canvas.image


def _dome(canvas: Canvas) -> None:
    """A dish under its cover, as it leaves the kitchen."""
    canvas.round(10, 1, 13, 4)
    canvas.round(2, 5, 21, 30)
    canvas.fill(0, 18, 23, 30, lit=False)
    canvas.arc((5, 8, 16, 24), 190, 255)
    canvas.fill(0, 20, 23, 21)
    for x, y in ((6, 14), (6, 15), (7, 12), (7, 13), (8, 11), (9, 10)):
        canvas.fill(x, y, x, y, lit=False)


def _lens(canvas: Canvas) -> None:
    canvas.round(1, 1, 16, 16)
    canvas.round(3, 3, 14, 14, lit=False)
    canvas.line((15, 14), (22, 21), width=1)
    canvas.shape((14, 16), (16, 14), (23, 21), (21, 23))
    canvas.arc((5, 5, 12, 12), 180, 250)


def _press(canvas: Canvas, x: int) -> None:
    """An arrow down to a button whose middle two columns begin at x."""
    canvas.fill(x, 0, x + 1, 4)
    for row in range(4):
        canvas.fill(x - 3 + row, 5 + row, x + 4 - row, 5 + row)


def _button(canvas: Canvas, x: int, top: int) -> None:
    canvas.fill(x - 1, top, x + 2, top + 3)
    canvas.fill(x - 2, top + 1, x + 3, top + 2)


def _push_button(canvas: Canvas) -> None:
    """A push button, seen from the front and above."""
    canvas.round(0, 11, 23, 23)
    canvas.round(2, 12, 21, 21, lit=False)
    canvas.round(5, 10, 18, 18)


def _gateway(canvas: Canvas) -> None:
    """The other box, with its aerial and its button."""
    canvas.frame(0, 15, 23, 23)
    canvas.fill(4, 7, 5, 15)
    canvas.round(3, 5, 6, 8)
    canvas.arc((0, 2, 9, 11), 135, 225)
    canvas.arc((0, 2, 9, 11), 315, 45)
    for left in (3, 6, 9):
        canvas.fill(left, 19, left + 1, 20)
    canvas.fill(15, 15, 22, 15, lit=False)
    canvas.fill(15, 15, 15, 16)
    canvas.fill(22, 15, 22, 16)
    canvas.fill(14, 15, 14, 15)
    canvas.fill(16, 12, 21, 17)


def _boxes(canvas: Canvas, top: int) -> None:
    """This box at the left and the gateway at the right."""
    for left in (0, 15):
        canvas.frame(left, top, left + 8, top + 9)
    canvas.fill(2, top + 2, 6, top + 4)
    canvas.fill(2, top + 6, 6, top + 7)
    for left in (17, 19, 21):
        canvas.fill(left, top + 6, left, top + 7)


def _arrows(canvas: Canvas) -> None:
    for left, tip, top in ((4, 19, 3), (19, 4, 20)):
        step = 1 if tip > left else -1
        canvas.line((left, top), (tip, top))
        for back in (1, 2):
            canvas.line((tip - step * back, top - back), (tip - step * back, top + back))


def _waves(canvas: Canvas) -> None:
    """A radio's waves, struck out."""
    canvas.round(10, 18, 13, 21)
    canvas.arc((5, 13, 18, 26), 220, 320, width=2)
    canvas.arc((0, 8, 23, 31), 222, 318, width=2)
    canvas.arc((-5, 3, 28, 36), 227, 313, width=2)
    canvas.line((2, 1), (23, 22), lit=False, width=5)
    canvas.line((2, 2), (21, 21), width=2)


def _plug(canvas: Canvas) -> None:
    """A plug that is out of its socket."""
    canvas.fill(0, 11, 3, 12)
    canvas.fill(4, 9, 5, 14)
    canvas.fill(6, 7, 10, 16)
    canvas.fill(11, 9, 13, 9)
    canvas.fill(11, 14, 13, 14)
    canvas.fill(17, 7, 18, 16)
    canvas.fill(17, 7, 20, 8)
    canvas.fill(17, 15, 20, 16)
    canvas.fill(19, 9, 20, 14)
    canvas.fill(21, 11, 23, 12)
    canvas.line((13, 4), (12, 1))
    canvas.line((16, 4), (17, 1))
    canvas.line((13, 19), (12, 22))
    canvas.line((16, 19), (17, 22))


def _triangle(canvas: Canvas) -> None:
    canvas.shape((11, 1), (12, 1), (23, 22), (0, 22))
    canvas.fill(11, 8, 12, 15, lit=False)
    canvas.fill(11, 18, 12, 19, lit=False)


def _power(canvas: Canvas) -> None:
    canvas.arc((2, 3, 21, 22), 305, 235, width=3)
    canvas.fill(11, 0, 12, 11)
    canvas.fill(10, 0, 13, 10)
