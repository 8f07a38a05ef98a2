"""The wires from the 40-pin header to the parts, and the layout of the header.

The header is the same on every Raspberry Pi since the B+ (Raspberry Pi documentation, GPIO and the 40-pin header).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.config import Pins

POWER_3V3 = (1, 17)
POWER_5V = (2, 4)
GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
"""Positions on the header without a GPIO pin."""
POSITIONS: Mapping[int, int] = MappingProxyType(
    {
        0: 27,
        1: 28,
        2: 3,
        3: 5,
        4: 7,
        5: 29,
        6: 31,
        7: 26,
        8: 24,
        9: 21,
        10: 19,
        11: 23,
        12: 32,
        13: 33,
        14: 8,
        15: 10,
        16: 36,
        17: 11,
        18: 12,
        19: 35,
        20: 38,
        21: 40,
        22: 15,
        23: 16,
        24: 18,
        25: 22,
        26: 37,
        27: 13,
    }
)
"""From BCM numbers, as in the settings, to positions on the header."""
SDA, SCL = 2, 3
"""BCM numbers of I2C bus 1, which the display uses."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire from the header to a part.

    end: a terminal of the part, such as `SDA`. position: on the header. bcm: None for supply and ground. note: parts in
    between.
    """

    part: str
    end: str
    position: int
    bcm: int | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """The name of the pin."""
        if self.bcm is not None:
            return f"GPIO {self.bcm}"
        return "3.3 V" if self.position in POWER_3V3 else "5 V" if self.position in POWER_5V else "ground"


def wires(pins: Pins) -> tuple[Wire, ...]:
    """All wires, by part. pins: BCM numbers; no part is absent."""
    present = pins.present

    def signal(part: str, end: str, bcm: int, note: str = "") -> Wire:
        return Wire(part, end, POSITIONS[bcm], bcm, note)

    return (
        Wire("display", "VCC", 1),
        signal("display", "SDA", SDA),
        signal("display", "SCL", SCL),
        Wire("display", "GND", 6),
        signal("button", "contact", present["button"], "closes to ground"),
        Wire("button", "ground", 9),
        signal("green LED", "anode", present["green"], "through 330 Ω"),
        signal("amber LED", "anode", present["amber"], "through 330 Ω"),
        signal("red LED", "anode", present["red"], "through 330 Ω"),
        Wire("LEDs", "cathodes", 20),
        signal("buzzer", "base", present["buzzer"], "through 1 kΩ to the transistor's base"),
        Wire("buzzer", "emitter", 14, note="the transistor's emitter"),
        Wire("buzzer", "plus", 2, note="the buzzer's plus; its minus goes to the transistor's collector"),
    )
