"""Pictures as braille, compared with a cell-by-cell definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.panel.braille import to_braille

NUMBERED = {(0, 0): 1, (0, 1): 2, (0, 2): 3, (1, 0): 4, (1, 1): 5, (1, 2): 6, (0, 3): 7, (1, 3): 8}
"""Numbers of the braille dots, by column and row; dot n is bit n-1 (Unicode, Braille Patterns)."""


def expected_braille(picture: Image.Image) -> list[str]:
    width, height = picture.size
    rows = []
    for top in range(0, height, 4):
        row = ""
        for left in range(0, width, 2):
            dots = 0
            for (x, y), number in NUMBERED.items():
                inside = left + x < width and top + y < height
                if inside and picture.getpixel((left + x, top + y)):
                    dots |= 1 << (number - 1)
            row += chr(0x2800 + dots)
        rows.append(row)
    return rows


def test_a_display_in_braille_fits_a_terminal() -> None:
    assert to_braille(Image.new("1", (128, 64))) == ["⠀" * 64] * 16
    assert to_braille(Image.new("1", (128, 64), 1)) == ["⣿" * 64] * 16


@given(st.integers(1, 40), st.integers(1, 20), st.data())
def test_each_pixel_maps_to_its_braille_dot(width: int, height: int, data: st.DataObject) -> None:
    pixels = data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height))
    picture = Image.new("1", (width, height))
    picture.putdata([int(pixel) for pixel in pixels])
    assert to_braille(picture) == expected_braille(picture)
