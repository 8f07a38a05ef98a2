"""The set of active orders, folded from the gateway's messages, and the age of each.

The box has no clock to trust, so an order's age comes from the gateway's own times when the box learns of the order,
and from the monotonic clock since then. `now` is the monotonic clock, in seconds, everywhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from types import MappingProxyType

from appliance.core.day_stats import DayStats
from appliance.core.delivery import Finished, finished
from appliance.core.events import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_index import IndexCache, OrderIndex
from appliance.core.values import NONE_UNREADABLE, Benchmarks, Order, Unreadable

LOCATED = "located"
"""The state of an order whose tracker lies on a tagged table (gateway API, orders)."""
ROUNDING = 1e-6
"""Seconds: far more than the rounding of a monotonic time, and far less than anyone notices."""
SAT_LATER = 60.0
"""Seconds by which a table may seem known before the order, because the gateway delays its messages."""
CLOCK_JUMP = 24 * 3600.0
"""Seconds: a larger step of the gateway's clock means that it was set, and is no order's age."""

_LASTING = attrgetter(*(item.name for item in fields(Order) if item.name != "elapsed"))
"""An order's values without its age."""


@dataclass(frozen=True, slots=True)
class Held:
    """An active order and its age: it was 0 s old at `since`. exact: False if it may have begun earlier.

    sat: seconds from its start until its tracker lay on a table; None before that, or if unknown.
    """

    order: Order
    since: float
    exact: bool
    sat: float | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The active orders by uuid.

    unreadable: the unreadable orders of the last whole set, minus those of which a readable message came since.
    offset: the gateway's local time minus `now`, or None; a lower bound until `offset_exact`. today: the deliveries of
    the gateway's day that this box saw.
    """

    held: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    offset: float | None = None
    offset_exact: bool = False
    today: DayStats = field(default_factory=DayStats)
    unreadable: Unreadable = NONE_UNREADABLE
    cache: IndexCache = field(default_factory=IndexCache, repr=False, compare=False)

    @property
    def index(self) -> OrderIndex:
        """The orders by age, and counts of them."""
        return self.cache.of(self.held)

    @property
    def active(self) -> int:
        """The number of active orders."""
        return len(self.held) + self.unreadable.count

    def same_orders(self, other: OrderBook) -> bool:
        """Whether both hold the same orders in the same states, whatever their ages."""
        if self.unreadable != other.unreadable or self.held.keys() != other.held.keys():
            return False
        return all(_LASTING(held.order) == _LASTING(other.held[uuid].order) for uuid, held in self.held.items())


@dataclass(frozen=True, slots=True)
class Folded:
    """The result of folding notifications into a book.

    paged: the uuid of each page, in order. unknown: one changed an order that the book did not hold. unusable: one was
    unreadable. whole: one was the whole set.
    """

    book: OrderBook
    paged: tuple[str, ...] = ()
    unknown: bool = False
    unusable: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a book. Ages are in seconds.

    late, oldest: without forgotten orders. forgotten: orders older than `forget_after`, which count as active and raise
    no alarm. to_go: includes forgotten orders. unreadable: orders that count as active only. at_least: the oldest age
    is a lower bound, as it is beside an unreadable order.
    """

    active: int
    paged: int
    to_go: int
    late: int
    forgotten: int
    oldest: float | None
    at_least: bool
    unreadable: int = 0


def replaced(
    book: OrderBook, orders: Iterable[Order], now: float, unreadable: Unreadable = NONE_UNREADABLE
) -> OrderBook:
    """The book after a whole set (gateway API, WebSocket, ACTIVE_ORDERS).

    Orders that were held keep their age unless the set proves it too young.
    """
    active = {order.uuid: order for order in orders if order.active}
    latest = max((time for order in active.values() for time in _gateway_times(order)), default=None)
    offset, exact = book.offset, book.offset_exact
    if latest is not None and (offset is None or not 0 <= offset + now - latest < CLOCK_JUMP):
        # The first times, or a clock that ran ahead, or one that was set back: believe the newest set.
        offset, exact = latest - now, False
    held = {uuid: _learnt(order, book.held.get(uuid), offset, exact, now) for uuid, order in active.items()}
    # A missing order was cleared without a message; only the archive may know when. If there are more orders without a
    # uuid than before, the missing one may be among them, and is left to the archive.
    gone = (
        finished(was.order, at=_local(offset, now), sat=was.sat)
        for was in book.held.values()
        if was.order.uuid not in held
        and was.order.uuid not in unreadable.uuids
        and unreadable.nameless <= book.unreadable.nameless
    )
    today = book.today.for_day(offset, now).with_finished(gone)
    return OrderBook(held, offset, exact, today, unreadable)


def newly_paged(before: OrderBook, after: OrderBook) -> tuple[str, ...]:
    """The uuids of orders that are paged in `after` and were not in `before`."""
    return tuple(uuid for uuid, held in after.held.items() if held.order.paged and not _was_paged(before, uuid))


def fold(book: OrderBook, notifications: Iterable[Notification], now: float) -> Folded:
    """Fold notifications into a book, in order; any of them may repeat or contradict the book."""
    held = dict(book.held)
    unreadable, nameless = set(book.unreadable.uuids), book.unreadable.nameless
    offset, exact = book.offset, book.offset_exact
    paged: list[str] = []
    gone: list[Finished] = []
    today = book.today
    unknown = unusable = whole = settled = False
    for notification in notifications:
        match notification:
            case OrderChanged(order, created):
                times = _gateway_times(order)
                if created and order.created is not None:
                    # Only this message is sent at the moment of its timestamps, and so shows the gateway's clock.
                    settled = settled or not exact
                    offset, exact = max(order.created, order.changed or order.created) - now, True
                elif times and (offset is None or max(times) > offset + now):
                    offset = max(times) - now
                before = held.get(order.uuid)
                unknown = unknown or (before is None and not created and order.uuid not in unreadable)
                unreadable.discard(order.uuid)
                if order.paged and order.active and not (before and before.order.paged):
                    paged.append(order.uuid)
                if before is not None and not order.active:
                    took = now - before.since if before.exact else None
                    gone.append(finished(order, at=_local(offset, now), took=took, sat=before.sat))
                _put(held, order, before, offset, exact or created, now)
            case OrderPaged(order):
                before = held.get(order.uuid)
                unknown = unknown or (before is None and order.uuid not in unreadable)
                unreadable.discard(order.uuid)
                if order.active:
                    paged.append(order.uuid)
                _put(held, order, before, offset, exact, now)
            case OrdersReplaced(orders, more):
                last = OrderBook(held, offset, exact, today, Unreadable(frozenset(unreadable), nameless))
                fresh = replaced(last, orders, now, more)
                paged += newly_paged(last, fresh)
                held, offset, exact, today = dict(fresh.held), fresh.offset, fresh.offset_exact, fresh.today
                unreadable, nameless = set(more.uuids), more.nameless
                whole, unknown, unusable = True, False, False
            case MessageUnusable():
                unusable = True
            case MessageIgnored():
                pass
    if settled and offset is not None:
        held = {uuid: _settled(order, offset) for uuid, order in held.items()}
    # These notifications may have shown the gateway's clock, which decides the day.
    today = today.for_day(offset, now).with_finished(gone)
    book = OrderBook(held, offset, exact, today, Unreadable(frozenset(unreadable), nameless))
    return Folded(book, tuple(paged), unknown, unusable, whole)


def summary(book: OrderBook, benchmarks: Benchmarks, now: float) -> Summary:
    """The totals at `now`."""
    index = book.index
    forgotten = index.older(benchmarks.forget_after, now)
    late = index.older(benchmarks.late_after - ROUNDING, now) - forgotten
    oldest = index.by_age[forgotten] if forgotten < len(index.by_age) else None
    return Summary(
        active=book.active,
        paged=index.paged,
        to_go=index.to_go,
        late=max(0, late),
        forgotten=forgotten,
        oldest=None if oldest is None else max(0.0, now - oldest.since),
        at_least=oldest is not None and (not oldest.exact or book.unreadable.count > 0),
        unreadable=book.unreadable.count,
    )


def oldest(book: OrderBook, benchmarks: Benchmarks, now: float, most: int) -> list[Held]:
    """The oldest orders, the oldest first, without forgotten ones."""
    first = book.index.begun_by(now - benchmarks.forget_after)
    return book.index.by_age[first : first + most]


def next_late(book: OrderBook, benchmarks: Benchmarks, now: float) -> float | None:
    """When the next order becomes late, or None."""
    due = now - benchmarks.late_after
    # Otherwise rounding could find the order again that became late just now.
    coming = book.index.begun_by(due + ROUNDING)
    return book.index.by_age[coming].since + benchmarks.late_after if coming < len(book.held) else None


def _gateway_times(order: Order) -> list[float]:
    """Times that the gateway's clock had reached when it sent the order."""
    times = [time for time in (order.created, order.changed) if time is not None]
    if order.created is not None and order.elapsed:
        times.append(order.created + order.elapsed)
    return times


def _was_paged(book: OrderBook, uuid: str) -> bool:
    held = book.held.get(uuid)
    return held is not None and held.order.paged


def _put(
    held: dict[str, Held], order: Order, before: Held | None, offset: float | None, exact: bool, now: float
) -> None:
    if order.active:
        held[order.uuid] = _learnt(order, before, offset, exact, now)
    else:
        held.pop(order.uuid, None)


def _learnt(order: Order, before: Held | None, offset: float | None, exact: bool, now: float) -> Held:
    """The order with the oldest age that is known of it."""
    if before is not None and (not order.elapsed or now - order.elapsed >= before.since):
        since, exact = before.since, before.exact
    elif order.elapsed:
        since, exact = now - order.elapsed, True
    else:
        age = 0.0 if offset is None or order.created is None else max(0.0, offset + now - order.created)
        since = now - age
    return Held(order, since, exact, _sat(order, before, since, exact, now))


def _sat(order: Order, before: Held | None, since: float, exact: bool, now: float) -> float | None:
    """The time to sit, by the gateway's own times unless its clock was set meanwhile."""
    if before is not None and before.sat is not None:
        return before.sat
    if order.state != LOCATED:
        return None
    if order.created is not None and order.changed is not None:
        span = order.changed - order.created
        if 0 <= span <= now - since + SAT_LATER:
            return span
    return now - since if exact and before is not None else None


def _local(offset: float | None, now: float) -> float | None:
    """The gateway's local time; None if unknown."""
    return None if offset is None else offset + now


def _settled(held: Held, offset: float) -> Held:
    """The order with an exact age, now that the gateway's clock is known."""
    if held.exact or held.order.created is None:
        return held
    since = held.order.created - offset
    return replace(held, since=since, exact=True) if held.since - CLOCK_JUMP < since <= held.since else held
