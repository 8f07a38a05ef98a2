"""The screens of the display itself."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.screens.display import display_screen, shifted_screen
from appliance.core.values import SH1106, DisplayIdentity
from tests.core.cases import DISPLAY


def test_a_detected_display_says_what_it_answered() -> None:
    assert display_screen(DISPLAY, "").words == ("Display", "SSD1306  at 0x3C", "detected", "read 43 43 43 00 00 00")


def test_the_chosen_driver_is_told_apart() -> None:
    assert display_screen(replace(DISPLAY, driver=SH1106), "OFFLINE").words[:3] == (
        "OFFLINE",
        "SH1106  at 0x3C",
        "chosen by button",
    )


def test_a_set_driver_has_no_answer() -> None:
    words = display_screen(DisplayIdentity(0x3D, "ssd1309"), "").words
    assert words == ("Display", "SSD1309  at 0x3D", "from the settings")


def test_the_question_comes_first_and_the_actions_last() -> None:
    words = shifted_screen(DISPLAY).words
    assert words == ("Picture is shifted?", "It is drawn for SSD1306", "Yes: press here", "No: wait")
