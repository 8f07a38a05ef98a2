"""The picture on each controller's glass after changes, faults, glitches and refreshes."""

from __future__ import annotations

from typing import Any

import luma.oled.device
import pytest
from hypothesis import given
from hypothesis import strategies as st
from luma.core.interface.serial import i2c
from PIL import Image, ImageDraw

from appliance.core.view import Power
from appliance.panel.incremental_display import forget_exit_hooks
from tests.panel.i2c_display import ADDRESS, I2cDisplay, same_pixels
from tests.panel.i2c_display_rig import CONTROLLERS, TIMING, Rig, noise, opcodes

boxes = st.tuples(st.integers(0, 127), st.integers(0, 63), st.integers(0, 127), st.integers(0, 63), st.booleans())
steps = st.one_of(
    st.tuples(st.just("boxes"), st.lists(boxes, min_size=1, max_size=3)),
    st.tuples(st.just("noise"), st.integers(0, 1000)),
    st.tuples(st.just("power"), st.sampled_from(Power)),
    st.tuples(st.just("wait"), st.sampled_from([1.0, TIMING.probe, TIMING.refresh])),
    st.tuples(st.just("break"), st.integers(0, 1300)),
    st.tuples(st.just("break"), st.integers(0, 40)),
    st.tuples(st.just("glitch"), st.none()),
)


@given(st.sampled_from(CONTROLLERS), st.sampled_from([0, 2]), st.lists(steps, min_size=2, max_size=20))
def test_the_display_shows_the_picture_after_any_faults(
    controller: tuple[bool, int], rotate: int, taken: list[tuple[str, Any]]
) -> None:
    rig = Rig(*controller, rotate)
    silent = False
    for kind, value in taken:
        match kind:
            case "boxes":
                for left, top, right, bottom, lit in value:
                    box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
                    ImageDraw.Draw(rig.picture).rectangle(box, fill=lit)
            case "noise":
                rig.picture = noise(value, rig.picture.size)
            case "power":
                rig.power = value
            case "wait":
                rig.now += value
            case "break":
                rig.model.break_after(value)
            case "glitch":
                rig.model.lose_power()
                silent = True
        made = rig.made
        refreshed = rig.display._refreshed
        if rig.show():
            silent = silent and rig.made == made and rig.display._refreshed == refreshed
            assert silent or rig.shows_picture(), f"after {kind}"
    # A pending interruption at the end must heal too.
    rig.model.cancel_break()
    if not rig.show():
        assert rig.show()
    rig.now += TIMING.refresh
    assert rig.show()
    assert rig.shows_picture()


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("rotate", [0, 2])
def test_the_model_shows_what_luma_itself_draws(controller: tuple[bool, int], rotate: int) -> None:
    is_sh1106, height = controller
    model = I2cDisplay(*controller)
    assert model.picture().getbbox() is None, "the display must be dark before its set-up"
    kind = luma.oled.device.sh1106 if is_sh1106 else luma.oled.device.ssd1306
    device = kind(i2c(bus=model), width=128, height=height, rotate=rotate)
    forget_exit_hooks()
    picture = noise(1, (128, height))
    device.display(picture)
    assert same_pixels(model.picture(), picture.rotate(90 * rotate))


@pytest.mark.parametrize(
    "wrong", [(0xA0,), (0xC0,), (0xA5,), (0xA7,), (0x41,), (0xA8, 0x0F), (0xD3, 0x05), (0xAE,), (0xDA, 0x02)]
)
@pytest.mark.parametrize("controller", CONTROLLERS)
def test_the_model_detects_each_wrong_setting_and_a_refresh_repairs_it(
    controller: tuple[bool, int], wrong: tuple[int, ...]
) -> None:
    rig = Rig(*controller)
    rig.picture = noise(2, rig.picture.size)
    assert rig.show()
    if wrong == (0xDA, 0x02) == (0xDA, rig.model.chip.com_pins):
        wrong = (0xDA, 0x12)
    rig.model.write_i2c_block_data(ADDRESS, 0x00, wrong)
    if wrong == (0xA0,):
        # The SSD1306's remap affects only data written afterwards.
        rig.picture = noise(3, rig.picture.size)
        assert rig.show()
    assert not rig.shows_picture()
    rig.now += TIMING.refresh
    assert rig.show()
    assert rig.shows_picture()


def test_the_model_rejects_undocumented_commands() -> None:
    model = I2cDisplay()
    model.write_i2c_block_data(ADDRESS, 0x00, [0x23])
    with pytest.raises(AssertionError, match="0x23"):
        model.picture()


def test_the_model_supports_page_and_vertical_addressing() -> None:
    """Page and vertical addressing as in the data sheet; the product uses neither."""
    model = I2cDisplay()
    vertical = [0x8D, 0x14, 0xA1, 0xC8, 0xAF, 0x20, 0x01, 0x21, 0, 127, 0x22, 0, 7]
    model.write_i2c_block_data(ADDRESS, 0x00, vertical)
    for _ in range(128):
        model.write_i2c_block_data(ADDRESS, 0x40, [0x01, 0, 0, 0, 0, 0, 0, 0x80])
    wanted = Image.new("1", (128, 64))
    ImageDraw.Draw(wanted).line((0, 0, 127, 0), fill=1)
    ImageDraw.Draw(wanted).line((0, 63, 127, 63), fill=1)
    assert same_pixels(model.picture(), wanted)
    model.write_i2c_block_data(ADDRESS, 0x00, [0x20, 0x02, 0xB3, 0x05, 0x12])
    model.write_i2c_block_data(ADDRESS, 0x40, [0xFF])
    ImageDraw.Draw(wanted).line((0x25, 24, 0x25, 31), fill=1)
    assert same_pixels(model.picture(), wanted)


LONGEST = {False: [(0x26, 6), (0x29, 5), (0x21, 2), (0x81, 1)], True: [(0x81, 1), (0xD3, 1), (0xAD, 1)]}


@pytest.mark.parametrize("by_refresh", [False, True])
@pytest.mark.parametrize(
    ("is_sh1106", "opcode", "given_"),
    [(chip, opcode, given_) for chip, all_ in LONGEST.items() for opcode, count in all_ for given_ in range(count)],
)
def test_an_interrupted_command_swallows_no_setting(
    is_sh1106: bool, opcode: int, given_: int, by_refresh: bool
) -> None:
    rig = Rig(is_sh1106)
    rig.picture = noise(3, (128, 64))
    if by_refresh:
        assert rig.show()
        rig.now += TIMING.refresh
    rig.model.write_i2c_block_data(ADDRESS, 0x00, [opcode, *[0] * given_])
    assert rig.show()
    assert rig.shows_picture()


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_refresh_is_invisible(controller: tuple[bool, int]) -> None:
    rig = Rig(*controller)
    rig.picture = noise(4, rig.picture.size)
    assert rig.show()
    wanted = rig.model.picture()
    seen: list[bool] = []
    received: list[int] = []

    def look(opcode: int) -> None:
        received.append(opcode)
        seen.append(same_pixels(rig.model.picture(), wanted))

    rig.model.chip.on_command = look
    rig.now += TIMING.refresh
    assert rig.show()
    assert 0xA8 in received, "the settings must be sent again"
    assert 0xAE not in received
    assert all(seen)


def test_the_display_is_refreshed_once_a_minute() -> None:
    rig = Rig()
    assert rig.show()
    received = opcodes(rig.model)
    for changed in (False, True, False):
        rig.now += TIMING.refresh - 0.1
        assert rig.show()
        assert 0xA8 not in received
        if changed:
            rig.picture = noise(13, (128, 64))
        rig.now += 0.1
        assert rig.show()
        assert received.count(0xA8) == 1
        received.clear()


def test_a_display_that_lost_power_shows_no_noise() -> None:
    rig = Rig()
    rig.picture = noise(5, (128, 64))
    assert rig.show()
    rig.model.lose_power()
    pictures: list[Image.Image] = []
    rig.model.chip.on_command = lambda _: pictures.append(rig.model.picture())
    rig.now += TIMING.refresh
    assert rig.show()
    assert rig.shows_picture()
    assert all(picture.getbbox() is None or same_pixels(picture, rig.picture) for picture in pictures)
