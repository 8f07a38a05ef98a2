"""Checks of the box itself: settings, board and power supply."""

from __future__ import annotations

from appliance.board import read_board, read_model
from appliance.config.values import PARTS
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong

NAMES = {"button": "button", "green": "green LED", "amber": "amber LED", "red": "red LED", "buzzer": "buzzer"}
"""The parts on pins, in words."""
TOO_HOT = 80.0
"""The temperature in °C at which a Raspberry Pi throttles itself."""


async def check_settings(context: CheckContext) -> Finding:
    """Report the main settings; the command line has already validated them."""
    config = context.config
    display, present = config.display, config.pins.present
    address = "auto" if display.i2c_address is None else f"0x{display.i2c_address:02X}"
    pins = ", ".join(f"{number} for the {NAMES[part]}" for part, number in present.items())
    absent = ", ".join(NAMES[part] for part in PARTS if part not in present)
    return ok(
        f"valid: hardware {config.hardware}; display {display.driver} at {address}; pins {pins or 'none'}"
        + (f"; absent: {absent}" if absent else "")
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
