"""The bytes sent to a display: power commands, probes, unchanged pictures, and other drivers."""

from __future__ import annotations

from contextlib import suppress

import pytest
from luma.core.device import dummy
from luma.core.error import DeviceNotFoundError
from PIL import Image

from appliance.core.view import Power
from appliance.panel.display import Display
from appliance.panel.identification import NOP
from appliance.panel.incremental_display import forget_exit_hooks, incremental, make_i2c_device
from tests.panel.i2c_display import ADDRESS, I2cDisplay, same_pixels
from tests.panel.i2c_display_rig import CONTRAST, TIMING, Rig, noise, opcodes


def test_a_dark_display_wakes_with_the_new_picture() -> None:
    rig = Rig()
    rig.picture = noise(6, (128, 64))
    assert rig.show()
    assert rig.show(Power.DARK)
    assert rig.shows_picture()
    rig.picture = noise(7, (128, 64))
    pictures: list[Image.Image] = []
    rig.model.chip.on_command = lambda _: pictures.append(rig.model.picture())
    assert rig.show(Power.BRIGHT)
    assert all(picture.getbbox() is None or same_pixels(picture, rig.picture) for picture in pictures)
    assert rig.shows_picture()


def test_power_commands_are_sent_on_changes_and_after_a_restart() -> None:
    rig = Rig()
    heard = opcodes(rig.model)
    assert rig.show(Power.DIM)
    heard.clear()
    for power, wanted in [
        (Power.DIM, []),
        (Power.BRIGHT, [0x81]),
        (Power.DARK, [0xAE]),
        (Power.DARK, []),
        (Power.DIM, [0x81, 0xAF]),
    ]:
        assert rig.show(power)
        assert heard == wanted
        assert rig.shows_picture()
        heard.clear()
    for power in Power:
        assert rig.show(power)
        rig.model.present = False
        rig.now += TIMING.probe
        assert not rig.show()
        rig.model.present = True
        assert rig.show()
        assert rig.shows_picture()
        rig.model.lose_power()
        rig.now += TIMING.refresh
        assert rig.show()
        assert rig.shows_picture()


def test_a_dim_display_is_never_brighter_than_a_bright_one() -> None:
    model = I2cDisplay()
    display = Display(lambda: make_i2c_device("ssd1306", 1, ADDRESS, 0, 0, bus=model), 0, TIMING)
    display.update(lambda size: Image.new("1", size), Power.DIM)
    assert model.chip.contrast == 0


def test_an_idle_display_is_probed() -> None:
    rig = Rig()
    assert rig.show()
    heard = opcodes(rig.model)
    rig.now += TIMING.probe - 0.1
    assert rig.show(), "an equal picture sends nothing, so the probe must still come"
    assert heard == []
    rig.now += 0.2
    assert rig.display.wait <= 0
    assert rig.show()
    assert heard == [NOP]
    rig.picture = noise(8, (128, 64))
    rig.now += TIMING.probe - 0.1
    assert rig.show()
    assert rig.display.wait == pytest.approx(TIMING.probe), "a sent picture counts as a probe"


def test_an_absent_display_costs_one_transfer() -> None:
    rig = Rig()
    tried: list[int] = []

    class Gone:
        def write_i2c_block_data(self, address: int, register: int, block: list[int]) -> None:
            tried.append(len(block))
            raise OSError(121, "Remote I/O error")

    with pytest.raises(DeviceNotFoundError):
        make_i2c_device("ssd1306", 1, ADDRESS, 0, CONTRAST, bus=Gone())
    assert tried == [6]
    assert rig.show()


@pytest.fixture
def own_bus(monkeypatch: pytest.MonkeyPatch) -> I2cDisplay:
    """A display on a bus that luma opens itself, as on a real box."""
    model = I2cDisplay()
    monkeypatch.setattr("smbus2.SMBus", lambda port: model)
    return model


def test_a_page_is_one_transfer_on_lumas_own_bus(own_bus: I2cDisplay) -> None:
    device = make_i2c_device("ssd1306", 1, ADDRESS, 0, CONTRAST)
    picture = noise(9, (128, 64))
    own_bus.sent = 0
    assert device.display(picture)
    assert own_bus.sent == 8 * (1 + 2 * 3 + 1 + 128) + 2
    assert same_pixels(own_bus.picture(), picture)


@pytest.mark.parametrize("is_sh1106", [False, True])
def test_only_changes_are_sent(is_sh1106: bool) -> None:
    rig = Rig(is_sh1106)
    assert rig.show()
    rig.model.sent = 0
    assert rig.show()
    assert rig.model.sent == 0
    rig.picture.putpixel((64, 30), 1)
    assert rig.show()
    assert rig.model.sent == 9 + 2
    assert rig.shows_picture()


def test_a_picture_is_sent_completely_after_a_fault() -> None:
    model = I2cDisplay(True)
    device = make_i2c_device("sh1106", 1, ADDRESS, 0, CONTRAST, bus=model)
    picture = noise(10, (128, 64))
    assert device.display(picture)
    assert not device.display(picture)
    device.forget()
    assert device.display(picture)
    model.break_after(40)
    with suppress(OSError, DeviceNotFoundError):
        device.display(noise(11, (128, 64)))
    assert device.display(picture), "after a fault the picture must be sent again"
    assert same_pixels(model.picture(), picture)


@pytest.mark.parametrize("driver", ["ssd1305", "ssd1306", "ssd1309", "ssd1315", "ssd1316", "sh1106"])
def test_related_controllers_are_incremental_too(driver: str) -> None:
    model = I2cDisplay(driver == "sh1106")
    device = make_i2c_device(driver, 1, ADDRESS, 0, CONTRAST, 64, bus=model)
    picture = noise(12, (128, 64))
    device.display(picture)
    model.sent = 0
    picture.putpixel((0, 0), not picture.getpixel((0, 0)))
    device.display(picture)
    assert model.sent < 16


def test_other_drivers_draw_themselves_but_skip_equal_pictures() -> None:
    device = incremental(dummy)(128, 64, mode="RGB")
    forget_exit_hooks()
    picture = Image.new("1", (128, 64))
    picture.putpixel((3, 4), 1)
    assert device.display(picture)
    assert device.image.getpixel((3, 4)) == (255, 255, 255)
    assert device.image.getpixel((4, 4)) == (0, 0, 0)
    assert not device.display(picture.copy())
    device.refresh()
    assert device.display(picture)
    assert incremental(dummy) is incremental(dummy)
