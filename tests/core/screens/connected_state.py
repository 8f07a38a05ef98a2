"""A connected box with given orders, for the tests of the screens."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.orders import OrderBook, replaced
from appliance.core.states import Connected
from appliance.core.values import Benchmarks, Order
from tests.core.cases import NOW, STATES

TIMES = Benchmarks(180, 300, 10_800)


def connected(*orders: Order, **world: object) -> Connected:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    state = replace(state, last_heard=NOW, book=replaced(OrderBook(), orders, NOW))
    return replace(state, world=replace(state.world, last_activity=NOW, version="1.2.3", **world))  # type: ignore[arg-type]
