"""The HTTP answers of a recorded gateway at any moment of the recording. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from appliance.recording.entries import Entry, Http
from appliance.simulator.recorded_orders import ACTIVE_PATH, Json, RecordedOrders, parse

HISTORY_PATH = "/api/v2/orders"
FILTERS = {"order_type": "orderType", "location_name": "locationName"}
"""The fields of an order that a query of the history compares, by the name in the query."""


class RecordedAnswers:
    """Answers requests as the recorded gateway did, the latest time before this moment."""

    def __init__(self, entries: Sequence[Entry], orders: RecordedOrders) -> None:
        self._orders = orders
        self._every = [entry for entry in entries if isinstance(entry, Http) and entry.method == "GET"]
        self._current: dict[tuple[str, bool], Http] = {}
        for entry in reversed(self._every):
            self.take(entry)
        self._chunks = [one for one in self._every if one.path.startswith(f"{HISTORY_PATH}?")]
        self._history = _history(self._chunks)

    def take(self, entry: Entry) -> None:
        """Go on to an entry."""
        if isinstance(entry, Http):
            self._current[entry.path.partition("?")[0], entry.token] = entry

    def answer(self, path: str, query: Mapping[str, str], token: bool, at: float) -> Http | None:
        """The answer to a GET at this moment; None if the recording has none. token: the request has one."""
        if path == HISTORY_PATH and token and any(one.status == 200 for one in self._chunks):
            return self._chunk(query)
        found = self._current.get((path, token))
        if found is None and not token:
            # A gateway refuses every request without a token alike.
            found = next((one for one in self._every if not one.token and (one.status or 0) >= 400), None)
        single = path.removeprefix(f"{ACTIVE_PATH}/")
        if found is None and single != path:
            found = next((one for one in self._every if one.path.startswith(f"{ACTIVE_PATH}/")), None)
            if found is not None and self._orders.find(single, at) is None:
                return None
        body = parse(found.body) if found is not None else None
        if found is None or body is None or found.status != 200:
            return found
        if path == ACTIVE_PATH:
            items = self._orders.listed(at)
            return replace(found, body=json.dumps({**body, "count": len(items), "items": items}))
        if single != path and (order := self._orders.find(single, at)) is not None:
            return replace(found, body=json.dumps({**body, "activeorder": order}))
        return found

    def _chunk(self, query: Mapping[str, str]) -> Http:
        """The part of the history that a query asks for, as far as it was recorded."""
        good = next(one for one in self._chunks if one.status == 200)
        bad = [one for one in self._chunks if one.status not in (200, None)]
        after, before = query.get("created_after", ""), query.get("created_before")
        found = [
            order
            for order in self._history
            if str(order.get("created")) >= after
            and (before is None or str(order.get("created")) < before)
            and all(query.get(key, order.get(field)) == order.get(field) for key, field in FILTERS.items())
        ]
        offset, limit = _number(query.get("offset"), 0), _number(query.get("limit"), 25)
        items = found[offset : offset + limit]
        if offset and not items and bad:
            # A gateway may refuse an offset beyond the end.
            return bad[-1]
        body = {**(parse(good.body) or {}), "count": len(items), "items": items}
        return replace(good, body=json.dumps(body))


def _history(chunks: Iterable[Http]) -> list[Json]:
    """The past orders that the recording has, in its order."""
    found: dict[Any, Json] = {}
    for one in chunks:
        body = parse(one.body) if one.status == 200 else None
        items = body.get("items") if body is not None else None
        for order in items if isinstance(items, list) else ():
            if isinstance(order, dict):
                found.setdefault(str(order.get("uuid")), order)
    return list(found.values())


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
