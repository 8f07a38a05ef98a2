"""The generated tables of hardware.md: the pins, and the meaning of the LEDs."""

from __future__ import annotations

from appliance.config import Pins
from appliance.core.screens.led_legend import led_legend
from appliance.core.values import Benchmarks
from appliance.core.view import LedMode
from appliance.pictures.header_pins import wires


def with_tables(text: str, pins: Pins, times: Benchmarks) -> str:
    """A text with updated tables between its markers. Raises ValueError if a marker is missing."""
    return _with_table(_with_table(text, "pins", pin_table(pins)), "leds", led_table(times))


def pin_table(pins: Pins) -> str:
    """All wires as a Markdown table. pins: BCM numbers."""
    rows = ["| part | end | BCM | header | |", "| --- | --- | --- | --- | --- |"]
    for wire in wires(pins):
        pin = wire.label if wire.bcm is None else str(wire.bcm)
        rows.append(f"| {wire.part} | {wire.end} | {pin} | {wire.position} | {wire.note} |")
    return "\n".join(rows) + "\n"


def led_table(times: Benchmarks) -> str:
    """The meaning of the LEDs as a Markdown table."""
    rows = ["| green | amber | red | meaning |", "| --- | --- | --- | --- |"]
    for _, group in led_legend(times):
        for one in group:
            modes = (one.leds.green, one.leds.amber, one.leds.red)
            cells = " | ".join("" if mode is LedMode.OFF else str(mode) for mode in modes)
            rows.append(f"| {cells} | {one.words} |")
    return "\n".join(rows) + "\n"


def _with_table(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"missing marker {begin} or {end}")
    return f"{before}{begin}\n\n{table}\n{end}{after}"
