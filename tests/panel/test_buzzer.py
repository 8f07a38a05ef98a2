"""The buzzer's rhythms, on a mock pin and in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from gpiozero import DigitalOutputDevice
from gpiozero.pins.mock import MockFactory, MockPin

from appliance.core.view import Sound
from appliance.panel.buzzer import PATTERNS, BuzzerPart, length
from tests.clock import virtual_time

PIN = 18


class TimedPin(MockPin):  # type: ignore[misc]
    """A mock pin that notes the loop's time of each change."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.heard: list[tuple[float, bool]] = []
        super().__init__(*args, **kwargs)

    def _set_state(self, value: bool) -> None:
        if bool(value) != self._state:
            self.heard.append((round(asyncio.get_running_loop().time(), 3), bool(value)))
        super()._set_state(value)


def make(pins: MockFactory, enabled: bool = True) -> tuple[BuzzerPart, TimedPin]:
    pins.pin_class = TimedPin
    part = BuzzerPart(DigitalOutputDevice(PIN, initial_value=False, pin_factory=pins), enabled)
    return part, pins.pin(PIN)


@pytest.mark.parametrize("sound", Sound)
def test_every_sound_has_its_rhythm(pins: MockFactory, sound: Sound) -> None:
    @virtual_time
    async def play() -> None:
        part, pin = make(pins)
        start = asyncio.get_running_loop().time()
        part.play(sound)
        assert pin.state, "it sounds at once"
        await asyncio.sleep(5)
        due = [start + sum(PATTERNS[sound][:n]) for n in range(len(PATTERNS[sound]) + 1)]
        assert pin.heard == [(round(at, 3), n % 2 == 0) for n, at in enumerate(due)]
        part.close()

    play()


def test_rhythms_are_told_apart() -> None:
    assert length(Sound.PAGE) <= 1.5
    assert len(set(PATTERNS.values())) == len(Sound)
    assert all(len(pattern) % 2 == 1 for pattern in PATTERNS.values()), "each ends with a tone"
    assert len(PATTERNS[Sound.LATE]) == 1
    assert list(PATTERNS[Sound.PAIRED][::2]) == sorted(PATTERNS[Sound.PAIRED][::2])


@virtual_time
async def test_a_new_sound_replaces_the_old(pins: MockFactory) -> None:
    part, pin = make(pins)
    part.play(Sound.PAGE)
    await asyncio.sleep(0.35)
    pin.heard.clear()
    start = asyncio.get_running_loop().time()
    part.play(Sound.LATE)
    await asyncio.sleep(5)
    assert pin.heard == [(round(start, 3), True), (round(start + 0.8, 3), False)]
    part.close()


@virtual_time
async def test_muted_and_missing_ones_are_silent(pins: MockFactory) -> None:
    part, pin = make(pins, enabled=False)
    part.play(Sound.PAGE)
    BuzzerPart(None).play(Sound.PAGE)
    await asyncio.sleep(2)
    assert pin.heard == []
    part.close()


@virtual_time
async def test_close_ends_a_sound(pins: MockFactory) -> None:
    part, pin = make(pins)
    part.play(Sound.LATE)
    part.close()
    assert not pin.state
    pin.heard.clear()
    await asyncio.sleep(2)
    part.play(Sound.PAGE)
    assert pin.heard == []
