"""The button on a mock pin: bounce, noise, and one that is stuck at the start. In virtual time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable

import pytest
from gpiozero import DigitalInputDevice
from gpiozero.pins.mock import MockFactory

from appliance.core.events import ButtonPressed, ButtonReleased, Event
from appliance.panel.button import STABLE, ButtonPart
from tests.clock import until, virtual_time

PIN = 22
PRESSED, RELEASED = ButtonPressed(), ButtonReleased()


class Bench:
    """A button, the hand on it, and what it said."""

    def __init__(self, pins: MockFactory, down: bool = False) -> None:
        device = DigitalInputDevice(PIN, pull_up=True, pin_factory=pins)
        self.pin = pins.pin(PIN)
        if down:
            self.pin.drive_low()
        self.part = ButtonPart(device)
        self.events: list[Event] = []
        self.part.start(self.events.append)

    async def drive(self, levels: Iterable[int], apart: float = 0.002) -> None:
        for level in levels:
            (self.pin.drive_high if level else self.pin.drive_low)()
            await asyncio.sleep(apart)

    async def settle(self) -> None:
        await asyncio.sleep(2 * STABLE)


@virtual_time
async def test_a_press_and_its_release(pins: MockFactory) -> None:
    bench = Bench(pins)
    await bench.drive([0], apart=0.029)
    assert bench.events == []
    await asyncio.sleep(0.002)
    assert bench.events == [PRESSED]
    await bench.drive([1])
    await bench.settle()
    assert bench.events == [PRESSED, RELEASED]
    bench.part.close()


@virtual_time
async def test_a_bouncing_tap_is_one_press(pins: MockFactory) -> None:
    bench = Bench(pins)
    await bench.drive([0, 1, 0, 1, 0, 1, 0])
    await asyncio.sleep(0.05)
    await bench.drive([1, 0, 1, 0, 1])
    await bench.settle()
    assert bench.events == [PRESSED, RELEASED]
    bench.part.close()


@virtual_time
async def test_noise_presses_nothing(pins: MockFactory) -> None:
    bench = Bench(pins)
    for _ in range(50):
        await bench.drive([0, 1], apart=0.01)
    await bench.settle()
    assert bench.events == []
    bench.part.close()


@virtual_time
async def test_noise_does_not_end_a_hold(pins: MockFactory) -> None:
    bench = Bench(pins)
    await bench.drive([0])
    await bench.settle()
    await bench.drive([1, 0, 1, 0], apart=0.005)
    await bench.settle()
    assert bench.events == [PRESSED]
    bench.part.close()


@virtual_time
async def test_a_button_stuck_at_the_start_presses_nothing(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        bench = Bench(pins, down=True)
    assert len(caplog.records) == 1
    await bench.settle()
    await bench.drive([1])
    await bench.settle()
    assert bench.events == []
    await bench.drive([0])
    await bench.settle()
    assert bench.events == [PRESSED]
    bench.part.close()


@virtual_time
async def test_edges_may_come_on_another_thread(pins: MockFactory) -> None:
    bench = Bench(pins)
    threads: list[threading.Thread] = []

    def emit(event: Event) -> None:
        bench.events.append(event)
        threads.append(threading.current_thread())

    bench.part.start(emit)
    hand = threading.Thread(target=bench.pin.drive_low)
    hand.start()
    await until(lambda: not hand.is_alive())
    await bench.settle()
    assert bench.events == [PRESSED]
    assert threads == [threading.current_thread()]
    bench.part.close()


@virtual_time
async def test_nothing_comes_after_close(pins: MockFactory) -> None:
    bench = Bench(pins)
    await bench.drive([0])
    bench.part.close()
    await bench.settle()
    assert bench.events == []
