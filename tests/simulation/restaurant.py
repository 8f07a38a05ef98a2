"""The restaurant of one simulated gateway: its active orders, and the notification for each change.

Written from the gateway's protocol alone, not from the product's simulator, so that the two can't share a bug. Owns
also the state that a client must derive from each message: the number of active orders, and of paged ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

Message = dict[str, Any]

MAX_UUID_LENGTH = 100
"""Characters; a gateway's UUIDs have 36."""
MAX_FINISHED = 250
"""Finished orders that this gateway remembers; a real one keeps two weeks of them."""
EPOCH = datetime(2026, 1, 1)


class Restaurant:
    """Orders by UUID, in the gateway's JSON form. on_notification: called with each notification.

    clock: virtual seconds. offset: seconds by which the gateway's local clock is ahead of it; it may jump.
    """

    def __init__(self, random: Random, clock: Callable[[], float]) -> None:
        self.random = random
        self.on_notification: Callable[[Message], None] = lambda message: None
        self.orders: dict[str, Message] = {}
        self.finished: deque[Message] = deque(maxlen=MAX_FINISHED)
        self.seq = 0
        self.offset = 0.0
        self.changed_at = float("-inf")
        self.reports_elapsed_time = random.random() < 0.3
        """Whether `elapsedTime` is the order's age; otherwise it is 0, as on many real gateways."""
        self.unreadable = 0.0
        """The share of malformed orders in a full set."""
        self.other_endings = False
        """Whether orders end in ways that the gateway's documentation lacks."""
        self.lists_most: int | None = None
        """The most orders that a full set lists; its `count` counts all."""
        self.jumped_at = float("-inf")
        self.born: dict[str, float] = {}
        self._clock = clock
        self._created = 0

    def timestamp(self) -> str:
        return (EPOCH + timedelta(seconds=self._clock() + self.offset)).isoformat(timespec="seconds")

    def full_set(self) -> Message:
        items: list[Any] = [self._with_elapsed_time(order) for order in self.orders.values()][: self.lists_most]
        for place in range(len(items)):
            if self.unreadable and self.random.random() < self.unreadable:
                items[place] = self._malformed(items[place])
        return {"type": "ACTIVE_ORDERS", "count": len(self.orders), "items": items}

    def set_clock(self, seconds: float) -> None:
        """The gateway's local clock jumps."""
        self.offset += seconds
        self.jumped_at = self._clock()

    def history(self, offset: int, limit: int, created_after: str) -> list[Message]:
        """One part of the order history, the newest first (gateway API, orders)."""
        orders = sorted([*self.finished, *self.orders.values()], key=lambda o: str(o["created"]), reverse=True)
        return [order for order in orders if order["created"] >= created_after][offset : offset + limit]

    def create(self) -> None:
        self._created += 1
        located = self.random.random() < 0.3
        now = self.timestamp()
        order: Message = {
            "name": str(self.random.randrange(1, 60)),
            "uuid": f"{self.random.getrandbits(64):016x}-{self._created}",
            "orderType": self.random.choice(("ON_PREMISE", "ON_PREMISE", "TO_GO")),
            "locationName": str(self.random.randrange(1, 40)) if located else "",
            "state": "located" if located else "started",
            "created": now,
            "stateChanged": now,
            "paged": False,
            "elapsedTime": 0,
        }
        self.orders[order["uuid"]] = order
        self.born[order["uuid"]] = self._clock()
        self._notify("ORDER_CREATED", order)

    def change(self) -> None:
        """Make a random change to a random order."""
        if not self.orders:
            return
        uuid = self.random.choice(list(self.orders))
        match self.random.choice(("locate", "locate", "type", "unpage", "page", "clear", "clear")):
            case "locate":
                self._modify(uuid, state="located", locationName=str(self.random.randrange(1, 40)))
            case "type":
                self._modify(uuid, orderType=self.random.choice(("ON_PREMISE", "TO_GO")))
            case "unpage":
                self._modify(uuid, paged=False)
            case "page":
                self.page(uuid)
            case _:
                self.clear(uuid)

    def page(self, uuid: str | None = None) -> None:
        if self.orders:
            uuid = uuid or self.random.choice(list(self.orders))
            self.orders[uuid]["paged"] = True
            self._notify("ORDER_PAGED", self.orders[uuid])

    def clear(self, uuid: str | None = None) -> None:
        if self.orders:
            order = self.orders.pop(uuid or self.random.choice(list(self.orders)))
            if len(self.finished) == MAX_FINISHED:
                del self.born[self.finished[0]["uuid"]]
            self.finished.append({**order, "state": "cleared", "stateChanged": self.timestamp()})
            ended = self.finished[-1]
            match self.random.choice(("type", "uuid", "word", "capitals")) if self.other_endings else "":
                case "type":
                    self._notify("ORDER_CLEARED", {**ended, "state": order["state"]})
                case "uuid":
                    self._notify("ORDER_REMOVED", {"uuid": ended["uuid"]})
                case "word":
                    self._notify("ORDER_MODIFIED", {**ended, "state": "finished"})
                case "capitals":
                    self._notify("order_modified", {**ended, "state": "CLEARED"})
                case _:
                    self._notify("ORDER_MODIFIED", ended)

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def _modify(self, uuid: str, **fields: Any) -> None:
        self.orders[uuid].update(fields, stateChanged=self.timestamp())
        self._notify("ORDER_MODIFIED", self.orders[uuid])

    def _notify(self, kind: str, order: Message) -> None:
        self.changed_at = self._clock()
        self.on_notification({"type": kind, "seq": self.next_seq(), **self._with_elapsed_time(order)})

    def _with_elapsed_time(self, order: Message) -> Message:
        """The order with its `elapsedTime`, in whole seconds of the gateway's monotonic clock."""
        born = self.born.get(order["uuid"]) if self.reports_elapsed_time else None
        return {**order, "elapsedTime": 0 if born is None else int(self._clock() - born)}

    def _malformed(self, order: Message) -> Any:
        """A malformed version of the order; some versions keep a readable UUID."""
        spoils: tuple[Any, ...] = (
            {**order, "paged": "no"},
            {**order, "state": None},
            {"uuid": order["uuid"]},
            {**order, "uuid": 17},
            {**order, "uuid": "7" * 200},
            None,
            [],
        )
        return self.random.choice(spoils)


class ExpectedOrders:
    """The orders that a client must derive from the messages of one feed: UUID -> whether it is paged.

    unreadable_uuids: orders of the full set with nothing readable but their UUID. without_uuid: number of the others.
    unlisted: orders that the full set counted and did not list.
    """

    def __init__(self) -> None:
        self.held: dict[str, bool] = {}
        self.unreadable_uuids: set[str] = set()
        self.without_uuid = self.unlisted = 0
        self._cleared: set[str] = set()

    def apply(self, message: Message) -> bool:
        """Apply a message; whether it ends an order in a way that a client can only suspect."""
        kind = str(message.get("type")).upper()
        uuid = message.get("uuid")
        known = isinstance(uuid, str) and (uuid in self.held or uuid in self.unreadable_uuids)
        if kind in ("ORDER_CLEARED", "ORDER_REMOVED"):
            return known
        if kind == "ACTIVE_ORDERS":
            self.held, self.unreadable_uuids, self.without_uuid = {}, set(), 0
            self.unlisted = message["count"] - len(message["items"])
            for item in message["items"]:
                uuid = item.get("uuid") if isinstance(item, dict) else None
                if not isinstance(uuid, str) or len(uuid) > MAX_UUID_LENGTH:
                    self.without_uuid += 1
                elif not isinstance(item.get("state"), str) or not isinstance(item.get("paged"), bool):
                    self.unreadable_uuids.add(uuid)
                else:
                    self._put(item)
        elif kind in ("ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED") and isinstance(uuid, str):
            ended = bool(message["state"] == "finished")
            if ended and not known:
                return False
            cleared_again = message["state"].lower() == "cleared" and uuid in self._cleared
            if not known and kind != "ORDER_CREATED" and not cleared_again:
                self.unlisted = max(0, self.unlisted - 1)
            self._put(message)
            return ended
        return False

    def _put(self, order: Message) -> None:
        self.unreadable_uuids.discard(order["uuid"])
        if order["state"].lower() == "cleared":
            self.held.pop(order["uuid"], None)
            self._cleared.add(order["uuid"])
        else:
            self.held[order["uuid"]] = order["paged"]

    @property
    def counts(self) -> tuple[int, int]:
        """Active orders, and paged ones among the readable orders."""
        unreadable = len(self.unreadable_uuids) + self.without_uuid + self.unlisted
        return len(self.held) + unreadable, sum(self.held.values())
