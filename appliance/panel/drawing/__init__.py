"""Draws a Screen as a one-bit picture, for a display of any size.

Adds the pixel shift against burn-in, the heartbeat, and the feedback on a press; each kind of screen has its own
module. No pixel shift cuts anything off. Pure: the same View gives the same picture.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from appliance.core.view import Asleep, Count, Listing, Message, Paged, Screen, Today, View
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.count import draw_count
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.listing import draw_listing
from appliance.panel.drawing.message import draw_message
from appliance.panel.drawing.paged import draw_paged
from appliance.panel.drawing.shapes import HEART, HEARTS, bitmap
from appliance.panel.drawing.text import fit_row, tight_row
from appliance.panel.drawing.today import draw_today
from appliance.panel.drawing.visual_order import to_drawable

if TYPE_CHECKING:
    from PIL.Image import Image

PIXEL_SHIFTS = ((0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1), (1, 1), (0, 1))
"""Offsets of the picture: nine positions, in a closed path of single-pixel steps."""
LOW_PIXEL_SHIFTS = ((0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1))
"""The same for a display of 32 rows or fewer, which can spare fewer rows."""


def draw(view: View, size: tuple[int, int] = (128, 64)) -> Image:
    """Draw a view. size: width and height in pixels. The picture's mode is "1"; lit pixels are 1."""
    return draw_screen(view.screen, size, beat=view.beat, pressed=view.pressed, shift=view.walk)


def draw_screen(
    screen: Screen,
    size: tuple[int, int] = (128, 64),
    *,
    beat: bool | None = None,
    pressed: bool = False,
    shift: int = 0,
) -> Image:
    """Draw a screen. beat, pressed: as in View. shift: View.walk. All else is as in `draw`."""
    from PIL import Image

    offsets = PIXEL_SHIFTS if size[1] > 32 else LOW_PIXEL_SHIFTS
    room = max(1, size[0] - max(x for x, _ in offsets)), max(1, size[1] - max(y for _, y in offsets))
    whole = Image.new("1", size)
    if isinstance(screen, Asleep):
        canvas = Canvas(*size)
        _draw_asleep(canvas, screen, shift)
        at = (0, 0)
    else:
        canvas = compose(screen, room, beat)
        at = offsets[shift % len(offsets)]
    if pressed:
        invert_corner(canvas)
    whole.paste(canvas.image, at)
    return whole


def compose(
    screen: Message | Count | Paged | Listing | Today, room: tuple[int, int], beat: bool | None, margin: int = 0
) -> Canvas:
    """Draw a screen and its heartbeat on a canvas of this width and height. margin: see Canvas."""
    canvas = Canvas(*room, margin)
    corner = HEART if beat is not None else 0
    match screen:
        case Count():
            draw_count(canvas, screen)
        case Paged():
            draw_paged(canvas, screen)
        case Listing():
            draw_listing(canvas, screen, corner)
        case Today():
            draw_today(canvas, screen, corner)
        case Message():
            draw_message(canvas, screen, corner)
    if beat is not None:
        heart = bitmap(HEARTS[beat])
        edge = 2 if isinstance(screen, Paged) else 0
        at = room[0] - heart.width - edge, room[1] - heart.height - edge
        canvas.stamp(heart, *at, lit=not isinstance(screen, Paged))
    return canvas


def invert_corner(canvas: Canvas) -> None:
    """Give feedback on a press: fold the top right corner, light on dark or dark on light."""
    side = 12 if canvas.height >= 48 else 9
    right = canvas.width - 1
    corner = canvas.image.crop((canvas.width - side, 0, canvas.width, side)).convert("L").histogram()
    lit = corner[255] < corner[0]
    canvas.shape((right - side - 1, 0), (right, 0), (right, side + 1), lit=not lit)
    canvas.shape((right - side + 1, 0), (right, 0), (right, side - 1), lit=lit)


def _draw_asleep(canvas: Canvas, asleep: Asleep, shift: int) -> None:
    """Draw the small word at a position that changes with the shift, or nothing."""
    text = to_drawable(asleep.word)
    row = fit_row(text, Face.REGULAR, 11, canvas.width)
    row = tight_row(row.text, row.face, row.size)
    if row.height > canvas.height:
        return
    columns, rows = canvas.width - row.width + 1, canvas.height - row.height + 1
    row.paint(canvas, shift * _stride(columns) % columns, shift * _stride(rows) % rows)


def _stride(places: int) -> int:
    """A large step that visits every position (modulo `places`) before it repeats one."""
    step = max(1, int(places * 0.382))
    while gcd(step, places) > 1:
        step += 1
    return step
