"""The LED legend: what each combination of the three LEDs means, for the display and for hardware.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.core import texts
from appliance.core.formatting import benchmark
from appliance.core.navigation import SCREEN_STAYS
from appliance.core.states import State
from appliance.core.values import Benchmarks
from appliance.core.view import LedMode, Leds, Listing, Row


@dataclass(frozen=True, slots=True)
class LedMeaning:
    """One combination. leds: their modes. words: the meaning in full. short: for a row of the display."""

    leds: Leds
    words: str
    short: str


def led_legend(times: Benchmarks) -> tuple[tuple[str, tuple[LedMeaning, ...]], ...]:
    """The meanings, grouped by rhythm under a title each. times: the restaurant's benchmarks."""
    warn, late = benchmark(times.warn_after), benchmark(times.late_after)
    return (
        (
            texts.LEDS_STEADY,
            (
                LedMeaning(
                    Leds(green=LedMode.ON),
                    f"connected; every order is in time: younger than `orders.warn_after` ({warn})",
                    texts.LED_IN_TIME,
                ),
                LedMeaning(
                    Leds(amber=LedMode.ON),
                    "connected; the oldest order is older than that",
                    texts.LED_WARN.format(time=warn),
                ),
                LedMeaning(
                    Leds(red=LedMode.ON),
                    f"connected; the oldest order is late: older than `orders.late_after` ({late})",
                    texts.LED_LATE.format(time=late),
                ),
            ),
        ),
        (
            texts.LEDS_SLOW,
            (
                LedMeaning(Leds(green=LedMode.SLOW), "connecting to the paired gateway", texts.LED_CONNECTING),
                LedMeaning(Leds(amber=LedMode.SLOW), "looking for a gateway", texts.LED_LOOKING),
                LedMeaning(Leds(red=LedMode.SLOW), "offline, or no network", texts.LED_OFFLINE),
            ),
        ),
        (
            texts.LEDS_FAST,
            (
                LedMeaning(
                    Leds(amber=LedMode.FAST),
                    "found a gateway: press this box's button",
                    texts.LED_PRESS_HERE,
                ),
                LedMeaning(
                    Leds(green=LedMode.SLOW, amber=LedMode.FAST),
                    "now press the gateway's button",
                    texts.LED_PRESS_GATEWAY,
                ),
                LedMeaning(
                    Leds(red=LedMode.FAST),
                    "display or button is broken, whatever else happens",
                    texts.LED_BROKEN,
                ),
            ),
        ),
    )


def led_legend_screen(state: State, headline: str, now: float) -> tuple[Listing, float]:
    """The legend, one group after the other, and until when this group is shown.

    headline: replaces the title unless it is empty.
    """
    groups = led_legend(state.world.benchmarks)
    left = max(0.0, state.world.turned_until - now)
    each = SCREEN_STAYS / len(groups)
    following = min(len(groups) - 1, math.ceil(left / each) - 1)
    title, rows = groups[len(groups) - 1 - max(0, following)]
    listing = Listing(headline or title, tuple(Row(row.short) for row in rows))
    return listing, state.world.turned_until - following * each
