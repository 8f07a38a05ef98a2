"""The set of active orders.

`now` is the monotonic clock in seconds, everywhere here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from types import MappingProxyType

from appliance.core.cleared import remembered
from appliance.core.day_stats import DayStats
from appliance.core.delivery import Finished, finished
from appliance.core.gateway_clock import GatewayClock
from appliance.core.order_age import Held, cautious_times, latest_of, learnt, vanished
from appliance.core.order_index import IndexCache, OrderIndex
from appliance.core.values import NONE_UNREADABLE, Order, Unreadable

_LASTING = attrgetter(*(item.name for item in fields(Order) if item.name != "elapsed"))
"""An order's values without its age."""


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The active orders by uuid.

    today: the deliveries of the gateway's day that this box saw. unreadable: the unreadable orders of the last whole
    set, minus those of which a readable message came since. cleared: the orders that were cleared last, as keys.
    whole_at: when the last whole set came with a uuid for each of its orders: an order that is unknown began later.
    Minus infinity before the first, and where it may be one that was unreadable there. vanished: orders of earlier sets
    that may be among the unreadable ones of this set, to know their ages if they turn up again.
    """

    held: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    clock: GatewayClock = field(default_factory=GatewayClock)
    today: DayStats = field(default_factory=DayStats)
    unreadable: Unreadable = NONE_UNREADABLE
    cleared: Mapping[str, None] = field(default_factory=lambda: MappingProxyType({}))
    whole_at: float = -math.inf
    vanished: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    cache: IndexCache = field(default_factory=IndexCache, repr=False, compare=False)

    @property
    def index(self) -> OrderIndex:
        """The orders by age, and counts of them."""
        return self.cache.of(self.held)

    @property
    def active(self) -> int:
        """The number of active orders."""
        return len(self.held) + self.unreadable.count

    def same_uuids(self, other: OrderBook) -> bool:
        """Whether both hold the same orders, or as many where the gateway does not list all of them."""
        if other.unreadable.unlisted:
            return self.active == other.active
        return self.unreadable == other.unreadable and self.held.keys() == other.held.keys()

    def same_orders(self, other: OrderBook) -> bool:
        """Whether both hold the same orders in the same states, whatever their ages."""
        return self.same_uuids(other) and all(
            _LASTING(held.order) == _LASTING(other.held[uuid].order)
            for uuid, held in self.held.items()
            if uuid in other.held
        )


def replaced(
    book: OrderBook, orders: Iterable[Order], now: float, unreadable: Unreadable = NONE_UNREADABLE
) -> OrderBook:
    """The book after a whole set (gateway API, WebSocket, ACTIVE_ORDERS)."""
    active = {order.uuid: order for order in orders if order.active}
    known, clock = book.clock.after_set(_news(book, active), now)
    before = {**book.vanished, **book.held}
    held = {
        uuid: learnt(order, before.get(uuid), clock, now, -math.inf if uuid in book.unreadable.uuids else book.whole_at)
        for uuid, order in active.items()
    }
    # A missing order was cleared without a message; only the archive may know when. If there are more orders without a
    # uuid than before, or some are not listed, the missing one may be among them, and is left to the archive.
    gone: list[Finished] = []
    if unreadable.nameless <= book.unreadable.nameless and not unreadable.unlisted:
        gone = [
            finished(was.order, at=known.local(now), sat=was.sat)
            for uuid, was in book.held.items()
            if uuid not in held and uuid not in unreadable.uuids
        ]
    return OrderBook(
        held=held,
        clock=known,
        today=book.today.for_day(known.offset, now).with_finished(gone),
        unreadable=unreadable,
        cleared=remembered(book.cleared, [order.uuid for order in gone], held),
        whole_at=_whole_at(book, now, unreadable),
        vanished=vanished(before, held) if unreadable.count else {},
    )


def _whole_at(book: OrderBook, now: float, unreadable: Unreadable) -> float:
    """The `whole_at` of the book after a whole set with these unreadable orders."""
    if not (unreadable.nameless or unreadable.unlisted):
        return now
    return -math.inf if book.unreadable.uuids else book.whole_at


def _news(book: OrderBook, active: Mapping[str, Order]) -> list[float]:
    """The latest time of each order of a whole set that says more than the book knows."""
    if book.clock.offset is None and len(active) == 1:
        return [time for order in active.values() for time in cautious_times(order)]
    times: list[float] = []
    for uuid, order in active.items():
        before = book.held.get(uuid)
        if before is None:
            latest = latest_of(order)
            if latest is not None:
                times.append(latest)
        elif order.changed is not None and order.changed != before.order.changed:
            times.append(order.changed)
    return times


def newly_paged(before: OrderBook, after: OrderBook) -> tuple[str, ...]:
    """The uuids of orders that are paged in `after` and were not in `before`."""
    return tuple(uuid for uuid, held in after.held.items() if held.order.paged and not _was_paged(before, uuid))


def _was_paged(book: OrderBook, uuid: str) -> bool:
    held = book.held.get(uuid) or book.vanished.get(uuid)
    return held is not None and held.order.paged
