"""The count of active orders: its marks and remarks, and the moment when it changes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from appliance.core.order_age import Held
from appliance.core.screens.count import age_mark, connected_view, order_age
from appliance.core.states import Alert
from appliance.core.values import Benchmarks, Order, Unreadable
from appliance.core.view import Count, Mark
from tests.core.cases import NOW
from tests.core.screens.connected_state import TIMES, connected


@pytest.mark.parametrize(
    ("ages", "until"),
    [
        ((10.0,), 50.0),
        ((60.0,), 60.0),
        ((119.0,), 1.0),
        ((170.0,), 10.0),
        ((299.0,), 1.0),
        ((331.0,), 29.0),
        ((331.0, 290.0), 10.0),
        ((331.0, 250.0), 29.0),
        ((10_799.0,), 1.0),
        ((10_799.5, 3600.0), 0.5),
    ],
)
def test_the_count_is_redrawn_when_an_age_a_mark_or_the_late_orders_change(
    ages: tuple[float, ...], until: float
) -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in ages))
    assert connected_view(state, NOW).until == pytest.approx(NOW + until)


def test_a_benchmark_between_two_minutes_redraws_the_count() -> None:
    state = connected(Order("a", elapsed=61.0), benchmarks=Benchmarks(90, 100, 110))
    now = NOW
    for until in (29.0, 39.0, 49.0):
        now = connected_view(state, now).until
        assert now == pytest.approx(NOW + until)
    assert connected_view(state, now).until == math.inf, "nothing is left that is not forgotten"


def test_without_orders_the_count_is_never_redrawn() -> None:
    assert connected_view(connected(), NOW).until == math.inf


def test_a_page_and_a_welcome_end_at_their_times() -> None:
    state = connected(Order("a", elapsed=10.0, paged=True))
    shown = connected_view(replace(state, alert=Alert(("a",), NOW + 8)), NOW)
    assert (shown.until, shown.urgent) == (NOW + 8, True)
    shown = connected_view(replace(state, welcome_until=NOW + 4), NOW)
    assert (shown.until, shown.urgent) == (NOW + 4, False)
    gone = replace(state, alert=Alert(("gone",), NOW + 8))
    assert connected_view(gone, NOW).screen.words[0] == "1"


def test_a_lower_bound_of_an_age_has_a_sign() -> None:
    assert [order_age(seconds, exact=False) for seconds in (0.0, 59.9, 60.0, 3900.0)] == [
        "≥0 min",
        "≥0 min",
        "≥1 min",
        "≥1 h 05",
    ]
    assert order_age(59.9, exact=True) == "<1 min"


def test_marks_change_at_the_benchmarks() -> None:
    marks = [age_mark(Held(Order("a"), NOW - seconds, True), TIMES, NOW) for seconds in (179.9, 180.0, 299.9, 300.0)]
    assert marks == [Mark.FINE, Mark.WARN, Mark.WARN, Mark.LATE]


def test_orders_to_go_are_a_remark_unless_all_are_to_go() -> None:
    to_go, here = Order("a", order_type="TO_GO", elapsed=5.0), Order("b", elapsed=5.0)
    assert connected_view(connected(to_go), NOW).screen.words[1] == "order"
    assert connected_view(connected(to_go, here), NOW).screen.words[1] == "orders  1 to go"


@pytest.mark.parametrize(("age", "mark"), [(5.0, Mark.FINE), (200.0, Mark.WARN), (400.0, Mark.LATE)])
def test_the_oldest_order_marks_the_count(age: float, mark: Mark) -> None:
    screen = connected_view(connected(Order("a", elapsed=age), Order("b", elapsed=1.0)), NOW).screen
    assert isinstance(screen, Count)
    assert screen.mark is mark


def test_the_most_urgent_remark_is_first() -> None:
    ages = (400.0, 11_000.0, 11_000.0, 5.0)
    orders = [Order(str(number), elapsed=age, paged=number == 3) for number, age in enumerate(ages)]
    state = connected(*orders, Order("to go", order_type="TO_GO", elapsed=5.0))
    state = replace(state, book=replace(state.book, unreadable=Unreadable(nameless=4)))
    screen = connected_view(state, NOW).screen
    assert isinstance(screen, Count)
    assert [remark.text for remark in screen.remarks] == ["1 paged", "1 late", "4 unreadable", "1 to go", "2 lost?"]
    assert [remark.sign.name for remark in screen.remarks] == ["PAGED", "LATE", "UNREADABLE", "TO_GO", "OLD"]
    assert screen.noun == "orders"


def test_an_order_getting_old_is_a_remark() -> None:
    for age, words in ((170.0, "orders"), (200.0, "orders  getting old"), (400.0, "orders  1 late")):
        assert connected_view(connected(Order("a", elapsed=age), Order("b", elapsed=1.0)), NOW).screen.words[1] == words
