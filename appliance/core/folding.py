"""Folds the gateway's messages into the set of active orders.

`now` is the monotonic clock in seconds, everywhere here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.core.cleared import remembered
from appliance.core.delivery import Finished, finished
from appliance.core.limits import LONGEST_TEXT
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_age import Held, began_now, latest_of, learnt, settled
from appliance.core.orders import OrderBook, newly_paged, replaced
from appliance.core.values import STATES, Order, Unreadable

CREATED_AGAIN = "order created again"
"""The reason for a doubt: a gateway called an order new that was cleared before."""


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
