"""Checks of the parts on the pins: lights, buzzer and button."""

from __future__ import annotations

import asyncio
import warnings
from functools import partial
from typing import Any

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.doctor.context import ELSEWHERE, Bench
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.panel.button import DEBOUNCE, ButtonPart
from appliance.panel.buzzer import open_pin

LIGHTS = ("green", "amber", "red")
SETTLE = 0.05
"""Seconds after which a pin's level is what was asked for."""
NO_PINS = "not tried: its pin can't be used"


async def check_pins(bench: Bench) -> Finding:
    """Take every pin, and see which can't be had, and why."""
    failed: dict[str, Exception] = {}
    wanted = bench.config.pins
    try:
        if bench.pin_factory is None:
            await bench.blocking(_ensure_factory, "load the pin library")
    except Exception as error:  # noqa: BLE001 - each pin library raises errors of its own kind
        return await _no_pins(bench, error)
    for name in (*LIGHTS, "buzzer", "button"):
        number = getattr(wanted, name)
        try:
            device = await bench.blocking(partial(_make, bench, name, number), "take a pin")
        except Exception as error:  # noqa: BLE001 - as above
            failed[name] = error
        else:
            bench.pins[name] = device
            bench.closing.callback(_give_back, device)
    if not failed:
        return ok(f"all {len(bench.pins)} can be used")
    parts = ", ".join(f"{getattr(wanted, name)} ({name})" for name in failed)
    bench.held = any(_is_held(error) for error in failed.values())
    if bench.held:
        return wrong(
            f"another program uses GPIO {parts}; probably the appliance itself is running",
            "Stop it first: sudo systemctl stop tt-appliance",
            "Then run the doctor again, and at the end: sudo systemctl start tt-appliance",
        )
    if any(isinstance(error, ImportError) for error in failed.values()):
        return wrong(
            f"GPIO {parts} can't be used: {_words(next(iter(failed.values())))}",
            "A passive buzzer's tones need a library of their own: sudo apt install python3-lgpio",
        )
    return wrong(
        f"GPIO {parts} can't be used: {_words(next(iter(failed.values())))}",
        "Run it with all rights: sudo tt-appliance doctor",
        "Are these numbers pins of this board? See hardware.md, Pins; the settings' section is pins.",
    )


async def check_light(bench: Bench, colour: str) -> Finding:
    """Light one LED, and ask whether it is seen."""
    pin = bench.pins.get(colour)
    if pin is None:
        return not_tried(NO_PINS)
    pin.on()
    try:
        await asyncio.sleep(SETTLE)
        if not pin.value:
            return wrong(
                f"{_where(pin)} stays low although it is switched on",
                "The wire at this pin touches ground: look for a bridge of solder or a bare wire.",
                "Is the resistor (330 Ω) between pin and light?",
            )
        seen = await bench.console.ask(f"Do you see the {colour.upper()} light, and no other?", bench.limits.answer)
        if seen is None:
            await asyncio.sleep(bench.limits.lit)
    finally:
        pin.off()
    if seen is None:
        return ok("lit; nobody was asked whether it was seen")
    if seen:
        return ok("lit, and seen")
    return wrong(
        f"not seen; it is expected at {_where(pin)}",
        "Turn the light round: its long leg goes to the pin, its short leg to ground.",
        "Check its wire, its resistor (330 Ω) and its wire to ground.",
        f"If another light was lit, two wires are swapped: swap them, or the numbers in the settings (pins.{colour}).",
    )


async def check_button(bench: Bench) -> Finding:
    """Whether the button is stuck, and, where somebody is there to press it, whether it is felt."""
    pin = bench.pins.get("button")
    if pin is None:
        return not_tried(NO_PINS)
    await asyncio.sleep(DEBOUNCE)
    if not await _is_up(pin, bench.limits.release):
        return wrong(
            f"it is down although nobody presses it ({_where(pin)})",
            "Is it jammed? Press it a few times, and clean it.",
            "Pull its wire off the pin: if the doctor finds it up then, the wire or the button touches ground.",
            "A button with four legs: use two that are diagonally opposite.",
        )
    if not bench.console.asks:
        return ok("not stuck; nobody was asked to press it")
    events: asyncio.Queue[Event] = asyncio.Queue()
    part = ButtonPart(pin)
    # Its last deed is to give the pin back.
    bench.closing.callback(part.close)
    part.start(events.put_nowait)
    bench.console.say(f"Press the button of the box now. (You have {bench.limits.press:.0f} seconds.)")
    if not await _comes(events, ButtonDown, bench.limits.press):
        return wrong(
            f"no press was felt within {bench.limits.press:.0f} seconds",
            f"Check its two wires: one to {_where(pin)}, the other to ground.",
            "A button with four legs: use two that are diagonally opposite.",
        )
    if not await _comes(events, ButtonUp, bench.limits.release):
        return wrong("it went down and did not come up again", "Is it jammed? Press it a few times, and clean it.")
    return ok("pressed, and felt")


async def _comes(events: asyncio.Queue[Event], kind: type[object], within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            while not isinstance(await events.get(), kind):
                pass
    except TimeoutError:
        return False
    return True


async def _is_up(pin: Any, within: float) -> bool:
    """Whether nobody presses it, or whoever does lets go within so many seconds."""
    steps = max(1, round(within / SETTLE))
    for _ in range(steps):
        if not pin.value:
            return True
        await asyncio.sleep(SETTLE)
    return not pin.value


def _ensure_factory() -> None:
    # Loaded only now, for the library that it loads may be missing.
    from appliance.panel.pins import ensure_factory

    ensure_factory()


def _make(bench: Bench, name: str, number: int) -> Any:
    import gpiozero

    with warnings.catch_warnings():
        # gpiozero warns of what a pin library lacks before it says what is wrong.
        warnings.simplefilter("ignore")
        if name == "button":
            return gpiozero.DigitalInputDevice(number, pull_up=True, pin_factory=bench.pin_factory)
        if name == "buzzer":
            return open_pin(number, bench.config.buzzer.kind, bench.pin_factory)
        return gpiozero.DigitalOutputDevice(number, initial_value=False, pin_factory=bench.pin_factory)


def _give_back(device: Any) -> None:
    """Low and free, whoever else has closed it before."""
    if not device.closed:
        if hasattr(device, "off"):
            device.off()
        device.close()


async def _no_pins(bench: Bench, error: Exception) -> Finding:
    if not await bench.blocking(lambda: list((bench.root / "dev").glob("gpiochip*")), "look for pins"):
        return wrong(
            "this machine has no pins: no lights, no buzzer and no button can be on it",
            ELSEWHERE,
        )
    if not await bench.is_on_a_pi():
        return wrong(f"the pins of this machine can't be used: {_words(error)}", ELSEWHERE)
    return wrong(
        f"the pins can't be used: {_words(error)}",
        "Run it with all rights: sudo tt-appliance doctor",
        "Is the pin library there, gpiod? It comes with the appliance: see image/README.md.",
    )


def _is_held(error: Exception) -> bool:
    """Whether another program has the pin. The kernel says `busy`, and lgpio, whose errors have no kinds, too."""
    return "busy" in str(error).lower() or type(error).__name__ == "GPIOPinInUse"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _where(device: Any) -> str:
    """A pin in the settings' words and in those of who holds the soldering iron."""
    info = device.pin.info
    return f"{info.name}, position {info.number} of the pin header"
