"""A display that is detected at every connection: its picture after right and wrong guesses, and a person's choice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from PIL import Image, ImageChops, ImageDraw

from appliance.core.screens.program import starting_screen
from appliance.core.values import SH1106, SSD1306, DisplayIdentity
from appliance.core.view import Power
from appliance.panel.drawing import draw_screen
from appliance.panel.incremental_display import AUTO, make_i2c_device
from appliance.panel.oled import Oled
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay, same_pixels
from tests.panel.i2c_display_chips import Chip, Sh1106, Sh1107, Ssd1306
from tests.panel.i2c_display_rig import noise
from tests.panel.test_oled import QUICK, painted, shows

ICON_WIDTH = 26
"""Columns of the first screen's icon."""
HEADLINE_ROWS = 9
"""Rows of its first line at least."""
LIE = {Ssd1306: 0x08, Sh1106: 0x03}
"""The status bits that look like the other controller's."""


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> I2cDisplay:
    """A display on a bus that luma opens itself, as on a real box."""
    model = I2cDisplay()
    monkeypatch.setattr("smbus2.SMBus", lambda port: model)
    return model


@asynccontextmanager
async def running(chosen: DisplayIdentity | None = None) -> AsyncIterator[tuple[Oled, list[DisplayIdentity]]]:
    """An Oled that detects its display, and every display that it reports."""
    identified: list[DisplayIdentity] = []
    oled = Oled(contrast=200, chosen=chosen, timing=QUICK, identified=identified.append)
    oled.start()
    yield oled, identified
    await oled.close()


def words_by_row(picture: Image.Image) -> list[bytes]:
    """The pixels of each row that is not dark, without the icon at the left."""
    words = picture.convert("L").crop((ICON_WIDTH, 0, 128, picture.height))
    rows = [words.crop((0, y, words.width, y + 1)).tobytes() for y in range(words.height)]
    return [row.replace(b"\xff", b"\x01") for row in rows if any(row)]


def lie(model: I2cDisplay) -> None:
    """Let the display answer like the other controller."""
    model.chip.status_bits = LIE[type(model.chip)]
    if isinstance(model.chip, Sh1106):
        model.chip.echoes = False


def on_the_glass(picture: Image.Image, kind: type[Chip], *, guessed: str) -> Image.Image:
    """What a display shows of a picture."""
    wanted = picture.copy()
    if (kind, guessed) == (Ssd1306, SH1106):
        # The SSD1306's columns go on at the first one.
        wanted = ImageChops.offset(picture.convert("L"), 2, 0).convert("1")
    elif (kind, guessed) == (Sh1106, SSD1306):
        wanted = Image.new("1", picture.size)
        wanted.paste(picture, (-2, 0))
    return wanted


@pytest.mark.parametrize("kind", [Ssd1306, Sh1106])
@pytest.mark.parametrize("driver", [SSD1306, SH1106, "ssd1309", "ssd1315"])
@pytest.mark.parametrize("rotate", [0, 2])
def test_a_picture_for_the_wrong_controller_is_shifted_and_not_torn(kind: type[Chip], driver: str, rotate: int) -> None:
    model = I2cDisplay(kind=kind)
    device = make_i2c_device(driver, 1, 0x3C, rotate, 127, bus=model)
    guessed = driver if driver == SH1106 else SSD1306
    picture = noise(21, (128, 64))
    for change in [(0, 0, 127, 63), (0, 0, 3, 9), (120, 0, 127, 40), (126, 8, 127, 15), (60, 20, 70, 50)]:
        ImageDraw.Draw(picture).rectangle(change, fill=None, outline=1)
        picture.putpixel(change[:2], 0)
        device.display(picture)
        assert same_pixels(model.picture(), on_the_glass(picture.rotate(90 * rotate), kind, guessed=guessed))


@pytest.mark.parametrize("kind", [Ssd1306, Sh1106])
@pytest.mark.parametrize("height", [64, 32])
def test_a_detected_display_shows_the_picture(kind: type[Chip], height: int) -> None:
    model = I2cDisplay(height=height, kind=kind)
    device = make_i2c_device(AUTO, 1, None, 0, 127, height, bus=model)
    picture = noise(22, (128, height))
    device.display(picture)
    assert same_pixels(model.picture(), picture)
    picture.putpixel((127, height - 1), not picture.getpixel((127, height - 1)))
    device.display(picture)
    assert same_pixels(model.picture(), picture)


@pytest.mark.parametrize("glass", [64, 32])
@pytest.mark.parametrize("height", [64, 32])
def test_the_headline_of_the_first_screen_is_legible_with_the_wrong_height_too(glass: int, height: int) -> None:
    """The height can't be detected: a wrong one stretches the picture to every second row, or hides half of it."""
    model = I2cDisplay(height=glass)
    picture = draw_screen(starting_screen("1.0"), (128, height))
    make_i2c_device(AUTO, 1, None, 0, 127, height, bus=model).display(picture)
    headline = words_by_row(picture)[:HEADLINE_ROWS]
    assert all(row.count(1) for row in headline)
    shown = words_by_row(model.picture())
    assert any(shown[at : at + HEADLINE_ROWS] == headline for at in range(len(shown))), "all rows, in order"


@pytest.mark.parametrize("driver", [AUTO, SSD1306])
def test_a_display_at_the_second_address_works_with_or_without_a_set_driver(driver: str) -> None:
    model = I2cDisplay()
    model.address = 0x3D
    device = make_i2c_device(driver, 1, None, 0, 127, bus=model)
    picture = noise(23, (128, 64))
    device.display(picture)
    assert same_pixels(model.picture(), picture)
    assert device.identity.address == 0x3D


def test_a_set_driver_wins_over_every_answer() -> None:
    model = I2cDisplay(sh1106=True)
    device = make_i2c_device(SSD1306, 1, None, 0, 127, bus=model)
    assert device.identity == DisplayIdentity(0x3C, SSD1306)
    model = I2cDisplay(kind=Sh1107)
    device = make_i2c_device(SH1106, 1, 0x3C, 0, 127, bus=model)
    assert device.identity == DisplayIdentity(0x3C, SH1106)


@pytest.mark.parametrize("end", ["after a picture", "after a clean end", "within a picture"])
def test_the_display_is_found_again_after_a_restart_of_the_program_alone(end: str) -> None:
    """An SH1106 answers with its memory, rather than its status, if the last thing it heard of were pixels."""
    model = I2cDisplay(sh1106=True)
    white = Image.new("1", (128, 64), 1)
    device = make_i2c_device(AUTO, 1, None, 0, 127, bus=model)
    device.display(white)
    if end == "after a clean end":
        device.cleanup()
    elif end == "within a picture":
        model.write_i2c_block_data(0x3C, 0x40, [0xFF] * 8)
        model.chip.write_data = lambda _: None  # type: ignore[assignment, method-assign]
        device.command(0xE3)
    device = make_i2c_device(AUTO, 1, None, 0, 127, bus=model)
    assert device.identity.driver == SH1106


async def test_a_display_is_detected_and_told_in_one_line(bus: I2cDisplay, caplog: pytest.LogCaptureFixture) -> None:
    bus.plug_in(Sh1106)
    with caplog.at_level(logging.INFO):
        async with running() as (oled, identified):
            oled.show(painted(7))
            await until(lambda: shows(bus, 7))
            await until(lambda: identified == [DisplayIdentity(0x3C, SH1106, SH1106, "48 48 48 A5 3C 5A")])
    assert [record.getMessage() for record in caplog.records] == [
        "display at 0x3C: sh1106; it answered 48 48 48 A5 3C 5A"
    ]


async def test_another_kind_of_display_is_detected_when_it_is_plugged_in(bus: I2cDisplay) -> None:
    async with running() as (oled, identified):
        for kind, driver, column, address in [
            (Sh1106, SH1106, 7, 0x3C),
            (Ssd1306, SSD1306, 9, 0x3C),
            (Sh1106, SH1106, 11, 0x3D),
        ]:
            bus.present = False
            await until(lambda: oled.fault is not None)
            bus.plug_in(kind)
            bus.address = address
            bus.present = True
            oled.show(painted(column))
            await until(lambda column=column: shows(bus, column) and oled.fault is None)  # type: ignore[misc]
            assert (identified[-1].driver, identified[-1].address) == (driver, address)


@pytest.mark.parametrize("kind", [Ssd1306, Sh1106])
async def test_a_person_corrects_a_wrong_guess(bus: I2cDisplay, kind: type[Chip]) -> None:
    bus.plug_in(kind)
    lie(bus)
    async with running() as (oled, identified):
        oled.show(painted(20))
        await until(lambda: bool(identified))
        wrong = identified[0]
        await until(
            lambda: same_pixels(bus.picture(), on_the_glass(painted(20)((128, 64)), kind, guessed=wrong.driver))
        )
        assert wrong.other_driver is not None
        chosen = DisplayIdentity(wrong.address, wrong.other_driver, wrong.found, wrong.raw)
        oled.choose(chosen)
        await until(lambda: shows(bus, 20))
        await until(lambda: [one.driver for one in identified] == [wrong.driver, chosen.driver])
        # The choice stays through a loose plug.
        bus.present = False
        await until(lambda: oled.fault is not None)
        bus.present = True
        await until(lambda: shows(bus, 20) and oled.fault is None)
        oled.choose(wrong)
        await until(lambda: not shows(bus, 20))


async def test_a_kept_choice_is_used_from_the_start_and_not_for_another_display(bus: I2cDisplay) -> None:
    lie(bus)
    async with running(DisplayIdentity(0x3C, SSD1306, SH1106)) as (oled, identified):
        oled.show(painted(5))
        await until(lambda: shows(bus, 5))
        await until(lambda: [one.driver for one in identified] == [SSD1306])
        bus.present = False
        await until(lambda: oled.fault is not None)
        bus.plug_in(Ssd1306)
        bus.present = True
        await until(lambda: shows(bus, 5) and oled.fault is None)
        assert identified[-1].found == SSD1306
        # The first display comes back: the choice was given up.
        bus.present = False
        await until(lambda: oled.fault is not None)
        bus.plug_in(Ssd1306)
        lie(bus)
        bus.present = True
        await until(lambda: oled.fault is None and identified[-1].found == SH1106)
        assert identified[-1].driver == SH1106


async def test_a_choice_for_another_display_changes_nothing(bus: I2cDisplay) -> None:
    async with running() as (oled, identified):
        oled.show(painted(5))
        await until(lambda: shows(bus, 5))
        before = bus.sent
        oled.choose(DisplayIdentity(0x3D, SH1106, SSD1306))
        oled.show(painted(6), Power.BRIGHT)
        await until(lambda: shows(bus, 6))
        assert bus.sent - before < 100, "no set-up"
        assert len(identified) == 1


async def test_an_sh1107_is_a_fault_that_names_the_setting(bus: I2cDisplay) -> None:
    bus.plug_in(Sh1107)
    async with running() as (oled, _):
        await until(lambda: oled.fault is not None)
        assert "set display.driver to sh1107" in str(oled.fault)


async def test_the_display_is_told_once_the_loop_runs(bus: I2cDisplay) -> None:
    """The first picture comes before the loop."""
    identified: list[DisplayIdentity] = []
    oled = Oled(contrast=200, timing=QUICK, identified=identified.append)
    await asyncio.to_thread(oled.show_first, painted(3))
    assert shows(bus, 3)
    oled.start()
    assert [one.driver for one in identified] == [SSD1306]
    await oled.close()
