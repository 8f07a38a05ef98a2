"""The bytes to a display, read back by a display that understands them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luma.core.device import dummy
from luma.core.interface.serial import i2c
from luma.oled.device import sh1106, ssd1306
from PIL import Image, ImageChops, ImageDraw

from appliance.panel.pages import send
from tests.panel.i2c_display import I2cDisplay

boxes = st.tuples(st.integers(0, 127), st.integers(0, 63), st.integers(0, 127), st.integers(0, 63))


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None


def device_on(display: I2cDisplay, rotate: int = 0) -> Any:
    kind = sh1106 if display.sh1106 else ssd1306
    return kind(i2c(bus=display), rotate=rotate)


@given(st.booleans(), st.sampled_from([0, 2]), st.lists(boxes, min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_the_display_shows_each_picture(is_sh1106: bool, rotate: int, drawn: list[tuple[int, int, int, int]]) -> None:
    display = I2cDisplay(is_sh1106)
    device = device_on(display, rotate)
    before: Image.Image | None = None
    for left, top, right, bottom in drawn:
        picture = before.copy() if before else Image.new("1", (128, 64))
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        ImageDraw.Draw(picture).rectangle(box, fill=1, outline=0)
        send(device, picture, before)
        assert same(display.picture(), picture.rotate(90 * rotate))
        before = picture


@pytest.mark.parametrize("is_sh1106", [False, True])
def test_only_what_changed_is_sent(is_sh1106: bool) -> None:
    display = I2cDisplay(is_sh1106)
    device = device_on(display)
    empty = Image.new("1", (128, 64))
    send(device, empty, None)
    display.sent = 0
    send(device, empty.copy(), empty)
    assert display.sent == 0
    dotted = empty.copy()
    dotted.putpixel((64, 30), 1)
    send(device, dotted, empty)
    assert 0 < display.sent <= 10


def test_other_devices_get_the_whole_picture() -> None:
    device = dummy(128, 64, mode="RGB")
    picture = Image.new("1", (128, 64))
    picture.putpixel((3, 4), 1)
    send(device, picture, None)
    assert device.image.getpixel((3, 4)) == (255, 255, 255)
    assert device.image.getpixel((4, 4)) == (0, 0, 0)
