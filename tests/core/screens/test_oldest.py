"""The list of the oldest orders."""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.screens.count import connected_view
from appliance.core.screens.oldest import oldest_screen
from appliance.core.states import Alert
from appliance.core.values import Order, Unreadable
from appliance.core.view import Row
from tests.core.cases import NOW
from tests.core.screens.connected_state import connected


def test_the_list_is_redrawn_when_an_order_is_a_minute_older() -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in (130.0, 95.0, 61.0, 5.0, 4.0)))
    listing, until = oldest_screen(state, NOW)
    assert until == NOW + 25.0
    assert [row.right for row in listing.rows] == ["2 min", "1 min", "1 min", "<1 min"]
    assert oldest_screen(connected(), NOW)[1] == math.inf
    assert oldest_screen(connected(), NOW)[0].words == ("Oldest orders", "none")
    assert oldest_screen(connected(Order("a", elapsed=60.0)), NOW)[1] == NOW + 60


def test_unreadable_orders_have_a_row_of_their_own() -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in (130.0, 95.0, 61.0, 5.0)))
    state = replace(state, book=replace(state.book, unreadable=Unreadable(nameless=2)))
    listing, _ = oldest_screen(state, NOW)
    assert listing.rows[-1] == Row("2 unreadable")
    assert len(listing.rows) == 4


def test_long_names_are_cut_in_the_list_and_whole_on_a_page() -> None:
    long = Order("a", "1234567890123", location="abcdefghijklm", elapsed=1.0, paged=True)
    listing, _ = oldest_screen(connected(long), NOW)
    assert listing.rows[0].left == "12345678901…  table abcdefghijk…"
    paged = connected_view(replace(connected(long), alert=Alert(("a",), NOW + 8)), NOW).screen
    assert paged.words == ("Tracker 1234567890123 paged", "table abcdefghijklm", "1 order")
