"""Checks of the box itself: settings, board and power supply."""

from __future__ import annotations

from appliance.board import read_board, read_model
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong

TOO_HOT = 80.0
"""The temperature in °C at which a Raspberry Pi throttles itself."""


async def check_settings(context: CheckContext) -> Finding:
    """Report the main settings; the command line has already validated them."""
    display, pins = context.config.display, context.config.pins
    address = "auto" if display.i2c_address is None else f"0x{display.i2c_address:02X}"
    return ok(
        f"valid: display {display.driver} at {address}; pins {pins.green}, {pins.amber} and {pins.red} "
        f"for the LEDs, {pins.buzzer} for the buzzer, {pins.button} for the button"
    )


async def check_board(context: CheckContext) -> Finding:
    """Check the temperature, and report the model."""
    model = await context.blocking(lambda: read_model(context.root), "read the model")
    board = await context.blocking(lambda: read_board(context.root), "read the board")
    if model is None and board.temperature is None:
        return not_tried("this machine reports neither its model nor its temperature")
    name = model or "unknown model"
    if board.temperature is None:
        return ok(f"{name}; no temperature reported")
    words = f"{name}, {board.temperature:.0f} °C"
    if board.temperature >= TOO_HOT:
        return wrong(
            f"{words}: too hot",
            "Move the box away from stoves, heat lamps and the sun, and give it air.",
            "A heat sink on the processor helps.",
        )
    return ok(words)


async def check_supply(context: CheckContext) -> Finding:
    """Check the supply voltage, now and since power-on."""
    board = await context.blocking(lambda: read_board(context.root), "read the board")
    advice = (
        "Use the Raspberry Pi's own power supply, not a phone charger or a USB socket of another device.",
        "Use a shorter or thicker cable, and no extension.",
    )
    if board.weak_power:
        return wrong("undervoltage now", *advice)
    if board.was_weak:
        return wrong("enough voltage now, but undervoltage since the box was switched on", *advice)
    if board.weak_power is None:
        return not_tried("this machine does not report its supply voltage")
    since = "" if board.was_weak is None else ", and since the box was switched on"
    return ok(f"enough voltage now{since}")
