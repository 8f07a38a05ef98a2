"""Checks of the box itself: its settings, its board and its supply."""

from __future__ import annotations

from appliance.board import read_board, read_model
from appliance.doctor.context import Bench
from appliance.doctor.finding import Finding, not_tried, ok, wrong

TOO_HOT = 80.0
"""Degrees from which a Pi slows itself down."""


async def check_settings(bench: Bench) -> Finding:
    """The settings were read and checked before the doctor began, or it would not have."""
    display, pins = bench.config.display, bench.config.pins
    return ok(
        f"can be used: {display.driver} at 0x{display.i2c_address:02X}; pins {pins.green}, {pins.amber} and {pins.red} "
        f"for the lights, {pins.buzzer} for the buzzer, {pins.button} for the button"
    )


async def check_board(bench: Bench) -> Finding:
    """Model and temperature."""
    model = await bench.blocking(lambda: read_model(bench.root), "read the model")
    board = await bench.blocking(lambda: read_board(bench.root), "read the board")
    if model is None and board.temperature is None:
        return not_tried("this machine does not tell what it is, nor how warm")
    name = model or "a machine that does not tell what it is"
    if board.temperature is None:
        return ok(f"{name}; it does not tell how warm it is")
    words = f"{name}, {board.temperature:.0f} °C"
    if board.temperature >= TOO_HOT:
        return wrong(
            f"{words}: too hot",
            "Give the box air, and keep it away from the stove, the heat lamps and the sun.",
            "A heat sink on the processor helps.",
        )
    return ok(words)


async def check_supply(bench: Bench) -> Finding:
    """The supply's voltage, now and since the board was switched on."""
    board = await bench.blocking(lambda: read_board(bench.root), "read the board")
    mend = (
        "Use the Raspberry Pi's own power supply, not a phone charger or a USB socket of another device.",
        "Use a shorter or thicker cable, and no extension.",
    )
    if board.weak_power:
        return wrong("too weak at this moment", *mend)
    if board.was_weak:
        return wrong("strong enough now, but it was too weak since the box was switched on", *mend)
    if board.weak_power is None:
        return not_tried("this machine does not tell whether its supply is strong enough")
    since = "" if board.was_weak is None else ", and ever since the box was switched on"
    return ok(f"strong enough now{since}")
