"""The screen of the day's statistics and its chart."""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.day_stats import DayStats, DeliveryStats, GatewayStats
from appliance.core.screens.today import today_screen
from appliance.core.values import Order
from tests.core.cases import NOW
from tests.core.screens.connected_state import connected


def test_today_is_redrawn_when_its_note_changes() -> None:
    state = connected()
    counting = replace(state, book=replace(state.book, today=DayStats(None, NOW - 70)))
    screen, until = today_screen(counting, NOW)
    assert (screen.note, until) == ("counted for 1 min", NOW + 50)
    assert (screen.title, screen.words) == ("Today", ("Today", "0 done, 0 open", "counted for 1 min"))
    for gateway, note in (
        (None, ""),
        (GatewayStats(), ""),
        (GatewayStats(3), "gateway: 3 done"),
        (GatewayStats(None, 61.0), "gateway: 1:01"),
        (GatewayStats(3, 61.0), "gateway: 3 done, 1:01"),
    ):
        kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(), gateway=gateway))
        screen, until = today_screen(replace(state, book=kept), NOW)
        assert (screen.note, until) == (note, math.inf)


def test_the_chart_has_at_least_six_hours() -> None:
    def hours(*busy: int) -> tuple[int, tuple[int, ...]]:
        state = connected()
        counts = tuple(int(hour in busy) for hour in range(24))
        kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(len(busy), hours=counts)))
        screen, _ = today_screen(replace(state, book=kept), NOW)
        return screen.first, screen.hours

    assert hours() == (0, ())
    assert hours(0) == (0, (1, 0, 0, 0, 0, 0))
    assert hours(11) == (11, (1, 0, 0, 0, 0, 0))
    assert hours(11, 18) == (11, (1, 0, 0, 0, 0, 0, 0, 1))
    assert hours(22) == (18, (0, 0, 0, 0, 1, 0))
    assert hours(23) == (18, (0, 0, 0, 0, 0, 1))


def test_today_without_delivery_times() -> None:
    state = connected()
    kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(2)))
    screen, _ = today_screen(replace(state, book=kept), NOW)
    assert (screen.title, screen.finished, screen.target) == ("Latest day", "2 done", "5:00")
    assert (screen.average, screen.median, screen.share, screen.doubt) == ("", "", "", False)


def test_a_day_without_a_finished_order_is_today_and_has_its_open_orders() -> None:
    """The gateway's date is unknown, because its orders have no times; the archive is empty."""
    state = connected(*(Order(str(number)) for number in range(9)))
    kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats()))
    screen, _ = today_screen(replace(state, book=kept), NOW)
    assert screen.words == ("Today", "0 done, 9 open")
