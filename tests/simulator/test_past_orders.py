"""Generated orders of past days."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from appliance.simulator.past_orders import past_orders
from appliance.simulator.restaurant import Restaurant

NOW = datetime(2026, 11, 25, 20, 0)


def test_a_fortnight_of_a_busy_place() -> None:
    orders = past_orders(Random(1), NOW)
    assert orders == past_orders(Random(1), NOW), "a seed reproduces its orders"
    days = Counter(order.created.date() for order in orders)
    assert len(days) == 15
    assert 12_000 < len(orders) < 17_000
    assert days[datetime(2026, 11, 20).date()] > 1.5 * days[datetime(2026, 11, 19).date()], "a Friday"
    assert len({order.uuid for order in orders}) == len(orders)
    assert all(order.created < order.changed <= NOW and order.state == "cleared" for order in orders)
    never = [order for order in orders if order.order_type == "ON_PREMISE" and not order.location]
    assert 100 < len(never) < 500
    assert any(order.changed - order.created > timedelta(hours=3) for order in orders)


def test_past_orders_cause_no_notification_and_expire() -> None:
    heard: list[object] = []
    restaurant = Restaurant(lambda: NOW, heard.append)
    restaurant.add_finished(past_orders(Random(1), NOW, days=20, per_day=50))
    assert heard == []
    oldest = min(order.changed for order in restaurant.history())
    assert NOW - timedelta(days=14) <= oldest < NOW - timedelta(days=13)
    restaurant.lists_oldest_first = True
    created = [order.created for order in restaurant.history()]
    assert created == sorted(created)
