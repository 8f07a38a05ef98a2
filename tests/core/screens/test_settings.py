"""The screen of mistakes in the settings file."""

from __future__ import annotations

from appliance.core.screens.settings import settings_screen
from appliance.core.values import Mistake
from appliance.core.view import Size


def test_the_first_mistake_is_shown_and_the_others_are_counted() -> None:
    one = Mistake(12, "pins.green", "must be a number")
    assert settings_screen((one,)).words == ("Mistake in line 12", "pins.green: must be a number")
    other = Mistake(None, None, "can't be read")
    assert settings_screen((other, one, one)).words == ("Settings", "can't be read", "and 2 more")
    assert settings_screen((other,)).lines[0].size is Size.MEDIUM
    long = settings_screen((Mistake(1, None, "x" * 91),)).lines[1].text
    assert (len(long), long[-1]) == (90, "…")
