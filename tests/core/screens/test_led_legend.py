"""The legend of the LEDs agrees with the states and the settings."""

from __future__ import annotations

import pytest

from appliance.core.present import present
from appliance.core.screens.led_legend import led_legend, led_legend_screen
from appliance.core.values import Benchmarks
from appliance.core.view import LedMode, Leds
from tests.core.cases import NOW, STATES
from tests.core.screens.connected_state import TIMES, connected


def test_the_legend_has_three_parts_of_five_seconds() -> None:
    state = connected(turned_until=NOW + 15)
    titles = ["Steady light", "Blinks slowly", "Blinks fast"]
    for now, title, until in ((0.0, 0, 5.0), (4.9, 0, 5.0), (5.0, 1, 10.0), (9.9, 1, 10.0), (10.0, 2, 15.0)):
        listing, holds = led_legend_screen(state, "", NOW + now)
        assert listing.title == titles[title]
        assert holds == pytest.approx(NOW + until)
    assert led_legend_screen(state, "", NOW + 20)[0].title == titles[2]


def test_the_legend_has_the_benchmarks_of_the_settings() -> None:
    rows = [row for _, group in led_legend(Benchmarks(45, 120)) for row in group]
    assert [row.short for row in rows[:3]] == ["green: in time", "amber: over 45 s", "red: over 2 min"]
    off, slow, fast = LedMode.OFF, LedMode.SLOW, LedMode.FAST
    assert [row.leds for row in rows] == [
        Leds(LedMode.ON, off, off),
        Leds(off, LedMode.ON, off),
        Leds(off, off, LedMode.ON),
        Leds(slow, off, off),
        Leds(off, slow, off),
        Leds(off, off, slow),
        Leds(off, fast, off),
        Leds(slow, fast, off),
        Leds(off, off, fast),
    ]


def test_the_legend_in_full_sentences() -> None:
    assert [row.words for _, group in led_legend(TIMES) for row in group] == [
        "connected; every order is in time: younger than `orders.warn_after` (3 min)",
        "connected; the oldest order is older than that",
        "connected; the oldest order is late: older than `orders.late_after` (5 min)",
        "connecting to the paired gateway",
        "looking for a gateway",
        "offline, or no network",
        "found a gateway: press this box's button",
        "now press the gateway's button",
        "display or button is broken, whatever else happens",
    ]
    assert [row.short for _, group in led_legend(TIMES) for row in group] == [
        "green: in time",
        "amber: over 3 min",
        "red: over 5 min",
        "green slow: connecting",
        "amber slow: looking",
        "red slow: offline",
        "amber fast: press here",
        "+ green: press gateway",
        "red fast: broken part",
    ]


def test_the_legend_explains_the_leds_of_every_state() -> None:
    lit = {present(state, NOW).view.leds for state in STATES.values()}
    meant = {row.leds for _, group in led_legend(TIMES) for row in group}
    assert lit <= meant
