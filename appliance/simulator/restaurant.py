"""The restaurant floor: active orders, finished ones, and the notifications that each change makes. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

KEPT = timedelta(days=14)
"""How long the gateway keeps a finished order at most (gateway API, orders)."""

TRACKERS = 100
"""Trackers of a restaurant; numbers are re-used below this, and above it only where more are out at once."""

Notification = dict[str, object]
"""A feed's message before it is made JSON: `type`, `seq` and the order's fields at the top level."""


class UnknownOrderError(LookupError):
    """No active order has that tracker number or uuid."""


class TrackerInUseError(ValueError):
    """The tracker has an active order already."""


def stamp(moment: datetime) -> str:
    """Write a time as the gateway does: local, to the second, without a zone (gateway API, orders)."""
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
        """Give the order's JSON fields, in the documentation's order (gateway API, active orders). elapsed: seconds."""
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


class Floor:
    """All orders of one restaurant. Orders are found by tracker number or by uuid.

    lists_oldest_first: turns the history round, whose order nobody documents.

    listener: told of each notification. seq: the number of the last one. tells_elapsed: False makes `elapsedTime` 0
    whatever the order's age, as real gateways often do.
    """

    def __init__(self, clock: Callable[[], datetime], listener: Callable[[Notification], None] | None = None) -> None:
        self.listener = listener
        self.seq = 0
        self.tells_elapsed = True
        self.lists_oldest_first = False
        self._clock = clock
        self._active: dict[str, Order] = {}
        self._uuids: dict[str, str] = {}
        self._finished: deque[Order] = deque()
        self._cursor = 0
        self._to_lose = 0

    @property
    def active(self) -> list[Order]:
        """The active orders, the oldest first."""
        return list(self._active.values())

    def find(self, name_or_uuid: str) -> Order:
        """Give an active order. Raises UnknownOrderError."""
        uuid = self._uuids.get(name_or_uuid, name_or_uuid)
        try:
            return self._active[uuid]
        except KeyError:
            raise UnknownOrderError(name_or_uuid) from None

    def describe(self, order: Order) -> dict[str, object]:
        """Give an order's JSON fields as of now; a finished order's `elapsedTime` is what its delivery took."""
        if not self.tells_elapsed:
            return order.fields(0)
        until = order.changed if order.state == "cleared" else self._clock()
        return order.fields(max(0, int((until - order.created).total_seconds())))

    def create(
        self, name: str | None = None, *, order_type: str = "ON_PREMISE", location: str = "", age: float = 0.0
    ) -> Order:
        """Start an order; with a location it begins located. Without a name the next free tracker is taken.

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
        """Start many orders at once, each on the next free tracker and each with its notification."""
        return [self.create(age=age) for _ in range(count)]

    def locate(self, name_or_uuid: str, location: str) -> Order:
        """Lay the tracker on a tagged table, or on another one. Raises UnknownOrderError."""
        order = self.find(name_or_uuid)
        changed = order.changed if order.state == "located" else self._clock()
        return self._change(replace(order, state="located", location=location, changed=changed))

    def modify(self, name_or_uuid: str, *, order_type: str) -> Order:
        """Change an order's kind. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), order_type=order_type))

    def page(self, name_or_uuid: str) -> Order:
        """Make the tracker vibrate; once more if it does already. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), paged=True), "ORDER_PAGED")

    def cancel_page(self, name_or_uuid: str) -> Order:
        """Stop the tracker's vibrating. Raises UnknownOrderError."""
        return self._change(replace(self.find(name_or_uuid), paged=False))

    def clear(self, name_or_uuid: str) -> Order:
        """Finish an order: it is delivered and no longer active. Raises UnknownOrderError."""
        order = replace(self.find(name_or_uuid), state="cleared", changed=self._clock())
        del self._active[order.uuid], self._uuids[order.name]
        self._finished.append(order)
        self._notify("ORDER_MODIFIED", order)
        return order

    def remember(self, orders: Iterable[Order]) -> None:
        """Have these orders been finished before, without a word to anybody."""
        self._finished = deque(sorted((*self._finished, *orders), key=lambda order: order.changed))

    def clear_all(self) -> int:
        """Finish every active order, each with its notification; gives how many there were."""
        return len([self.clear(uuid) for uuid in list(self._active)])

    def lose(self, count: int = 1) -> None:
        """Let the next notifications get lost: each takes its number and nobody is told."""
        self._to_lose += count

    def take_seq(self) -> int:
        """Count a notification that is none of an order's."""
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
        """Give finished and active orders, the newest first.

        The order of the list is an invention; that `created_after` includes its moment and `created_before` does not
        is what the vendor's cloud API says of its own dates.
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
        return sorted(found, key=lambda order: order.created, reverse=not self.lists_oldest_first)

    def statistics(self, target: float) -> dict[str, object]:
        """Give today's statistics against a delivery target in seconds. The names within are an invention."""
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
        seq = self.take_seq()
        if self._to_lose:
            self._to_lose -= 1
        elif self.listener is not None:
            self.listener({"type": kind, "seq": seq, **self.describe(order)})

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
