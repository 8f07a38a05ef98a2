"""The wiring diagram for the pins in the settings.

The header is in the middle, seen from above; display, button and LEDs are on its left, and the buzzer with its
transistor on its right. A wire from the right column to the left side passes between two rows.
"""

from __future__ import annotations

from appliance.config import Pins
from appliance.pictures import wiring_parts
from appliance.pictures.header_pins import GROUND, POSITIONS, POWER_3V3, POWER_5V, Wire, wires
from appliance.pictures.svg import FAINT, FONT, GROUND_WIRE, INK, PAPER, Point, box, circle, pill, tag, text, wire

WIDTH, HEIGHT = 1180, 720
LEFT, TOP, STEP, APART = 610.0, 108.0, 27.0, 30.0
"""Position of the first pin, and the distances between rows and columns."""
LABEL = 62.0
"""Distance from a pin to the centre of its label."""
COLOURS = {
    "VCC": "#c62828",
    "plus": "#c62828",
    "SDA": "#1565c0",
    "SCL": "#7b1fa2",
    "contact": "#00838f",
    "green LED": "#2e7d32",
    "amber LED": "#c77700",
    "red LED": "#d84343",
    "base": "#8d5524",
}


def wiring(pins: Pins) -> str:
    """The diagram as SVG. pins: BCM numbers."""
    used = wires(pins)
    drawn = [
        "<title>Wiring of the Table Tracker appliance</title>",
        "<defs>"
        + '<marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        + f'<path d="M0 0 L8 4 L0 8 Z" fill="{INK}"/></marker></defs>',
        box((1, 1), (WIDTH - 2, HEIGHT - 2), rx=14, fill=PAPER, stroke="#d5d8dc"),
        text((30, 38), "Table Tracker appliance: wiring", font_size=20, font_weight=700),
        text((30, 62), "Numbers at the pins are positions on the header; GPIO numbers are BCM.", fill=FAINT),
        _board(),
        box((LEFT - 14, TOP - 14), (APART + 28, 19 * STEP + 28), rx=4, fill="#d9dce0", stroke="#b9bec5"),
        *(_wire(one) for one in used),
        _header({one.position: one for one in used}),
        wiring_parts.display(),
        wiring_parts.button(),
        wiring_parts.leds(),
        wiring_parts.buzzer(),
        wiring_parts.notes(),
    ]
    style = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": WIDTH, "height": HEIGHT, "font_family": FONT}
    return tag("svg", "\n" + "\n".join(drawn) + "\n", xmlns="http://www.w3.org/2000/svg", **style) + "\n"


def place(position: int) -> Point:
    """A pin's coordinates in the diagram. position: on the header, from 1 to 40."""
    row, right = divmod(position - 1, 2)
    return LEFT + right * APART, TOP + row * STEP


def colour(one: Wire) -> str:
    """A wire's colour; ground wires share one."""
    return COLOURS.get(one.part) or COLOURS.get(one.end) or GROUND_WIRE


def _wire(one: Wire) -> str:
    pin, (end, lane) = place(one.position), wiring_parts.ENDS[one.part, one.end]
    start = [pin]
    level = pin[1]
    if (end[0] < LEFT) == (one.position % 2 == 0):
        # Pass between two pins of the other column.
        inwards = -1 if end[0] < LEFT else 1
        level += STEP / 2
        start.append((pin[0] + inwards * APART / 2, level))
    route = [*start, (lane, level), (lane, end[1]), end]
    facts = {"class_": "wire", "data_part": one.part, "data_end": one.end, "data_position": one.position}
    if one.bcm is not None:
        facts["data_bcm"] = one.bcm
    return tag("g", wire(route, colour(one)), **facts)


def _board() -> str:
    corner = (LEFT - 26, TOP - 44)
    drawn = box(corner, (APART + 52, 19 * STEP + 88), rx=10, fill="#e3efe6", stroke="#9dbba5", stroke_width=1.5)
    middle = LEFT + APART / 2
    style = {"text_anchor": "middle", "fill": "#4c6b55", "font_size": 11}
    drawn += text((middle, TOP - 30), "SD card", **style)
    drawn += text((middle, TOP + 19 * STEP + 31), "USB", **style)
    return drawn + text(
        (middle, TOP + 19 * STEP + 62), "Raspberry Pi, seen from above", text_anchor="middle", fill=FAINT
    )


def _header(used: dict[int, Wire]) -> str:
    drawn = ""
    for position in range(1, 41):
        at, one = place(position), used.get(position)
        fill = colour(one) if one else "#f2f3f4"
        drawn += circle(at, 10.5, id=f"pin-{position}", fill=fill, stroke="#c2a04a", stroke_width=1.5)
        shade = "#fff" if one else "#7b828b"
        drawn += text(at, str(position), font_size=10.5, font_weight=600, text_anchor="middle", fill=shade)
        side = -LABEL if position % 2 else LABEL
        if one is not None:
            drawn += pill((at[0] + side, at[1]), one.label, colour(one))
        else:
            anchor = "end" if position % 2 else "start"
            near = at[0] + (-32 if position % 2 else 32)
            drawn += text((near, at[1]), _name(position), font_size=10.5, fill="#8a919b", text_anchor=anchor)
    return tag("g", drawn, class_="header")


def _name(position: int) -> str:
    if position in GROUND:
        return "ground"
    if position in POWER_3V3 + POWER_5V:
        return "3.3 V" if position in POWER_3V3 else "5 V"
    return next(f"GPIO {bcm}" for bcm, at in POSITIONS.items() if at == position)
