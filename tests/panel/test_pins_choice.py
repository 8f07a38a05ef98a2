"""The choice of the pin library and of the GPIO chip."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from appliance.panel.buzzer import ACTIVE, PASSIVE, open_pin
from appliance.panel.pins import GpiodFactory, ensure_factory, header_chip, tone_factory
from tests.panel.gpio_header import FakeChip

pytestmark = pytest.mark.usefixtures("on_a_pi")


def chips(folder: Path, labels: dict[str, str]) -> Callable[[str], Any]:
    """Create files for chips; returns a replacement for gpiod.Chip."""
    for name in labels:
        (folder / name).touch()

    def open_chip(path: str) -> Any:
        label = labels[Path(path).name]
        if not label:
            raise PermissionError(13, "Permission denied")
        return FakeChip(label)

    return open_chip


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ({"gpiochip0": "pinctrl-bcm2711", "gpiochip1": "raspberrypi-exp-gpio"}, 0),
        ({"gpiochip0": "pinctrl-bcm2835"}, 0),
        ({"gpiochip0": "gpio-brcmstb@107d508500", "gpiochip4": "pinctrl-rp1", "gpiochip10": "else"}, 4),
        ({"gpiochip0": "else", "gpiochip2": "else", "gpiochip10": "pinctrl-rp1"}, 10),
        ({"gpiochip0": "else", "gpiochip2": "else"}, 0),
        # A newer kernel numbers the header's chip first, and Raspberry Pi OS links the old path to it.
        ({"gpiochip0": "pinctrl-rp1", "gpiochip4": "pinctrl-rp1"}, 0),
        ({"gpiochip0": "", "gpiochip1": "pinctrl-rp1"}, 1),
        ({"gpiochip0": "pinctrl-sim", "gpiochipx": "pinctrl-rp1"}, 0),
        ({}, 0),
    ],
)
def test_the_headers_chip_is_identified_by_its_label(tmp_path: Path, labels: dict[str, str], chosen: int) -> None:
    assert header_chip(tmp_path, chips(tmp_path, labels)) == tmp_path / f"gpiochip{chosen}"


def test_a_pi_5_without_a_header_chip_uses_no_other_chip(tmp_path: Path) -> None:
    labels = {"gpiochip0": "gpio-brcmstb@107d508500", "gpiochip1": "gpio-brcmstb@107d517c00"}
    with pytest.raises(FileNotFoundError, match="no GPIO chip with the header's pins"):
        header_chip(tmp_path, chips(tmp_path, labels))


def test_a_chip_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "gpiochip0"
    with pytest.raises(FileNotFoundError, match=str(missing)):
        GpiodFactory(missing)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "pin_factory", None)


@pytest.mark.usefixtures("chosen")
def test_the_program_uses_gpiod_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    factory = FakeChip().factory()
    monkeypatch.setattr("appliance.panel.pins.GpiodFactory", lambda: factory)
    ensure_factory()
    assert Device.pin_factory is factory


@pytest.mark.usefixtures("chosen")
def test_the_pin_library_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    ensure_factory()
    assert isinstance(Device.pin_factory, MockFactory)
    assert tone_factory() is Device.pin_factory


def test_only_a_passive_buzzer_loads_lgpio(monkeypatch: pytest.MonkeyPatch) -> None:
    chip = FakeChip()
    factory = chip.factory()
    factory.number = 4
    monkeypatch.setattr(Device, "pin_factory", factory)
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with open_pin(18, ACTIVE) as pin:
        pin.on()
        assert chip.level(18) == 1
    with pytest.raises(ImportError, match="lgpio"):
        open_pin(18, PASSIVE)
    opened: list[int] = []

    class Library:
        SET_PULL_NONE, BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 0, 3, 1, 2

        @staticmethod
        def gpiochip_open(number: int) -> int:
            opened.append(number)
            raise OSError("'can not open gpiochip'")

    monkeypatch.setitem(sys.modules, "lgpio", Library)
    with pytest.raises(OSError, match="can not open"):
        open_pin(18, PASSIVE)
    assert opened == [4], "lgpio must open the chip of the other pins"
    sys.modules.pop("gpiozero.pins.lgpio", None)
