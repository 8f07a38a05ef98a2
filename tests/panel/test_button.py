"""The button on a mock pin, in virtual time: taps, bounce, noise, and a button held at startup."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Iterable

import pytest
from gpiozero import DigitalInputDevice
from gpiozero.pins.mock import MockFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.events import ButtonDown, ButtonStuck, ButtonUp, Event
from appliance.panel.button import DEBOUNCE, STUCK_AFTER, ButtonPart
from tests.clock import until, virtual_time

PIN = 22
PRESSED, RELEASED, STUCK_DOWN = ButtonDown(), ButtonUp(), ButtonStuck()


class ButtonRig:
    """A button on a mock pin, and the events that it reported."""

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
        await asyncio.sleep(2 * DEBOUNCE)


@virtual_time
async def test_a_press_and_a_release_are_reported(pins: MockFactory) -> None:
    bench = ButtonRig(pins)
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
    bench = ButtonRig(pins)
    await bench.drive([0, 1, 0, 1, 0, 1, 0])
    await asyncio.sleep(0.05)
    await bench.drive([1, 0, 1, 0, 1])
    await bench.settle()
    assert bench.events == [PRESSED, RELEASED]
    bench.part.close()


@virtual_time
async def test_short_noise_is_no_press(pins: MockFactory) -> None:
    bench = ButtonRig(pins)
    for _ in range(50):
        await bench.drive([0, 1], apart=0.01)
    await bench.settle()
    assert bench.events == []
    bench.part.close()


@virtual_time
async def test_noise_does_not_end_a_hold(pins: MockFactory) -> None:
    bench = ButtonRig(pins)
    await bench.drive([0])
    await bench.settle()
    await bench.drive([1, 0, 1, 0], apart=0.005)
    await bench.settle()
    assert bench.events == [PRESSED]
    bench.part.close()


@virtual_time
async def test_a_button_held_at_startup_reports_no_press(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        bench = ButtonRig(pins, down=True)
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
async def test_a_button_held_since_startup_is_reported_as_stuck(pins: MockFactory) -> None:
    bench = ButtonRig(pins, down=True)
    await asyncio.sleep(STUCK_AFTER - 0.01)
    assert bench.events == []
    await asyncio.sleep(0.02)
    assert bench.events == [STUCK_DOWN]
    await asyncio.sleep(10 * STUCK_AFTER)
    assert bench.events == [STUCK_DOWN]
    await bench.drive([1, 0, 1])
    await bench.settle()
    assert bench.events == [STUCK_DOWN, RELEASED]
    await bench.drive([0])
    await asyncio.sleep(10 * STUCK_AFTER)
    assert bench.events == [STUCK_DOWN, RELEASED, PRESSED]
    bench.part.close()


@virtual_time
async def test_a_button_released_in_time_is_not_stuck(pins: MockFactory) -> None:
    bench = ButtonRig(pins, down=True)
    await asyncio.sleep(STUCK_AFTER / 2)
    await bench.drive([1])
    await asyncio.sleep(10 * STUCK_AFTER)
    assert bench.events == []
    bench.part.close()


@virtual_time
async def test_noise_does_not_release_a_stuck_button(pins: MockFactory) -> None:
    bench = ButtonRig(pins, down=True)
    await bench.drive([1, 0] * 100, apart=0.02)
    await asyncio.sleep(STUCK_AFTER)
    assert bench.events == [STUCK_DOWN]
    bench.part.close()


@virtual_time
async def test_a_stuck_button_reports_nothing_after_close(pins: MockFactory) -> None:
    bench = ButtonRig(pins, down=True)
    bench.part.close()
    await asyncio.sleep(2 * STUCK_AFTER)
    assert bench.events == []


_noise = st.integers(1, 29)
_stable = st.integers(31, 300)


def run(lengths: list[int]) -> list[Event]:
    """The events of a button that is down, up, down and so on for these milliseconds each, and then released."""

    @virtual_time
    async def play() -> list[Event]:
        bench = ButtonRig(MockFactory())
        for n, milliseconds in enumerate(lengths):
            await bench.drive([n % 2], apart=milliseconds / 1000)
        await bench.drive([1])
        await bench.settle()
        bench.part.close()
        return bench.events

    return play()


@settings(deadline=None)
@given(st.lists(_noise | _stable, max_size=30))
def test_each_stable_change_is_exactly_one_event(lengths: list[int]) -> None:
    """A level counts after 30 ms, and each change of the counted level is an event."""
    counted = [1, *(n % 2 for n, milliseconds in enumerate(lengths) if milliseconds > 30), 1]
    changes = [after for before, after in itertools.pairwise(counted) if before != after]
    assert run(lengths) == [RELEASED if level else PRESSED for level in changes]


@settings(deadline=None)
@given(st.lists(_noise, max_size=60))
def test_an_unstable_level_is_no_press(lengths: list[int]) -> None:
    assert run(lengths) == []


_bounces = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), max_size=4).map(itertools.chain.from_iterable)
_tap = st.tuples(_bounces, st.integers(50, 300), _bounces, st.integers(50, 300))


@settings(deadline=None)
@given(st.lists(_tap.map(lambda tap: [*tap[0], tap[1], *tap[2], tap[3]]), max_size=5))
def test_each_tap_of_50_ms_is_detected(taps: list[list[int]]) -> None:
    """The contact bounces when it closes and when it opens, and is stable in between."""
    assert run([*itertools.chain.from_iterable(taps)]) == [PRESSED, RELEASED] * len(taps)


@virtual_time
async def test_edges_from_another_thread_are_handled_in_the_loop(pins: MockFactory) -> None:
    bench = ButtonRig(pins)
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
async def test_nothing_is_reported_after_close(pins: MockFactory) -> None:
    bench = ButtonRig(pins)
    await bench.drive([0])
    bench.part.close()
    await bench.settle()
    assert bench.events == []
