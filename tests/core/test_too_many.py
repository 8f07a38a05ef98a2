"""The limit of 100,000 orders: exact up to it, and beyond it a message in place of the count."""

from __future__ import annotations

from appliance.core.events import (
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayResolved,
)
from appliance.core.limits import MOST_ORDERS
from appliance.core.notifications import OrderChanged
from appliance.core.present import present
from appliance.core.states import Offline
from appliance.core.values import Order
from tests.core.cases import A
from tests.core.simulated_effects import Surroundings
from tests.core.test_connected import connected, live


def shown(box: Surroundings) -> tuple[str, int | None, str]:
    view = present(box.state, box.now).view
    return view.state, view.active, " ".join(view.screen.words)


def test_the_100000th_order_is_counted_and_the_next_is_too_many() -> None:
    box = live(*(Order(str(number)) for number in range(MOST_ORDERS - 1)))
    feed = connected(box).feed
    box.tell(FeedNotified(feed, (OrderChanged(Order("last"), created=True),)))
    box.advance(0.1)
    assert shown(box)[:2] == ("connected", MOST_ORDERS)
    box.tell(FeedNotified(feed, (OrderChanged(Order("one more"), created=True),)))
    state, active, words = shown(box)
    assert (state, active) == ("offline", None)
    assert "Too many orders for this box" in words
    assert not box.feeds, "the feed is closed"
    assert isinstance(box.state, Offline)
    assert not box.state.link.book.held, "the uncounted orders use no memory"


def test_a_too_large_set_is_retried_until_it_fits() -> None:
    box = live(Order("a"))
    box.advance(271)
    looking = connected(box).looking
    box.tell(FeedLost(looking, FeedFailure.TOO_MUCH))
    assert shown(box)[:2] == ("offline", None)
    for _ in range(3):
        box.advance(30.1)
        assert isinstance(box.state, Offline)
        box.tell(GatewayResolved(box.resolving, A))
        (feed,) = box.feeds
        box.tell(FeedLost(feed, FeedFailure.TOO_MUCH))
        assert "Too many orders for this box" in shown(box)[2]
    box.advance(30.1)
    box.tell(GatewayResolved(box.resolving, A))
    (feed,) = box.feeds
    box.tell(FeedOpened(feed, (Order("a"), Order("b"))))
    assert shown(box)[:2] == ("connected", 2)
