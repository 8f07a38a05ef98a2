"""The generated tables: pins and LEDs in hardware.md, and the signs of the display in docs/install.md."""

from __future__ import annotations

from appliance.config import Pins
from appliance.config.presets import PRESETS
from appliance.config.values import PARTS, SOLDERED
from appliance.core.screens.led_legend import led_legend
from appliance.core.values import Benchmarks
from appliance.core.view import LedMode
from appliance.panel.drawing.signs import SIGNS
from appliance.pictures.header_pins import wires


def with_tables(text: str, pins: Pins, times: Benchmarks) -> str:
    """The text of hardware.md with updated tables between its markers. Raises ValueError if a marker is missing."""
    tables = {"boards": board_table(), "pins": pin_table(pins), "leds": led_table(times)}
    for name, table in tables.items():
        text = _with_table(text, name, table)
    return text


def board_table() -> str:
    """The pins of the boards that are plugged together as a Markdown table, a column for each preset."""
    boards = {name: preset for name, preset in PRESETS.items() if name != SOLDERED}
    rows = [f"| part | {' | '.join(f'`{name}`' for name in boards)} |", "| --- |" + " --- |" * len(boards)]
    for part in PARTS:
        name = part if part in ("button", "buzzer") else f"{part} LED"
        pins = [preset.pins.present.get(part) for preset in boards.values()]
        places = [preset.places.get(part) for preset in boards.values()]
        cells = ["–" if pin is None else f"GPIO {pin}: {at}" for pin, at in zip(pins, places, strict=True)]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


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


def with_signs(text: str) -> str:
    """The text of docs/install.md with its updated table of signs. Raises ValueError if a marker is missing."""
    return _with_table(text, "signs", sign_table())


def sign_table() -> str:
    """The meaning of each sign as a Markdown table."""
    rows = ["| sign | meaning |", "| --- | --- |"]
    rows += [f"| {shape.name} | {shape.meaning} |" for shape in SIGNS.values()]
    return "\n".join(rows) + "\n"


def _with_table(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"missing marker {begin} or {end}")
    return f"{before}{begin}\n\n{table}\n{end}{after}"
