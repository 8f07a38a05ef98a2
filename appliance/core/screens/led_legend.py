"""What the three lights mean, each combination once: the one table, for the display and for hardware.md."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.formatting import benchmark
from appliance.core.values import Benchmarks
from appliance.core.view import LedMode, Leds


@dataclass(frozen=True, slots=True)
class LedMeaning:
    """leds: as they shine. words: in full. short: for a row of the display."""

    leds: Leds
    words: str
    short: str


def led_legend(times: Benchmarks) -> tuple[tuple[str, tuple[LedMeaning, ...]], ...]:
    """The meanings by rhythm: a title, and what shines so. times: the restaurant's."""
    warn, late = benchmark(times.warn_after), benchmark(times.late_after)
    return (
        (
            "Steady light",
            (
                LedMeaning(
                    Leds(green=LedMode.ON),
                    f"connected; every order is in time: younger than `orders.warn_after` ({warn})",
                    "green: in time",
                ),
                LedMeaning(
                    Leds(amber=LedMode.ON), "connected; the oldest order is older than that", f"amber: over {warn}"
                ),
                LedMeaning(
                    Leds(red=LedMode.ON),
                    f"connected; the oldest order is late: older than `orders.late_after` ({late})",
                    f"red: over {late}",
                ),
            ),
        ),
        (
            "Blinks slowly",
            (
                LedMeaning(Leds(green=LedMode.SLOW), "connecting to the paired gateway", "green slow: connecting"),
                LedMeaning(Leds(amber=LedMode.SLOW), "looking for a gateway", "amber slow: looking"),
                LedMeaning(Leds(red=LedMode.SLOW), "offline, or no network", "red slow: offline"),
            ),
        ),
        (
            "Blinks fast",
            (
                LedMeaning(
                    Leds(amber=LedMode.FAST),
                    "a gateway is found: press the button of this box",
                    "amber fast: press here",
                ),
                LedMeaning(
                    Leds(green=LedMode.SLOW, amber=LedMode.FAST),
                    "now press the gateway's button",
                    "+ green: press gateway",
                ),
                LedMeaning(
                    Leds(red=LedMode.FAST),
                    "a part of this box is broken (display or button), whatever else is the case",
                    "red fast: broken part",
                ),
            ),
        ),
    )
