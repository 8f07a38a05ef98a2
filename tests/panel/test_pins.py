"""The pin factory on a fake of the kernel's chip, and on the kernel's simulated chip where available."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import DigitalInputDevice, DigitalOutputDevice, PinPWMError, PWMOutputDevice
from gpiozero.pins.local import LocalPiFactory

from appliance.core.events import ButtonDown, ButtonUp, DisplayIdentified, Event
from appliance.core.view import Sound
from appliance.panel.button import ButtonPart, open_pin
from appliance.panel.hardware import HardwarePanel
from appliance.panel.pins import GpiodFactory
from tests.clock import until
from tests.panel.gpio_header import KINDS, FakeChip, Header
from tests.panel.i2c_display import I2cDisplay
from tests.panel.test_hardware import PINS, VIEW, make_panel

BUTTON, LED = 17, 22

pytestmark = pytest.mark.usefixtures("on_a_pi")


@pytest.fixture(params=KINDS)
def header(request: pytest.FixtureRequest) -> Iterator[Header]:
    with KINDS[request.param]() as made:
        yield made


@pytest.fixture
def factory(header: Header) -> Iterator[GpiodFactory]:
    factory = header.factory()
    yield factory
    factory.close()


async def blocking(call: Callable[..., Any], *values: Any) -> Any:
    """Run a blocking call in a thread, as the program does."""
    return await asyncio.to_thread(call, *values)


def wakeups(thread: threading.Thread) -> int:
    """Number of times a thread has gone to sleep."""
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def test_an_output_is_driven_read_and_released(header: Header, factory: GpiodFactory) -> None:
    with DigitalOutputDevice(LED, pin_factory=factory) as led:
        assert header.requested() == {LED}
        assert header.level(LED) == led.value == 0
        led.on()
        assert header.level(LED) == led.value == 1
        led.off()
        assert header.level(LED) == led.value == 0
    assert header.requested() == set()


def test_an_output_may_start_high(header: Header, factory: GpiodFactory) -> None:
    with DigitalOutputDevice(LED, initial_value=True, pin_factory=factory):
        assert header.level(LED) == 1


def test_a_released_pin_can_be_requested_again(header: Header, factory: GpiodFactory) -> None:
    DigitalOutputDevice(LED, pin_factory=factory).close()
    with DigitalInputDevice(LED, pull_up=True, pin_factory=factory) as button:
        assert button.pull_up
        assert not button.value
    with DigitalOutputDevice(LED, pin_factory=factory) as led:
        led.on()
        assert header.level(LED) == 1


def test_another_programs_pin_is_busy(header: Header, factory: GpiodFactory) -> None:
    other = header.factory()
    line = other.pin(LED)
    line.function = "output"
    # A second program has its own, empty cache.
    LocalPiFactory.pins.clear()
    with pytest.raises(OSError, match="busy"):
        DigitalOutputDevice(LED, pin_factory=factory)
    line.close()
    gc.collect()
    DigitalOutputDevice(LED, pin_factory=factory).close()


def test_the_factory_has_no_pwm(factory: GpiodFactory) -> None:
    with pytest.raises(PinPWMError):
        PWMOutputDevice(LED, frequency=2000, pin_factory=factory)
    gc.collect()


async def test_a_press_is_reported(header: Header, factory: GpiodFactory) -> None:
    device = await blocking(lambda: DigitalInputDevice(BUTTON, pull_up=True, pin_factory=factory))
    part = ButtonPart(device)
    events: list[Event] = []
    part.start(events.append)
    for level, event in [(0, ButtonDown()), (1, ButtonUp())] * 3:
        events.clear()
        await blocking(header.drive, BUTTON, level)
        await until(lambda: bool(events))
        assert events == [event]
    part.close()
    assert await blocking(header.requested) == set()


async def test_an_active_high_button_is_pressed_by_a_high_level(header: Header, factory: GpiodFactory) -> None:
    """The pin's own pull-down keeps it low while the contact is open."""
    device = await blocking(open_pin, BUTTON, True, factory)
    assert (device.pin.pull, header.level(BUTTON)) == ("down", 0)
    events: list[Event] = []
    button = ButtonPart(device)
    button.start(events.append)
    header.drive(BUTTON, 1)
    await until(lambda: events == [ButtonDown()])
    header.drive(BUTTON, 0)
    await until(lambda: events == [ButtonDown(), ButtonUp()])
    button.close()


def test_edges_have_levels_and_timestamps(header: Header, factory: GpiodFactory) -> None:
    edges: list[tuple[float, bool]] = []

    def note(ticks: float, level: bool) -> None:
        edges.append((ticks, level))

    pin = factory.pin(BUTTON)
    pin.function, pin.pull = "input", "up"
    pin.when_changed = note
    began = factory.ticks()
    for level in (0, 1, 0):
        header.drive(BUTTON, level)
    end = time.monotonic() + 5
    while len(edges) < 3:
        assert time.monotonic() < end
        time.sleep(0.001)
    assert [level for _, level in edges] == [False, True, False]
    moments = [began, *(ticks for ticks, _ in edges), factory.ticks()]
    assert moments == sorted(moments)
    pin.when_changed = None
    header.drive(BUTTON, 1)
    assert pin.state
    assert len(edges) == 3
    pin.close()


def test_an_idle_button_causes_no_wakeups(header: Header, factory: GpiodFactory) -> None:
    before = set(threading.enumerate())
    with DigitalInputDevice(BUTTON, pull_up=True, pin_factory=factory) as button:
        (listener,) = set(threading.enumerate()) - before
        time.sleep(0.1)
        slept = wakeups(listener)
        time.sleep(0.5)
        assert wakeups(listener) == slept
        header.drive(BUTTON, 0)
        assert button.wait_for_active(5)
        end = time.monotonic() + 5
        while wakeups(listener) == slept:
            # The counter increases when the thread sleeps again.
            assert time.monotonic() < end
            time.sleep(0.001)


def test_a_garbage_collected_device_is_harmless(header: Header, factory: GpiodFactory) -> None:
    pin = factory.pin(BUTTON)
    pin.function, pin.pull = "input", "up"
    called = threading.Event()

    def note(ticks: float, level: bool) -> None:
        called.set()

    pin.when_changed = note
    header.drive(BUTTON, 0)
    assert called.wait(5)
    del note
    gc.collect()
    header.drive(BUTTON, 1)
    pin.close()


def test_a_removed_chip_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    chip = FakeChip()
    factory = chip.factory()
    with DigitalInputDevice(BUTTON, pull_up=True, pin_factory=factory):

        def gone() -> Any:
            raise OSError(19, "No such device")

        monkeypatch.setattr(chip.held[BUTTON], "read_edge_events", gone)
        chip.drive(BUTTON, 0)
        end = time.monotonic() + 5
        while not caplog.records:
            assert time.monotonic() < end
            time.sleep(0.001)
    assert "stopped monitoring pin GPIO17: [Errno 19] No such device" in caplog.text


async def test_the_panel_works_on_this_header(header: Header) -> None:
    factory = await blocking(header.factory)
    panel: HardwarePanel = await make_panel(factory, I2cDisplay(), **PINS)
    events: list[Event] = []
    panel.start(lambda event: None if isinstance(event, DisplayIdentified) else events.append(event), lambda: None)
    panel.show(VIEW, Sound.PAGE)
    levels = {name: await blocking(header.level, number) for name, number in PINS.items()}
    assert levels == {"button": 1, "green": 1, "amber": 0, "red": 0, "buzzer": 1}
    await blocking(header.drive, PINS["button"], 0)
    await until(lambda: events == [ButtonDown()])
    assert await blocking(header.level, PINS["buzzer"]) == 0, "a press must silence the buzzer"
    await panel.close()
    assert await blocking(header.requested) == set()
    await blocking(factory.close)


async def test_busy_pins_are_logged_in_one_line(header: Header, caplog: pytest.LogCaptureFixture) -> None:
    other = await blocking(header.factory)
    other.pin(PINS["button"]).function = "input"
    other.pin(PINS["red"]).function = "output"
    held, LocalPiFactory.pins = LocalPiFactory.pins, {}
    factory = await blocking(header.factory)
    panel = await make_panel(factory, I2cDisplay(), **PINS)
    assert [record.getMessage() for record in caplog.records] == [
        "another program holds the pins of these parts, so they are off: red LED (22), button (4); "
        "check whether the appliance or its doctor is already running"
    ]
    await panel.close()
    for pin in held.values():
        pin.close()
    factory.close()


async def test_without_a_pin_library_the_display_still_works(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    monkeypatch.delitem(sys.modules, "appliance.panel.pins")
    display = I2cDisplay()
    with caplog.at_level(logging.INFO):
        panel = await make_panel(None, display, **PINS)
        panel.start(lambda _: None, lambda: None)
        panel.show(VIEW, Sound.PAGE)
        await until(lambda: display.picture().getbbox() is not None)
        await panel.close()
    assert [record.getMessage() for record in caplog.records] == [
        "can't use the GPIO pins; LEDs, buzzer and button are off: import of gpiod halted; None in sys.modules"
    ]
