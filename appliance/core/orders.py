"""The set of active orders, folded from the gateway's messages.

`now` is the monotonic clock in seconds, everywhere here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from types import MappingProxyType

from appliance.core.cleared import remembered
from appliance.core.day_stats import DayStats
from appliance.core.delivery import Finished, finished
from appliance.core.gateway_clock import GatewayClock
from appliance.core.limits import LONGEST_TEXT
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_age import Held, began_now, cautious_times, latest_of, learnt, settled, vanished
from appliance.core.order_index import IndexCache, OrderIndex
from appliance.core.values import NONE_UNREADABLE, STATES, Order, Unreadable

CREATED_AGAIN = "order created again"
"""The reason for a doubt: a gateway called an order new that was cleared before."""
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


@dataclass(frozen=True, slots=True)
class Folded:
    """The result of folding notifications into a book.

    paged: the uuid of each page, in order. unknown: one changed an order that the book did not hold. unusable: one was
    unreadable. suspects: the types and words of an unknown meaning that may have ended an order. whole: one was the
    whole set. created: one announced a new order.
    """

    book: OrderBook
    paged: tuple[str, ...] = ()
    unknown: bool = False
    unusable: bool = False
    suspects: frozenset[str] = frozenset()
    whole: bool = False
    created: bool = False


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


def fold(book: OrderBook, notifications: Iterable[Notification], now: float) -> Folded:
    """Fold notifications into a book, in order; any of them may repeat or contradict the book."""
    folding = _Folding(book, now)
    for notification in notifications:
        match notification:
            case OrderChanged(order, created):
                folding.change(order, created=created)
            case OrderPaged(order):
                folding.change(order, paged=True)
            case OrdersReplaced(orders, unreadable):
                folding.replace_all(orders, unreadable)
            case MessageUnusable():
                folding.unusable = True
            case MessageIgnored():
                folding.ignore(notification)
    return folding.result()


class _Folding:
    """A book into which notifications are being folded."""

    def __init__(self, book: OrderBook, now: float) -> None:
        self.now = now
        self.paged: list[str] = []
        self.unknown = self.unusable = self.whole = self.settles = self.created = False
        self.suspects: set[str] = set()
        self._open(book)

    def _open(self, book: OrderBook) -> None:
        self.book = book
        self.held = dict(book.held)
        self.clock = book.clock
        self.unreadable, self.unlisted = set(book.unreadable.uuids), book.unreadable.unlisted
        self.gone: list[Finished] = []
        self.cleared: dict[str, None] = {}
        self.active_again: list[str] = []

    def change(self, order: Order, *, created: bool = False, paged: bool = False) -> None:
        """Fold a change of one order. created, paged: what the gateway says that happened to it."""
        uuid, now = order.uuid, self.now
        before = self.held.get(uuid)
        new = created and before is None
        if order.state not in STATES and (before is None or order.state != before.order.state):
            over = before is None and not (created or paged) and uuid not in self.unreadable
            if not (over and self._was_cleared(uuid)):
                self.suspects.add(f"state {order.state}")
            if over:
                # It is more likely over than an order that the last whole set lacked.
                return
        if new and self._was_cleared(uuid):
            self.suspects.add(CREATED_AGAIN)
            new = False
        self._hear(order, before, new=new)
        known = before or self.book.vanished.get(uuid)
        if order.active and (paged or (order.paged and not (known and known.order.paged))):
            self.paged.append(uuid)
        whole_at = self.book.whole_at
        if uuid in self.unreadable:
            self.unreadable.discard(uuid)
            whole_at = -math.inf
        elif before is None and not created and (order.active or not self._was_cleared(uuid)):
            if self.unlisted:
                self.unlisted -= 1
            else:
                self.unknown = True
        if not order.active:
            self._clear(order, before)
            return
        if new:
            self.created = True
            held = began_now(order, now, self.clock)
        else:
            clock = self.clock
            if before is None and (latest := latest_of(order)) is not None:
                clock = clock.for_unknown(latest, now)
            held = learnt(order, known, clock, now, whole_at)
        self.held[uuid] = held
        if self._was_cleared(uuid):
            self.cleared.pop(uuid, None)
            self.active_again.append(uuid)

    def replace_all(self, orders: Iterable[Order], unreadable: Unreadable) -> None:
        """Fold a whole set."""
        before = self._close()
        after = replaced(before, orders, self.now, unreadable)
        self.paged += newly_paged(before, after)
        self._open(after)
        self.whole, self.unknown, self.unusable = True, False, False
        self.suspects.clear()

    def ignore(self, message: MessageIgnored) -> None:
        """Fold a message of an unknown type: it may have ended an order."""
        if message.unspecific or self._may_be_active(message.mentions):
            self.suspects.add(f"type {message.kind.strip().upper()[:LONGEST_TEXT]}")

    def _may_be_active(self, mentions: Iterable[str]) -> bool:
        """Whether one of these texts may be the uuid of an active order, in upper or lower case."""
        if mentions and (self.unlisted or self.book.unreadable.nameless):
            return True
        spellings = (uuid for text in mentions for uuid in (text, text.lower(), text.upper()))
        return any(uuid in self.held or uuid in self.unreadable for uuid in spellings)

    def result(self) -> Folded:
        """The book, and what the notifications brought."""
        return Folded(
            self._close(),
            tuple(self.paged),
            self.unknown,
            self.unusable,
            frozenset(self.suspects),
            self.whole,
            self.created,
        )

    def _hear(self, order: Order, before: Held | None, *, new: bool) -> None:
        """Learn the gateway's clock from an order."""
        if new and order.created is not None:
            # Only this message is sent at the moment of its timestamps.
            time = order.created if order.changed is None else max(order.created, order.changed)
            clock = self.clock.after_order(time, self.now, order.uuid, new=True)
            self.settles = self.settles or (clock.exact and not self.clock.exact)
            self.clock = clock
            return
        latest = latest_of(order) if before is None else order.changed
        if latest is not None and (before is None or latest != before.order.changed):
            self.clock = self.clock.after_order(latest, self.now, order.uuid, new=False)

    def _was_cleared(self, uuid: str) -> bool:
        return uuid in self.cleared or uuid in self.book.cleared

    def _clear(self, order: Order, before: Held | None) -> None:
        if before is not None:
            took = self.now - before.since if before.exact else None
            self.gone.append(finished(order, at=self.clock.local(self.now), took=took, sat=before.sat))
            del self.held[order.uuid]
        self.cleared[order.uuid] = None

    def _close(self) -> OrderBook:
        """The book as it is now."""
        if self.settles and self.clock.exact:
            self.held = {uuid: settled(held, self.clock) for uuid, held in self.held.items()}
            self.settles = False
        last = self.book
        unreadable = last.unreadable
        if (len(self.unreadable), self.unlisted) != (len(unreadable.uuids), unreadable.unlisted):
            unreadable = replace(unreadable, uuids=frozenset(self.unreadable), unlisted=self.unlisted)
        # These notifications may have shown the gateway's clock, which decides the day.
        today = last.today.for_day(self.clock.offset, self.now).with_finished(self.gone)
        cleared = last.cleared
        if self.cleared or self.active_again:
            cleared = remembered(cleared, self.cleared, [uuid for uuid in self.active_again if uuid in self.held])
        return OrderBook(self.held, self.clock, today, unreadable, cleared, last.whole_at, last.vanished)
