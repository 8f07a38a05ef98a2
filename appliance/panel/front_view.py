"""Draws the front of the box: the display, enlarged, with the three LEDs beside it.

Defines colours and proportions for the window panel and for all pictures of the box.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from appliance.core.view import LedMode, Leds, Power, View
from appliance.panel.drawing import draw

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Colour = tuple[int, int, int]

BACKGROUND: Colour = (7, 11, 20)
PIXELS = {Power.BRIGHT: (165, 232, 255), Power.DIM: (66, 104, 124), Power.DARK: BACKGROUND}
"""The colours of an OLED's lit pixels."""
PLATE: Colour = (47, 51, 58)
FRAME: Colour = (24, 27, 32)
WORDS: Colour = (228, 231, 235)
FAINT: Colour = (138, 145, 154)
LED_COLOURS: tuple[tuple[str, Colour], ...] = (("G", (66, 205, 104)), ("A", (255, 178, 32)), ("R", (255, 84, 72)))
"""Each LED's letter, for people who can't distinguish the colours, and its colour."""
SUPERSAMPLING = 4
"""Scale at which round shapes are drawn before they are reduced, for smooth edges."""

Lit = tuple[bool, bool, bool]


def draw_front(
    view: View, size: tuple[int, int], scale: int, around: Colour = PLATE, lit: Lit | None = None
) -> Image.Image:
    """Draw the front of the box, enlarged. Returns an RGB picture.

    size: the display's width and height in pixels. scale: the size of one of these pixels in the picture. around: the
    colour behind the plate's round corners. lit: the LEDs that are lit at this moment; None for a still picture, which
    shows every LED lit unless it is off, with its mode as text.
    """
    wide, high = size[0] * scale, size[1] * scale
    edge = 4 * scale
    led_column = (19 if lit is None else 14) * scale
    plate = Image.new("RGB", (wide + 3 * edge + led_column, high + 2 * edge), around)
    if around != PLATE:
        plate.paste(PLATE, (0, 0), _plate_mask(plate.size, 2 * scale))
    pen = ImageDraw.Draw(plate)
    pen.rectangle((edge - scale, edge - scale, edge + wide + scale - 1, edge + high + scale - 1), fill=FRAME)
    plate.paste(BACKGROUND, (edge, edge, edge + wide, edge + high))
    mask = draw(view, size).resize((wide, high), Image.Resampling.NEAREST).convert("L")
    plate.paste(PIXELS[view.power], (edge, edge), mask)
    _draw_leds(plate, view.leds, 2 * edge + wide, scale, lit)
    return plate


def font(height: int) -> FreeTypeFont:
    """The font for text outside the display. height: in pixels."""
    found = ImageFont.load_default(size=height)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return found


def _draw_leds(plate: Image.Image, leds: Leds, left: int, scale: int, lit: Lit | None) -> None:
    """Draw the LEDs from top to bottom. left: of their column, in pixels."""
    step = (plate.height - 2 * scale) // 3
    across = min(9 * scale, step - 2 * scale)
    modes = (leds.green, leds.amber, leds.red)
    pen = ImageDraw.Draw(plate)
    for place, (mode, (letter, colour)) in enumerate(zip(modes, LED_COLOURS, strict=True)):
        top = scale + step * place + (step - across) // 2
        is_lit = mode is not LedMode.OFF if lit is None else lit[place]
        _draw_led(plate, (left, top), across, colour if is_lit else None)
        middle = (left + across / 2, top + across / 2)
        pen.text(middle, letter, (20, 20, 20) if is_lit else FAINT, font(across * 5 // 8), anchor="mm")
        if lit is None and mode is not LedMode.OFF:
            at = (left + across + 2 * scale, top + across / 2)
            pen.text(at, str(mode), WORDS, font(max(10, across * 11 // 20)), anchor="lm")


def _draw_led(plate: Image.Image, corner: tuple[int, int], across: int, colour: Colour | None) -> None:
    """Draw one LED: a disc if lit, a ring if dark (colour is None)."""
    plate.paste(colour or FAINT, corner, _led_mask(across, lit=colour is not None))


@lru_cache(maxsize=8)
def _led_mask(across: int, *, lit: bool) -> Image.Image:
    mask = Image.new("L", (across * SUPERSAMPLING, across * SUPERSAMPLING))
    last = across * SUPERSAMPLING - 1
    if lit:
        ImageDraw.Draw(mask).ellipse((0, 0, last, last), fill=255)
    else:
        ImageDraw.Draw(mask).ellipse((0, 0, last, last), outline=255, width=SUPERSAMPLING * max(1, across // 12))
    return mask.resize((across, across), Image.Resampling.BOX)


@lru_cache(maxsize=4)
def _plate_mask(size: tuple[int, int], radius: int) -> Image.Image:
    """The shape of the plate, with round corners."""
    mask = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * SUPERSAMPLING, fill=255)
    return mask.resize(size, Image.Resampling.BOX)
