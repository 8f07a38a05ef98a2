"""The set of active orders, folded from what the gateway tells, and the age of each.

The box has no clock that can be trusted, so an order's age comes from the gateway's own times at the moment the box
learns of the order, and from the box's monotonic clock since then. `now` is that clock, in seconds, everywhere here.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
from appliance.core.values import NONE_UNREADABLE, TO_GO, Benchmarks, Order, Unreadable

LOCATED = "located"
"""The state of an order whose tracker lies on a tagged table (gateway API, orders)."""
SAT_LATER = 60.0
"""Seconds by which a gateway may seem to have known a table before this box knew the order: its own delay."""
CLOCK_JUMP = 24 * 3600.0
"""Seconds: a step of the gateway's clock that is larger than this is a clock being set, and no order's age."""


@dataclass(frozen=True, slots=True)
class Held:
    """An order and its age: it was 0 s old at `since`. exact: False where that is only the latest it can have been.

    sat: seconds from its start until its tracker lay on a table; None while it does not, or where nobody knows.
    """

    order: Order
    since: float
    exact: bool
    sat: float | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The active orders by uuid.

    unreadable: those of the last whole set that can't be read, and of which nothing was told since that can.
    offset: the gateway's local time minus `now`, as far as it is known; a lower bound until `offset_exact`.
    today: what was delivered on this day of the gateway's, as far as this box has seen it.
    """

    held: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    offset: float | None = None
    offset_exact: bool = False
    today: DayStats = field(default_factory=DayStats)
    unreadable: Unreadable = NONE_UNREADABLE

    @property
    def active(self) -> int:
        """How many orders are active."""
        return len(self.held) + self.unreadable.count

    def same_orders(self, other: OrderBook) -> bool:
        """Whether both hold the same orders in the same state, whatever is thought of their ages."""
        if self.unreadable != other.unreadable or self.held.keys() != other.held.keys():
            return False
        return all(_lasting(held.order) == _lasting(other.held[uuid].order) for uuid, held in self.held.items())


@dataclass(frozen=True, slots=True)
class Folded:
    """What a run of notifications made of a book.

    paged: the uuids of the orders that were paged, one for each time. unknown: a change to an order that was not held.
    unusable: a message that could not be used. whole: the whole set was among them.
    """

    book: OrderBook
    paged: tuple[str, ...] = ()
    unknown: bool = False
    unusable: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The book at a glance. Ages are in seconds.

    late, oldest: of the orders that are not yet forgotten. forgotten: orders older than `forget_after`, which count as
    active but drive nothing. to_go: orders of that type, forgotten ones too. unreadable: orders that can't be
    read; they count as active only. at_least: the oldest age is only a lower bound, as it is beside one of these.
    """

    active: int
    paged: int
    to_go: int
    late: int
    forgotten: int
    oldest: float | None
    at_least: bool
    unreadable: int = 0


def _lasting(order: Order) -> Order:
    return replace(order, elapsed=None)


def replaced(
    book: OrderBook, orders: Iterable[Order], now: float, unreadable: Unreadable = NONE_UNREADABLE
) -> OrderBook:
    """The book after the whole set arrived (gateway API, WebSocket, ACTIVE_ORDERS).

    Orders that were held keep the age that is known of them: it can only have been too young.
    """
    active = {order.uuid: order for order in orders if order.active}
    latest = max((time for order in active.values() for time in _gateway_times(order)), default=None)
    offset, exact = book.offset, book.offset_exact
    if latest is not None and (offset is None or not 0 <= offset + now - latest < CLOCK_JUMP):
        # Either the first times we see, or the clock ran on, or it was set back: believe the newest set.
        offset, exact = latest - now, False
    held = {uuid: _learnt(order, book.held.get(uuid), offset, exact, now) for uuid, order in active.items()}
    # What is gone was cleared while nobody told: when, only the archive may know. Where there are more orders without
    # a name than before, it may be one of these, and the archive is left to tell.
    gone = (
        finished(was.order, at=_local(offset, now), sat=was.sat)
        for was in book.held.values()
        if was.order.uuid not in held
        and was.order.uuid not in unreadable.uuids
        and unreadable.nameless <= book.unreadable.nameless
    )
    today = book.today.on(offset, now).told(gone)
    return OrderBook(held, offset, exact, today, unreadable)


def newly_paged(before: OrderBook, after: OrderBook) -> tuple[str, ...]:
    """The orders that are paged in `after` and were not, as far as `before` knew; by uuid."""
    return tuple(uuid for uuid, held in after.held.items() if held.order.paged and not _was_paged(before, uuid))


def fold(book: OrderBook, notifications: Iterable[Notification], now: float) -> Folded:
    """The book after a run of notifications, in their order; any of them may repeat or contradict what is held."""
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
                told = _gateway_times(order)
                if created and order.created is not None:
                    # The one message that is sent at the very moment it speaks of: now we know the gateway's clock.
                    settled = settled or not exact
                    offset, exact = max(order.created, order.changed or order.created) - now, True
                elif told and (offset is None or max(told) > offset + now):
                    offset = max(told) - now
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
    # A day is the gateway's, which these notifications may have told.
    today = today.on(offset, now).told(gone)
    book = OrderBook(held, offset, exact, today, Unreadable(frozenset(unreadable), nameless))
    return Folded(book, tuple(paged), unknown, unusable, whole)


def summary(book: OrderBook, benchmarks: Benchmarks, now: float) -> Summary:
    """The book at a glance, at `now`."""
    late_since, forgotten_since = now - benchmarks.late_after, now - benchmarks.forget_after
    paged = late = forgotten = to_go = 0
    oldest: Held | None = None
    for held in book.held.values():
        paged += held.order.paged
        to_go += held.order.order_type == TO_GO
        if held.since <= forgotten_since:
            forgotten += 1
            continue
        late += held.since <= late_since
        if oldest is None or held.since < oldest.since:
            oldest = held
    return Summary(
        active=book.active,
        paged=paged,
        to_go=to_go,
        late=late,
        forgotten=forgotten,
        oldest=None if oldest is None else max(0.0, now - oldest.since),
        at_least=oldest is not None and (not oldest.exact or book.unreadable.count > 0),
        unreadable=book.unreadable.count,
    )


def oldest(book: OrderBook, benchmarks: Benchmarks, now: float, most: int) -> list[Held]:
    """The oldest orders that are not yet forgotten, the oldest first."""
    forgotten = now - benchmarks.forget_after
    return heapq.nsmallest(
        most, (held for held in book.held.values() if held.since > forgotten), key=lambda held: held.since
    )


def next_late(book: OrderBook, benchmarks: Benchmarks, now: float) -> float | None:
    """When the next order will pass the late benchmark, or None where none will."""
    due = now - benchmarks.late_after
    # A microsecond more, or rounding would find the order again that was late just now.
    since = min((held.since for held in book.held.values() if held.since > due + 1e-6), default=None)
    return None if since is None else since + benchmarks.late_after


def _gateway_times(order: Order) -> list[float]:
    """Times that the gateway's clock had reached when it told of the order."""
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
    """An order with the oldest age that anything says of it."""
    if before is not None and (not order.elapsed or now - order.elapsed >= before.since):
        since, exact = before.since, before.exact
    elif order.elapsed:
        since, exact = now - order.elapsed, True
    else:
        age = 0.0 if offset is None or order.created is None else max(0.0, offset + now - order.created)
        since = now - age
    return Held(order, since, exact, _sat(order, before, since, exact, now))


def _sat(order: Order, before: Held | None, since: float, exact: bool, now: float) -> float | None:
    """The time to sit, by the gateway's own times unless its clock was changed meanwhile."""
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
    """The gateway's local time, as far as it is known."""
    return None if offset is None else offset + now


def _settled(held: Held, offset: float) -> Held:
    """A lower bound made exact, now that the gateway's clock is known."""
    if held.exact or held.order.created is None:
        return held
    since = held.order.created - offset
    return replace(held, since=since, exact=True) if held.since - CLOCK_JUMP < since <= held.since else held
