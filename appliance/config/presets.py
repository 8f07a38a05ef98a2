"""The boards that a box can be built from, by their names in the settings (`hardware`); hardware.md has the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from appliance.config.values import SOLDERED, Pins


@dataclass(frozen=True, slots=True)
class Preset:
    """The pins of one build.

    places: where the parts are on the boards, by the parts' names in Pins; empty where each part has wires of its own.
    taken: BCM numbers that the boards connect to something else, and its name; no output may drive them.
    """

    pins: Pins
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    taken: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


_STICK = dict.fromkeys((4, 17, 22, 23, 27), "the bonnet's stick")
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        SOLDERED: Preset(Pins()),
        "grove": Preset(
            Pins(button=23, green=26, amber=22, red=16, buzzer=12),
            MappingProxyType(
                {
                    "button": "yellow LED Button, socket D22",
                    "green": "green LED, socket D26",
                    "amber": "yellow LED Button, socket D22",
                    "red": "red LED, socket D16",
                    "buzzer": "Buzzer, socket PWM",
                }
            ),
        ),
        "adafruit-oled-bonnet": Preset(
            Pins(button=5, green=None, amber=None, red=None, buzzer=None),
            MappingProxyType({"button": "button #5"}),
            MappingProxyType({**_STICK, 6: "the bonnet's button #6"}),
        ),
    }
)
"""All builds. No output of theirs is on a pin that the board pulls up while it starts (GPIO 0 to 8)."""
NO_OUTPUTS = Pins(green=None, amber=None, red=None, buzzer=None)
"""The pins while the hardware is unknown: an output may meet a switch to ground. The button, an input, is harmless."""
