"""The screen of the box: its address, version and board."""

from __future__ import annotations

import pytest

from appliance.core.screens.box import box_screen
from appliance.core.values import Board
from tests.core.cases import NOW
from tests.core.screens.connected_state import connected


def test_the_box_screen_is_redrawn_every_minute() -> None:
    for now, until in ((NOW, 1020.0), (1020.0, 1080.0), (1019.5, 1020.0)):
        assert box_screen(connected(), "", now)[1] == until


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (Board(), ()),
        (Board(None, False, False), ("power ok",)),
        (Board(None, False, True), ("power was weak",)),
        (Board(None, True, True), ("weak power supply",)),
        (Board(51.6), ("box 52 °C",)),
        (Board(51.6, True), ("box 52 °C  weak power supply",)),
    ],
)
def test_the_boards_temperature_and_power_have_a_row(board: Board, words: tuple[str, ...]) -> None:
    listing, _ = box_screen(connected(board=board), "", NOW)
    assert listing.words == ("This box", "192.0.2.5", "v1.2.3  on for 16 min", *words)
