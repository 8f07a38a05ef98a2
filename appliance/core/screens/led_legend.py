"""What the three lights mean, each combination once: the one table, for the display and for hardware.md."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.formatting import benchmark
from appliance.core.values import Benchmarks
from appliance.core.view import Leds, Light


@dataclass(frozen=True, slots=True)
class Meaning:
    """leds: as they shine. words: in full. short: for a row of the display."""

    leds: Leds
    words: str
    short: str


def meanings(times: Benchmarks) -> tuple[tuple[str, tuple[Meaning, ...]], ...]:
    """The meanings by rhythm: a title, and what shines so. times: the restaurant's."""
    warn, late = benchmark(times.warn_after), benchmark(times.late_after)
    return (
        (
            "Steady light",
            (
                Meaning(
                    Leds(green=Light.ON),
                    f"connected; every order is in time: younger than `orders.warn_after` ({warn})",
                    "green: in time",
                ),
                Meaning(Leds(amber=Light.ON), "connected; the oldest order is older than that", f"amber: over {warn}"),
                Meaning(
                    Leds(red=Light.ON),
                    f"connected; the oldest order is late: older than `orders.late_after` ({late})",
                    f"red: over {late}",
                ),
            ),
        ),
        (
            "Blinks slowly",
            (
                Meaning(Leds(green=Light.SLOW), "connecting to the paired gateway", "green slow: connecting"),
                Meaning(Leds(amber=Light.SLOW), "looking for a gateway", "amber slow: looking"),
                Meaning(Leds(red=Light.SLOW), "offline, or no network", "red slow: offline"),
            ),
        ),
        (
            "Blinks fast",
            (
                Meaning(
                    Leds(amber=Light.FAST), "a gateway is found: press the button of this box", "amber fast: press here"
                ),
                Meaning(
                    Leds(green=Light.SLOW, amber=Light.FAST),
                    "now press the gateway's button",
                    "+ green: press gateway",
                ),
                Meaning(
                    Leds(red=Light.FAST),
                    "a part of this box is broken (display or button), whatever else is the case",
                    "red fast: broken part",
                ),
            ),
        ),
    )
