"""The restaurant of one simulated gateway: its active orders, and the notification that each change makes.

Written from the gateway's protocol alone, apart from the simulator that the product ships, so that the two can't share
a mistake. Owns also what a client must make of each message: how many orders are active, and how many of them paged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

Message = dict[str, Any]

LONGEST_UUID = 100
"""Characters; a gateway's own have 36."""
KEPT = 250
"""Finished orders that the gateway remembers; a real one has more, for two weeks."""
EPOCH = datetime(2026, 1, 1)


class Floor:
    """Orders by uuid, as the gateway's JSON has them. tell: is given each notification.

    clock: virtual seconds. offset: what the gateway's local clock shows more than those; it may jump.
    """

    def __init__(self, random: Random, clock: Callable[[], float]) -> None:
        self.random = random
        self.tell: Callable[[Message], None] = lambda message: None
        self.orders: dict[str, Message] = {}
        self.finished: deque[Message] = deque(maxlen=KEPT)
        self.seq = 0
        self.offset = 0.0
        self.changed_at = float("-inf")
        self.elapses = random.random() < 0.3
        """Whether `elapsedTime` is the order's age; else it is 0, as it often is."""
        self.unreadable = 0.0
        """The share of orders that the whole set tells of in a way that can't be read."""
        self._born: dict[str, float] = {}
        self._clock = clock
        self._made = 0

    def stamp(self) -> str:
        return (EPOCH + timedelta(seconds=self._clock() + self.offset)).isoformat(timespec="seconds")

    def whole(self) -> Message:
        items: list[Any] = [self._aged(order) for order in self.orders.values()]
        for place in range(len(items)):
            if self.unreadable and self.random.random() < self.unreadable:
                items[place] = self._spoilt(items[place])
        return {"type": "ACTIVE_ORDERS", "count": len(items), "items": items}

    def history(self, offset: int, limit: int, created_after: str) -> list[Message]:
        """A page of all orders, the newest first (gateway API, orders)."""
        orders = sorted([*self.finished, *self.orders.values()], key=lambda o: str(o["created"]), reverse=True)
        return [order for order in orders if order["created"] >= created_after][offset : offset + limit]

    def create(self) -> None:
        self._made += 1
        located = self.random.random() < 0.3
        now = self.stamp()
        order: Message = {
            "name": str(self.random.randrange(1, 60)),
            "uuid": f"{self.random.getrandbits(64):016x}-{self._made}",
            "orderType": self.random.choice(("ON_PREMISE", "ON_PREMISE", "TO_GO")),
            "locationName": str(self.random.randrange(1, 40)) if located else "",
            "state": "located" if located else "started",
            "created": now,
            "stateChanged": now,
            "paged": False,
            "elapsedTime": 0,
        }
        self.orders[order["uuid"]] = order
        self._born[order["uuid"]] = self._clock()
        self._notify("ORDER_CREATED", order)

    def change(self) -> None:
        """Something befalls one of the orders."""
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
            self.finished.append({**order, "state": "cleared", "stateChanged": self.stamp()})
            self._notify("ORDER_MODIFIED", self.finished[-1])
            self._born.pop(order["uuid"], None)

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def _modify(self, uuid: str, **fields: Any) -> None:
        self.orders[uuid].update(fields, stateChanged=self.stamp())
        self._notify("ORDER_MODIFIED", self.orders[uuid])

    def _notify(self, kind: str, order: Message) -> None:
        self.changed_at = self._clock()
        self.tell({"type": kind, "seq": self.next_seq(), **self._aged(order)})

    def _aged(self, order: Message) -> Message:
        """The order with its `elapsedTime`: whole seconds, from the gateway's own clock that does not jump."""
        born = self._born.get(order["uuid"]) if self.elapses else None
        return {**order, "elapsedTime": 0 if born is None else int(self._clock() - born)}

    def _spoilt(self, order: Message) -> Any:
        """The order as a gateway gone wrong may tell it; its uuid can be read of some."""
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


class Told:
    """What was said on one feed, folded as the protocol means it: uuid -> whether it is paged.

    unread: by uuid, orders of the whole set of which nothing else could be read. nameless: those without even that.
    """

    def __init__(self) -> None:
        self.held: dict[str, bool] = {}
        self.unread: set[str] = set()
        self.nameless = 0

    def take(self, message: Message) -> None:
        kind = message.get("type")
        if kind == "ACTIVE_ORDERS":
            self.held, self.unread, self.nameless = {}, set(), 0
            for item in message["items"]:
                uuid = item.get("uuid") if isinstance(item, dict) else None
                if not isinstance(uuid, str) or len(uuid) > LONGEST_UUID:
                    self.nameless += 1
                elif not isinstance(item.get("state"), str) or not isinstance(item.get("paged"), bool):
                    self.unread.add(uuid)
                else:
                    self._put(item)
        elif kind in ("ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED") and isinstance(message.get("uuid"), str):
            self._put(message)

    def _put(self, order: Message) -> None:
        self.unread.discard(order["uuid"])
        if order["state"] == "cleared":
            self.held.pop(order["uuid"], None)
        else:
            self.held[order["uuid"]] = order["paged"]

    @property
    def counts(self) -> tuple[int, int]:
        """Active orders, and paged ones as far as that can be read."""
        return len(self.held) + len(self.unread) + self.nameless, sum(self.held.values())
