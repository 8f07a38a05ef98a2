"""The time until a tracker lies on a table, by worked examples."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.folding import fold
from appliance.core.notifications import OrderChanged
from appliance.core.orders import OrderBook, replaced
from appliance.core.values import Order
from tests.core.test_order_age import NOON, order


def test_the_time_to_sit_of_an_order_located_before_its_first_message() -> None:
    located = replace(order("a", NOON), changed=NOON + 25, state="located")
    assert replaced(OrderBook(), [located], 0.0).held["a"].sat == 25.0
    unknown = replace(located, created=None, changed=None)
    assert replaced(OrderBook(), [unknown], 0.0).held["a"].sat is None, "the time of seating is unknown"
    within = replace(located, changed=NOON + 60, elapsed=1.0)
    assert replaced(OrderBook(), [within], 0.0).held["a"].sat == 60.0
    just = replace(located, changed=NOON + 61, elapsed=1.0)
    assert replaced(OrderBook(), [just], 0.0).held["a"].sat == 61.0
    clock_set = replace(located, changed=NOON + 62, elapsed=1.0)
    assert replaced(OrderBook(), [clock_set], 0.0).held["a"].sat is None
    at_once = replace(located, changed=NOON)
    assert replaced(OrderBook(), [at_once], 0.0).held["a"].sat == 0.0
    backwards = replace(located, changed=NOON - 1)
    assert replaced(OrderBook(), [backwards], 0.0).held["a"].sat is None


def test_the_time_to_sit_as_this_box_saw_it() -> None:
    started = Order("a", elapsed=10.0)
    seen = fold(replaced(OrderBook(), [started], 0.0), [OrderChanged(Order("a", state="located"))], 20.0).book
    assert seen.held["a"].sat == 30.0
    unsure = replaced(OrderBook(), [Order("a")], 0.0)
    assert fold(unsure, [OrderChanged(Order("a", state="located"))], 20.0).book.held["a"].sat is None
    cleared = fold(seen, [OrderChanged(Order("a", order_type="TO_GO", state="cleared"))], 50.0).book
    assert (cleared.today.unarchived["a"].sat, cleared.today.unarchived["a"].took) == (30.0, 60.0)
    gone = replaced(seen, [], 60.0).today.unarchived["a"]
    assert (gone.sat, gone.took, gone.cleared) == (30.0, None, None)
