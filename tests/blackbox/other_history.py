"""The other gateway's history: finished orders in chunks, written from the vendor's documentation alone.

The list may change before each chunk: orders are finished or purged, at its ends and in the middle.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

FORM = "%Y-%m-%dT%H:%M:%S"
Json = dict[str, Any]


class History:
    def __init__(self) -> None:
        self.orders: list[Json] = []
        self.ever: list[str] = []
        self.newest_first = True
        self.filters = True
        self.most = 100
        self.arrive = self.purge = self.chunks = 0
        self.slow = 0.0
        self.fails: list[tuple[int, Json]] = []
        self.random = random.Random(4)

    def add(self, count: int, days: float) -> None:
        """Add orders that were finished at random times of these days."""
        for _ in range(count):
            began = time.time() - self.random.random() * days * 86400 - 600
            took = self.random.randint(60, 600)
            to_go = self.random.random() < 0.2
            order = {"name": str(self.random.randint(1, 99)), "uuid": str(uuid.UUID(int=self.random.getrandbits(128))),
                     "orderType": "TO_GO" if to_go else "ON_PREMISE",
                     "locationName": "" if to_go else str(self.random.randint(1, 30)), "state": "cleared",
                     "created": time.strftime(FORM, time.localtime(began)),
                     "stateChanged": time.strftime(FORM, time.localtime(began + took)),
                     "paged": False, "elapsedTime": 0}  # fmt: skip
            self.orders.append(order)
            self.ever.append(str(order["uuid"]))

    def chunk(self, query: str, active: list[Json]) -> tuple[int, Json]:
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        offset, limit = int(asked.get("offset", "0")), int(asked.get("limit", "25"))
        if not 1 <= limit <= 100:
            return 400, {"returnCode": -23, "message": "Limit."}
        if self.fails:
            return self.fails.pop(0)
        if self.chunks:
            self.change()
        self.chunks += 1
        listed = sorted([*self.orders, *active], key=lambda order: str(order["created"]), reverse=self.newest_first)
        if self.filters and (after := asked.get("created_after")) is not None:
            listed = [order for order in listed if order["created"] >= after]
        if offset and offset >= len(listed):
            return 400, {"returnCode": -24, "message": "Offset."}
        items = listed[offset : offset + min(limit, self.most)]
        return 200, {"returnCode": 7, "count": len(items), "items": items}

    def change(self) -> None:
        """Finish some orders now, regardless of their start, and purge some of the oldest."""
        self.add(self.arrive, 0.2)
        self.orders.sort(key=lambda order: str(order["created"]))
        del self.orders[: self.purge]

    def command(self, *, add: int = 0, days: float = 14.0, **how: Any) -> Json:
        """add: the number of orders to add, finished in these days. how: changes before each chunk from now on."""
        self.add(add, days)
        for key, value in how.items():
            assert hasattr(self, key), key
            setattr(self, key, value)
        return {"now": [order["uuid"] for order in self.orders], "ever": self.ever}
