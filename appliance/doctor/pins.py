"""Checks of the GPIO pins, LEDs and button."""

from __future__ import annotations

import asyncio
import warnings
from functools import partial
from typing import Any

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.doctor.context import ELSEWHERE, CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.panel import button, buzzer
from appliance.panel.button import DEBOUNCE, ButtonPart

SETTLE = 0.05
"""Seconds until a pin has its new level."""
NO_PINS = "not tried: its pin can't be used"


async def check_pins(context: CheckContext) -> Finding:
    """Open every pin, and report those that can't be opened."""
    failed: dict[str, Exception] = {}
    wanted = context.config.pins.present
    try:
        if context.pin_factory is None:
            await context.blocking(_ensure_factory, "load the pin library")
    except Exception as error:  # noqa: BLE001 - each pin library raises errors of its own kind
        return await _no_pins(context, error)
    for name, number in wanted.items():
        try:
            device = await context.blocking(partial(_make, context, name, number), "take a pin")
        except Exception as error:  # noqa: BLE001 - as above
            failed[name] = error
        else:
            context.pins[name] = device
            context.parts.callback(_release, device)
    if not failed:
        return ok(f"all {len(context.pins)} can be used")
    parts = ", ".join(f"{wanted[name]} ({name})" for name in failed)
    context.pins_busy = any(_is_busy(error) for error in failed.values())
    if context.pins_busy:
        return wrong(
            f"another program uses GPIO {parts}",
            "If it is the appliance's service, run as root: sudo tt-appliance doctor stops it, and starts it again.",
            "End any other program that uses the pins, such as a second doctor or tt-appliance run.",
        )
    if any(isinstance(error, ImportError) for error in failed.values()):
        return wrong(
            f"GPIO {parts} can't be used: {_words(next(iter(failed.values())))}",
            "A passive buzzer needs the library lgpio: sudo apt install python3-lgpio",
        )
    return wrong(
        f"GPIO {parts} can't be used: {_words(next(iter(failed.values())))}",
        "Run as root: sudo tt-appliance doctor",
        "Check the section pins in the settings against hardware.md, Pins.",
    )


async def check_light(context: CheckContext, colour: str) -> Finding:
    """Light one LED, and ask whether it is visible."""
    pin = context.pins.get(colour)
    if pin is None:
        return not_tried(NO_PINS)
    pin.on()
    try:
        await asyncio.sleep(SETTLE)
        if not pin.value:
            return wrong(
                f"{_where(pin)} stays low when it is switched on",
                "The wire at this pin touches ground: look for a bridge of solder or a bare wire.",
                "Is the resistor (330 Ω) between pin and light?",
            )
        seen = await context.console.ask(f"Do you see the {colour.upper()} light, and no other?", context.limits.answer)
        if seen is None:
            await asyncio.sleep(context.limits.lit)
    finally:
        pin.off()
    if seen is None:
        return ok("lit; no answer whether it was visible")
    if seen:
        return ok("confirmed")
    if place := context.place(colour):
        return wrong(
            f"not visible; it should be the {place} ({_where(pin)})",
            *cable(place),
            "On a module with a loose LED: its long leg goes to the +; the screw beside it sets the brightness.",
        )
    return wrong(
        f"not visible; it should be at {_where(pin)}",
        "Turn the LED around: its long leg goes to the pin, its short leg to ground.",
        "Check its wire, its resistor (330 Ω) and its wire to ground.",
        f"If another light was lit, two wires are swapped: swap them, or the numbers in the settings (pins.{colour}).",
    )


async def check_button(context: CheckContext) -> Finding:
    """Check that the button is not stuck, and with a user that it can be pressed."""
    if context.config.pins.button is None:
        return wrong("absent by the settings: without a button, the box can't be paired", "Set pins.button.")
    pin = context.pins.get("button")
    if pin is None:
        return not_tried(NO_PINS)
    await asyncio.sleep(DEBOUNCE)
    if not await _is_up(pin, context.limits.release):
        return wrong(
            f"it is pressed all the time ({_where(pin)})",
            "Is it stuck? Press it a few times, and clean it.",
            "Unplug its wire from the pin and run the doctor again: if that helps, wire or button touch another wire.",
            "Does a press make the pin high instead of low, or the reverse? Change pins.button_active_high.",
            "A button with four legs: use two that are diagonally opposite.",
        )
    if not context.console.asks:
        return ok("not stuck; not tested further without a user")
    events: asyncio.Queue[Event] = asyncio.Queue()
    part = ButtonPart(pin)
    context.parts.callback(part.close)
    part.start(events.put_nowait)
    place = context.place("button")
    which = f", the {place}," if place else ""
    context.console.say(f"Press the button of the box{which} now. (You have {context.limits.press:.0f} seconds.)")
    if not await _wait_for(events, ButtonDown, context.limits.press):
        nothing = f"no press detected within {context.limits.press:.0f} seconds"
        if place:
            return wrong(f"{nothing} at the {place} ({_where(pin)})", *cable(place))
        other = "3.3 V" if context.config.pins.button_active_high else "ground"
        return wrong(
            nothing,
            f"Check its two wires: one to {_where(pin)}, the other to {other}.",
            "A button with four legs: use two that are diagonally opposite.",
        )
    if not await _wait_for(events, ButtonUp, context.limits.release):
        return wrong("no release detected after the press", "Is it stuck? Press it a few times, and clean it.")
    return ok("press and release detected")


def cable(place: str) -> tuple[str, ...]:
    """What to check of a part at this place on the boards. Seeed: modules must not be plugged in under power."""
    board = "Unplug the box, and push its board onto all 40 pins of the header."
    if "socket" not in place:
        return (board,)
    return (board, f"Push both plugs of the cable in: {place}.")


async def _wait_for(events: asyncio.Queue[Event], kind: type[object], within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            while not isinstance(await events.get(), kind):
                pass
    except TimeoutError:
        return False
    return True


async def _is_up(pin: Any, within: float) -> bool:
    """Whether the button is up, or released within so many seconds."""
    steps = max(1, round(within / SETTLE))
    for _ in range(steps):
        if not pin.value:
            return True
        await asyncio.sleep(SETTLE)
    return not pin.value


def _ensure_factory() -> None:
    # Imported here because the pin library may be missing.
    from appliance.panel.pins import ensure_factory

    ensure_factory()


def _make(context: CheckContext, name: str, number: int) -> Any:
    import gpiozero

    with warnings.catch_warnings():
        # Suppress gpiozero's warnings about fallbacks; its exceptions are reported.
        warnings.simplefilter("ignore")
        if name == "button":
            return button.open_pin(number, context.config.pins.button_active_high, context.pin_factory)
        if name == "buzzer":
            return buzzer.open_pin(number, context.config.buzzer.kind, context.pin_factory)
        return gpiozero.DigitalOutputDevice(number, initial_value=False, pin_factory=context.pin_factory)


def _release(device: Any) -> None:
    """Switch a pin off and close it, unless it is closed."""
    if not device.closed:
        if hasattr(device, "off"):
            device.off()
        device.close()


async def _no_pins(context: CheckContext, error: Exception) -> Finding:
    if not await context.blocking(lambda: list((context.root / "dev").glob("gpiochip*")), "look for pins"):
        return wrong(
            "this machine has no GPIO pins for LEDs, buzzer and button",
            ELSEWHERE,
        )
    if not await context.is_on_a_pi():
        return wrong(f"the pins of this machine can't be used: {_words(error)}", ELSEWHERE)
    return wrong(
        f"the pins can't be used: {_words(error)}",
        "Run as root: sudo tt-appliance doctor",
        "Is the library gpiod installed? The appliance depends on it.",
    )


def _is_busy(error: Exception) -> bool:
    """Whether another program uses the pin. lgpio's errors have no types, only messages with `busy`."""
    return "busy" in str(error).lower() or type(error).__name__ == "GPIOPinInUse"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _where(device: Any) -> str:
    """A pin's GPIO name and its position on the header."""
    info = device.pin.info
    return f"{info.name}, position {info.number} of the pin header"
