"""The restaurant: active orders, finished orders, and the notification of each change. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from uuid import uuid4

KEPT = timedelta(days=14)
"""How long the gateway stores finished orders (gateway API, orders)."""

TRACKERS = 100
"""Trackers of a restaurant. Higher numbers are used only while more are in use."""

Notification = dict[str, object]
"""A feed's message: `type`, `seq` and the order's fields at the top level."""


class Ending(StrEnum):
    """How the gateway tells that an order was cleared. The pages of its vendor leave it open; all but MODIFIED are
    inventions."""

    MODIFIED = "modified"
    """ORDER_MODIFIED with the state `cleared`."""
    CAPITALS = "capitals"
    """The same with the state `CLEARED`."""
    WORD = "word"
    """The same with the state `finished`."""
    TYPE = "type"
    """ORDER_CLEARED with the order's fields, in their state before."""
    UUID = "uuid"
    """ORDER_REMOVED with the uuid alone."""
    SILENT = "silent"
    """Not at all, and without a gap in `seq`."""


class UnknownOrderError(LookupError):
    """No active order has this tracker number or uuid."""


class TrackerInUseError(ValueError):
    """The tracker already has an active order."""


def stamp(moment: datetime) -> str:
    """A time in the gateway's format: local, in seconds, without a time zone (gateway API, orders)."""
    return moment.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Order:
    """One guest's visit. name: the tracker's number. changed: when `state` changed last."""

    name: str
    uuid: str
    created: datetime
    changed: datetime
    order_type: str = "ON_PREMISE"
    location: str = ""
    state: str = "started"
    paged: bool = False

    def fields(self, elapsed: int) -> dict[str, object]:
        """The JSON fields, in the documentation's order (gateway API, active orders). elapsed: seconds."""
        return {
            "name": self.name,
            "uuid": self.uuid,
            "orderType": self.order_type,
            "locationName": self.location,
            "state": self.state,
            "created": stamp(self.created),
            "stateChanged": stamp(self.changed),
            "paged": self.paged,
            "elapsedTime": elapsed,
        }


class Restaurant:
    """All orders of one restaurant.

    lists_oldest_first: sort the history oldest first; its documentation does not specify the order.

    listener: called with each notification. seq: the last notification's number. reports_elapsed: False makes
    `elapsedTime` 0 for every order, as real gateways often do. ending: how the end of an order is told.
    """

    def __init__(self, clock: Callable[[], datetime], listener: Callable[[Notification], None] | None = None) -> None:
        self.listener = listener
        self.seq = 0
        self.reports_elapsed = True
        self.lists_oldest_first = False
        self.ending = Ending.MODIFIED
        self._clock = clock
        self._active: dict[str, Order] = {}
        self._uuids: dict[str, str] = {}
        self._finished: deque[Order] = deque()
        self._cursor = 0
        self._to_drop = 0

    @property
    def active(self) -> list[Order]:
        """The active orders, oldest first."""
        return list(self._active.values())

    def find(self, name_or_uuid: str) -> Order:
        """The active order with this tracker number or uuid. Raises UnknownOrderError."""
        uuid = self._uuids.get(name_or_uuid, name_or_uuid)
        try:
            return self._active[uuid]
        except KeyError:
            raise UnknownOrderError(name_or_uuid) from None

    def describe(self, order: Order) -> dict[str, object]:
        """An order's JSON fields as of now; a finished order's `elapsedTime` is its delivery time."""
        if not self.reports_elapsed:
            return order.fields(0)
        until = order.changed if order.state == "cleared" else self._clock()
        return order.fields(max(0, int((until - order.created).total_seconds())))

    def create(
        self, name: str | None = None, *, order_type: str = "ON_PREMISE", location: str = "", age: float = 0.0
    ) -> Order:
        """Start an order, located if it has a location. name: None for the next free tracker.

        age: seconds since it was created. Raises TrackerInUseError.
        """
        if name is None:
            name = self._free_tracker()
        elif name in self._uuids:
            raise TrackerInUseError(name)
        created = self._clock() - timedelta(seconds=age)
        state = "located" if location else "started"
        order = Order(name, str(uuid4()), created, created, order_type, location, state)
        self._active[order.uuid] = order
        self._uuids[name] = order.uuid
        self._notify("ORDER_CREATED", order)
        return order

    def create_many(self, count: int, *, age: float = 0.0) -> list[Order]:
        """Start orders on the next free trackers, each with its notification."""
        return [self.create(age=age) for _ in range(count)]

    def locate(self, name_or_uuid: str, location: str) -> Order:
        """Place the tracker on a tagged table. Raises UnknownOrderError."""
        order = self.find(name_or_uuid)
        changed = order.changed if order.state == "located" else self._clock()
        return self._change(replace(order, state="located", location=location, changed=changed))

    def modify(self, name_or_uuid: str, *, order_type: str) -> Order:
        """Change the type of an order. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), order_type=order_type))

    def page(self, name_or_uuid: str) -> Order:
        """Make the tracker vibrate, or vibrate again. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), paged=True), "ORDER_PAGED")

    def cancel_page(self, name_or_uuid: str) -> Order:
        """Stop the tracker's vibrating. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), paged=False))

    def clear(self, name_or_uuid: str) -> Order:
        """Finish an order. Raises UnknownOrderError."""
        order = replace(self.find(name_or_uuid), state="cleared", changed=self._clock())
        del self._active[order.uuid], self._uuids[order.name]
        self._finished.append(order)
        self._notify_end(order)
        return order

    def add_finished(self, orders: Iterable[Order]) -> None:
        """Add finished orders to the history, without notifications."""
        self._finished = deque(sorted((*self._finished, *orders), key=lambda order: order.changed))

    def clear_all(self) -> int:
        """Finish all active orders, each with its notification; their number."""
        return len([self.clear(uuid) for uuid in list(self._active)])

    def drop_next(self, count: int = 1) -> None:
        """Drop the next notifications; each still uses a sequence number."""
        self._to_drop += count

    def take_seq(self) -> int:
        """The next sequence number, for a notification that belongs to no order."""
        self.seq += 1
        return self.seq

    def history(
        self,
        *,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        order_type: str | None = None,
        location: str | None = None,
    ) -> list[Order]:
        """Finished and active orders, newest first.

        The sort order is an invention. `created_after` is inclusive and `created_before` exclusive, as in the vendor's
        cloud API.
        """
        self._forget_old()
        found = [
            order
            for order in (*self._finished, *self._active.values())
            if (created_after is None or order.created.replace(microsecond=0) >= created_after)
            and (created_before is None or order.created.replace(microsecond=0) < created_before)
            and (order_type is None or order.order_type == order_type)
            and (location is None or order.location == location)
        ]
        return sorted(found, key=attrgetter("created"), reverse=not self.lists_oldest_first)

    def statistics(self, target: float) -> dict[str, object]:
        """Today's statistics for a delivery target in seconds. The field names are an invention."""
        today = self._clock().date()
        took = [
            (order.changed - order.created).total_seconds() for order in self._finished if order.created.date() == today
        ]
        return {
            "targetTime": target,
            "activeOrders": len(self._active),
            "finishedOrders": len(took),
            "averageTime": round(sum(took) / len(took)) if took else 0,
            "ordersOverTarget": sum(seconds > target for seconds in took),
        }

    def _change(self, order: Order, kind: str = "ORDER_MODIFIED") -> Order:
        self._active[order.uuid] = order
        self._notify(kind, order)
        return order

    def _notify(self, kind: str, order: Order) -> None:
        self._send(kind, self.describe(order))

    def _notify_end(self, order: Order) -> None:
        fields = self.describe(order)
        match self.ending:
            case Ending.MODIFIED:
                self._send("ORDER_MODIFIED", fields)
            case Ending.CAPITALS:
                self._send("ORDER_MODIFIED", {**fields, "state": "CLEARED"})
            case Ending.WORD:
                self._send("ORDER_MODIFIED", {**fields, "state": "finished"})
            case Ending.TYPE:
                self._send("ORDER_CLEARED", {**fields, "state": "located" if order.location else "started"})
            case Ending.UUID:
                self._send("ORDER_REMOVED", {"uuid": order.uuid})
            case Ending.SILENT:
                pass

    def _send(self, kind: str, fields: dict[str, object]) -> None:
        seq = self.take_seq()
        if self._to_drop:
            self._to_drop -= 1
        elif self.listener is not None:
            self.listener({"type": kind, "seq": seq, **fields})

    def _free_tracker(self) -> str:
        numbers = max(TRACKERS, 2 * len(self._active))
        while True:
            self._cursor = self._cursor % numbers + 1
            if str(self._cursor) not in self._uuids:
                return str(self._cursor)

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT
        while self._finished and self._finished[0].changed < oldest:
            self._finished.popleft()
