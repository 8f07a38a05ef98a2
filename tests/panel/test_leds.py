"""The LEDs' blink modes, on mock pins and in virtual time."""

from __future__ import annotations

import asyncio

from gpiozero import DigitalOutputDevice
from gpiozero.pins.mock import MockFactory

from appliance.core.view import LedMode, Leds
from appliance.panel.leds import TICK, Blinker, LedPart, Lit
from tests.clock import virtual_time

SLOW, FAST, ON, OFF = LedMode.SLOW, LedMode.FAST, LedMode.ON, LedMode.OFF


async def record(leds: Leds, seconds: float) -> list[tuple[float, Lit]]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    changes: list[tuple[float, Lit]] = []
    blinker = Blinker(lambda lit: changes.append((round(loop.time() - start, 3), lit)))
    blinker.show(leds)
    await asyncio.sleep(seconds)
    blinker.close()
    return changes


@virtual_time
async def test_fast_blinks_four_times_a_second_and_starts_on() -> None:
    changes = await record(Leds(red=FAST), 0.99)
    assert [at for at, _ in changes] == [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    assert [lit[2] for _, lit in changes] == [True, False] * 4


@virtual_time
async def test_slow_blinks_once_a_second() -> None:
    changes = await record(Leds(green=SLOW), 2.1)
    assert changes == [(0.5 * n, (n % 2 == 0, False, False)) for n in range(5)] + [(2.1, (False, False, False))]


@virtual_time
async def test_leds_blink_in_phase() -> None:
    """Fast starts a blink whenever slow changes; LEDs with the same mode are equal."""
    changes = await record(Leds(green=SLOW, amber=FAST, red=FAST), 10.05)
    assert all(amber == red for _, (_, amber, red) in changes)
    seen = dict(changes)
    assert all(seen[0.5 * n] == (n % 2 == 0, True, True) for n in range(20))


@virtual_time
async def test_an_led_that_starts_later_blinks_in_phase() -> None:
    changes: list[Lit] = []
    blinker = Blinker(changes.append)
    blinker.show(Leds(green=SLOW))
    await asyncio.sleep(0.7)
    blinker.show(Leds(green=SLOW, red=SLOW))
    assert blinker.lit == (False, False, False)
    await asyncio.sleep(0.31)
    assert blinker.lit == (True, False, True)
    blinker.close()


@virtual_time
async def test_no_timer_runs_while_nothing_blinks() -> None:
    loop = asyncio.get_running_loop()
    blinker = Blinker(lambda _: None)
    for leds, timers in ((Leds(green=ON), 0), (Leds(red=FAST), 1), (Leds(green=ON, red=OFF), 0), (Leds(amber=SLOW), 1)):
        blinker.show(leds)
        scheduled = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        assert len(scheduled) == timers
    blinker.close()
    assert blinker.lit == (False, False, False)


@virtual_time
async def test_pins_follow_the_modes_and_are_off_after_close(pins: MockFactory) -> None:
    outputs = [DigitalOutputDevice(pin, initial_value=False, pin_factory=pins) for pin in (17, 27)]
    part = LedPart([outputs[0], None, outputs[1]])
    part.show(Leds(green=ON, amber=ON, red=FAST))
    assert [pins.pin(pin).state for pin in (17, 27)] == [True, True]
    await asyncio.sleep(TICK * 1.5)
    assert [pins.pin(pin).state for pin in (17, 27)] == [True, False]
    part.close()
    assert all(output.closed for output in outputs)
    assert [pins.pin(pin).state for pin in (17, 27)] == [False, False]


@virtual_time
async def test_a_press_turns_all_leds_on_briefly(pins: MockFactory) -> None:
    leds = LedPart([DigitalOutputDevice(number, pin_factory=pins) for number in (5, 6, 7)])

    def lit() -> list[bool]:
        return [bool(pins.pin(number).state) for number in (5, 6, 7)]

    leds.show(Leds(green=ON, red=SLOW))
    await asyncio.sleep(0.45)
    leds.flash()
    assert lit() == [True, True, True]
    await asyncio.sleep(0.09)
    assert lit() == [True, True, True], "all must stay on although red was switched off"
    await asyncio.sleep(0.02)
    assert lit() == [True, False, False]
    leds.flash()
    leds.show(Leds(amber=ON))
    await asyncio.sleep(0.06)
    leds.flash()
    await asyncio.sleep(0.06)
    assert lit() == [True, True, True], "the second press must restart the time"
    await asyncio.sleep(0.06)
    assert lit() == [False, True, False]
    leds.flash()
    leds.close()
    assert lit() == [False, False, False]
    await asyncio.sleep(0.2)
