"""Checks (see `checks`) of the display's settings."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from appliance.config.checks import nearest, number_hint, scalar_of, shown, text_of, whole
from appliance.config.yaml_lines import Node

_AS_PRINTED = {
    **dict.fromkeys(("3C", "78", "79"), 0x3C),
    **dict.fromkeys(("3D", "7A", "7B"), 0x3D),
}
"""Hexadecimal addresses, also as modules have them printed: shifted left, with the bit for reading or writing."""


def i2c_address(node: Node) -> int:
    """An address on the I2C bus, 0x03 to 0x77; the usual ones also as modules have them printed, 0x78 and 0x7A."""
    must = "must be from 0x03 to 0x77, such as 0x3C"
    scalar = scalar_of(node, must)
    printed = _AS_PRINTED.get(re.sub("^0[xX]", "", scalar.text).upper())
    if printed is not None:
        return printed
    try:
        return int(whole(0x03, 0x77)(node))
    except ValueError:
        raise ValueError(f"{must}, not {shown(node)}") from None


def height(node: Node) -> int:
    """The display's height in pixels: 64 or 32."""
    return _one_of(node, "must be 64 or 32 pixels", {"64": 64, "32": 32})


def rotation(node: Node) -> int:
    """The display's rotation in luma.core's quarter turns: 0, or 2 for upside down (180 also means 2)."""
    return _one_of(node, "must be 0, or 2 or 180 for upside down", {"0": 0, "2": 2, "180": 2})


def _one_of(node: Node, must: str, known: dict[str, int]) -> int:
    scalar = scalar_of(node, must)
    if not scalar.plain or scalar.text not in known:
        raise ValueError(f"{must}, not {shown(node)}{number_hint(scalar)}")
    return known[scalar.text]


def driver(node: Node) -> str:
    """The name of a display that luma.oled supports, or auto."""
    name = text_of(node, "must be auto, or the name of a display, such as ssd1306")
    if name in ("auto", "ssd1306"):
        return name
    known = ("auto", *_luma_displays())
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "usual ones: ssd1306, sh1106, ssd1309"
        raise ValueError(f"unknown display {shown(node)}; {hint}")
    return name


@lru_cache(maxsize=1)
def _luma_displays() -> tuple[str, ...]:
    """The displays of luma.oled, parsed from its source: importing it would also import Pillow and a bus library."""
    import ast
    from importlib.util import find_spec

    spec = find_spec("luma.oled.device")
    if spec is None or spec.origin is None:
        return ("ssd1306",)
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(statement, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in statement.targets):
            return tuple(sorted(ast.literal_eval(statement.value)))
    return ("ssd1306",)
