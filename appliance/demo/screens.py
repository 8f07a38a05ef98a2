"""A sheet of the screens, drawn by the same code as the display: the README's picture, and a designer's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.core.events import Denial
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.states import (
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Link,
    Offer,
    Offline,
    Pairing,
    Phase,
    State,
    World,
)
from appliance.core.values import Address, Credential, Gateway, Order, Token
from appliance.core.view import Leds, Light
from appliance.panel.drawing import draw

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

SCALE = 3
COLUMNS = 3
MARGIN = 16
CAPTION = 22
LAMP = 16
COLOURS = {"green": (70, 200, 90), "amber": (245, 175, 40), "red": (235, 70, 60)}

_BAR = Gateway("Bar", (Address("192.168.1.20"),))
_TERRACE = Gateway("Terrace", (Address("192.168.1.30"),))
_SEEN = World(addresses=("192.168.1.42",), gateways={"Bar": _BAR})
_PAIRED = replace(_SEEN, current=Credential("Bar", Token("not shown")))
_TWO = replace(_SEEN, gateways={"Bar": _BAR, "Terrace": _TERRACE})


def _orders(*ages: float, paged: int = 0) -> OrderBook:
    orders = [Order(str(number), elapsed=age, paged=number < paged) for number, age in enumerate(ages)]
    return replaced(OrderBook(), orders, 0.0)


def _connected(book: OrderBook, world: World = _PAIRED) -> Connected:
    return Connected(world, _BAR, _BAR.addresses[0], 1, book, 300.0)


def _offline(world: World, why: str = "gateway unreachable") -> Offline:
    return Offline(world, Link(_BAR), -190.0, why)


EXAMPLES: tuple[tuple[str, State], ...] = (
    ("no gateway in sight", Discovering(replace(_SEEN, gateways={}))),
    ("no network", Discovering(replace(_SEEN, gateways={}, addresses=()))),
    ("a gateway is found", AwaitingPairing(_SEEN)),
    ("pairing", Pairing(_SEEN, 1, 103.0, frozenset({"Bar"}), answers={"Bar": Denial.NOT_PRESSED})),
    ("one of two gateways answered", Pairing(_TWO, 1, 95.0, offers=(Offer(_BAR, Token("not shown")),))),
    ("the two minutes are over", AwaitingPairing(_SEEN, "window over")),
    ("connecting", Connecting(_PAIRED, Link(_BAR, Phase.OPENING))),
    ("all is well", _connected(_orders(*range(10, 130, 10)))),
    ("one is paged", _connected(_orders(225.0, 40.0, 12.0, paged=1))),
    ("some are late", _connected(_orders(700.0, 431.0, 200.0, 20.0, *[15.0] * 21, paged=2))),
    ("one was never cleared", _connected(_orders(4 * 3600.0, 95.0))),
    ("the disk is full", _connected(_orders(61.0), replace(_PAIRED, unsaved=True))),
    ("the gateway is gone", _offline(_PAIRED)),
    ("the cable is out", _offline(replace(_PAIRED, addresses=()))),
    ("the button is held", _connected(_orders(30.0), replace(_PAIRED, down_since=-2.0))),
)
"""Each screen that a person meets, at second 0, with a caption."""


def sheet() -> Image.Image:
    """Every example, enlarged, with its LEDs beside it and its caption below."""
    from PIL import Image, ImageDraw, ImageFont

    wide, high = 128 * SCALE, 64 * SCALE
    cell = (wide + LAMP * 3 + MARGIN, high + CAPTION + MARGIN)
    rows = -(-len(EXAMPLES) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * cell[0] + MARGIN, rows * cell[1] + MARGIN), (250, 250, 247))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(15)
    for number, (caption, state) in enumerate(EXAMPLES):
        view = present(state, 0.0).view
        left = MARGIN + number % COLUMNS * cell[0]
        top = MARGIN + number // COLUMNS * cell[1]
        screen = draw(view.screen).resize((wide, high), Image.Resampling.NEAREST).convert("L")
        picture.paste((12, 18, 26), (left, top, left + wide, top + high))
        picture.paste((170, 225, 255), (left, top), screen)
        pen.text((left, top + high + 3), caption, (60, 60, 60), font)
        _lamps(pen, view.leds, left + wide + LAMP // 2, top)
    return picture


def save_sheet(path: Path) -> None:
    """Write the sheet as PNG. Raises OSError."""
    # A palette of few colours keeps the picture of a two-coloured display small.
    sheet().quantize(64).save(path, optimize=True)


def _lamps(pen: ImageDraw.ImageDraw, leds: Leds, left: int, top: int) -> None:
    for place, (name, light) in enumerate((("green", leds.green), ("amber", leds.amber), ("red", leds.red))):
        box = (left, top + place * LAMP * 2, left + LAMP, top + place * LAMP * 2 + LAMP)
        colour = COLOURS[name] if light is not Light.OFF else (222, 222, 216)
        pen.ellipse(box, fill=colour, outline=(120, 120, 120))
        if light in (Light.SLOW, Light.FAST):
            words = "slow" if light is Light.SLOW else "fast"
            pen.text((left - 2, box[3] + 1), words, (120, 120, 120))
