"""The screens of the program's start, end and failure."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.present import failing, farewell, present
from appliance.core.screens.program import starting_screen
from appliance.core.view import Icon, Leds, Line, Message, Power, Size
from tests.core.cases import NOW
from tests.core.screens.connected_state import connected


def test_start_end_and_failure_have_screens() -> None:
    assert starting_screen("1.2").lines == (Line("Table Tracker", Size.MEDIUM), Line("appliance 1.2"))
    view = present(connected(), NOW).view
    last = farewell(replace(view, power=Power.DIM, beat=True, pressed=True))
    assert last.screen.words == ("Stopping", "The display goes dark")
    assert (last.leds, last.power, last.beat, last.pressed) == (Leds(), Power.BRIGHT, None, False)
    assert last.state == view.state
    failed = failing(restart=True)
    assert (failed.state, failed.screen.words[0]) == ("offline", "Program crashes")
    for screen, icon in (
        (starting_screen("1.2"), Icon.STARTING),
        (last.screen, Icon.STOPPING),
        (failed.screen, Icon.WARNING),
    ):
        assert isinstance(screen, Message)
        assert (screen.icon, screen.lines[0].size) == (icon, Size.MEDIUM)
