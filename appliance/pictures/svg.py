"""SVG elements of the wiring diagram: text, lines and symbols of parts. Lengths are in user units."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

Point = tuple[float, float]

PAPER, INK, FAINT, METAL = "#fbfbf8", "#23272e", "#6d747e", "#8a919b"
GROUND_WIRE = "#37404a"
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def tag(name: str, inside: str = "", /, **attributes: object) -> str:
    """An element. In attribute names, underscores become hyphens, and trailing ones are removed."""
    words = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_text(value))}" for key, value in attributes.items()
    )
    return f"<{name}{words}>{inside}</{name}>" if inside else f"<{name}{words}/>"


def text(at: Point, words: str, **attributes: object) -> str:
    """Text, left-aligned unless text_anchor is given, vertically centred."""
    style = {"font_size": 13, "fill": INK} | attributes
    # Centred by the height of capitals, because renderers disagree on dominant-baseline.
    return tag("text", escape(words), x=at[0], y=at[1] + round(0.36 * float(str(style["font_size"])), 1), **style)


def line(points: Sequence[Point], colour: str = INK, wide: float = 2, **attributes: object) -> str:
    """A line through points."""
    style = {"fill": "none", "stroke": colour, "stroke_width": wide, "stroke_linejoin": "round"} | attributes
    return tag("path", d=path(points), **style)


def path(points: Sequence[Point]) -> str:
    """The `d` attribute of a path through points."""
    return "M" + " L".join(f"{_text(x)} {_text(y)}" for x, y in points)


def wire(points: Sequence[Point], colour: str) -> str:
    """A wire, with a gap where it crosses others."""
    style = {"stroke_linecap": "round"}
    return line(points, PAPER, 8, **style) + line(points, colour, 3, **style)


def box(corner: Point, size: Point, **attributes: object) -> str:
    """A rectangle."""
    return tag("rect", x=corner[0], y=corner[1], width=size[0], height=size[1], **attributes)


def circle(at: Point, radius: float, **attributes: object) -> str:
    """A circle."""
    return tag("circle", cx=at[0], cy=at[1], r=radius, **attributes)


def dot(at: Point, colour: str = INK) -> str:
    """A junction of wires."""
    return circle(at, 4, fill=colour)


def pill(at: Point, words: str, colour: str, wide: float = 66) -> str:
    """A label in a coloured box. at: its centre."""
    corner = (at[0] - wide / 2, at[1] - 9)
    style = {"fill": "#fff", "font_size": 12, "font_weight": 600, "text_anchor": "middle"}
    return box(corner, (wide, 18), rx=9, fill=colour) + text(at, words, **style)


def resistor(at: Point, words: str, colour: str = INK, **attributes: object) -> str:
    """A horizontal resistor, 44 long. at: its centre."""
    corner = (at[0] - 22, at[1] - 8)
    drawn = box(corner, (44, 16), rx=2, fill=PAPER, stroke=colour, stroke_width=2, **attributes)
    return drawn + text((at[0], at[1] - 18), words, font_size=12, text_anchor="middle")


def led(at: Point, colour: str, name: str) -> str:
    """A horizontal LED with its anode on the right, 28 long. at: its centre."""
    x, y = at
    drawn = tag("path", d=path([(x + 12, y - 12), (x + 12, y + 12), (x - 10, y)]) + " Z", fill=colour, stroke=INK)
    drawn += line([(x - 11, y - 13), (x - 11, y + 13)], INK, 3)
    for shift in (0, 9):
        start = (x - 4 + shift, y - 15)
        drawn += line([start, (start[0] - 7, start[1] - 10)], INK, 1.5, marker_end="url(#arrow)")
    return drawn + text((x + 2, y + 24), name, font_size=12, font_weight=600, text_anchor="middle")


def transistor(at: Point) -> str:
    """An NPN transistor: base left, collector above, emitter below, each 36 from the centre."""
    x, y = at
    drawn = circle(at, 27, fill="#eef0f3", stroke=INK, stroke_width=2)
    drawn += line([(x - 36, y), (x - 10, y)]) + line([(x - 10, y - 15), (x - 10, y + 15)], INK, 4)
    drawn += line([(x - 10, y - 6), (x + 10, y - 20), (x + 10, y - 36)])
    drawn += line([(x - 10, y + 6), (x + 8, y + 18.6)], marker_end="url(#arrow)")
    return drawn + line([(x + 10, y + 20), (x + 10, y + 36)])


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
