"""A black one-bit picture with the drawing operations that the screens need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Point = tuple[int, int]


class Canvas:
    """A picture of width by height pixels, with a margin around it, in which a screen must not draw.

    The origin is the top left pixel inside the margin. Lines are one pixel wide by default.
    """

    def __init__(self, width: int, height: int, margin: int = 0) -> None:
        from PIL import Image, ImageDraw

        self.width, self.height = width, height
        self.image: Image.Image = Image.new("1", (width + 2 * margin, height + 2 * margin))
        self._margin = margin
        self._pen = ImageDraw.Draw(self.image)

    def stamp(self, ink: Image, left: int, top: int, lit: bool = True) -> None:
        """Set (or clear) the pixels that are lit in a one-bit picture."""
        self.image.paste(int(lit), (left + self._margin, top + self._margin), ink)

    def fill(self, left: int, top: int, right: int, bottom: int, lit: bool = True) -> None:
        """Fill a box, including its edges."""
        if right >= left and bottom >= top:
            self._pen.rectangle(self._at((left, top), (right, bottom)), fill=int(lit))

    def frame(self, left: int, top: int, right: int, bottom: int, lit: bool = True) -> None:
        """Draw the outline of a box."""
        if right >= left and bottom >= top:
            self._pen.rectangle(self._at((left, top), (right, bottom)), outline=int(lit))

    def line(self, *points: Point, lit: bool = True, width: int = 1) -> None:
        """Draw a line through points."""
        self._pen.line(self._at(*points), fill=int(lit), width=width)

    def shape(self, *points: Point, lit: bool = True, filled: bool = True) -> None:
        """Draw a polygon."""
        self._pen.polygon(self._at(*points), fill=int(lit) if filled else None, outline=int(lit))

    def round(self, left: int, top: int, right: int, bottom: int, lit: bool = True, filled: bool = True) -> None:
        """Draw an ellipse within a box."""
        box = self._at((left, top), (right, bottom))
        self._pen.ellipse(box, fill=int(lit) if filled else None, outline=int(lit))

    def arc(self, box: tuple[int, int, int, int], start: int, end: int, width: int = 1) -> None:
        """Draw an arc of an ellipse in a box (left, top, right, bottom), in degrees clockwise from three o'clock."""
        self._pen.arc(self._at(box[:2], box[2:]), start, end, fill=1, width=width)

    def _at(self, *points: Sequence[int]) -> list[tuple[int, int]]:
        return [(point[0] + self._margin, point[1] + self._margin) for point in points]
