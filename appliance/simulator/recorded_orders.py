"""The active orders of a recorded gateway at any moment of the recording. No I/O.

How a real gateway tells an order's end is not documented, so the recording decides: an order that the next whole set
lacks ended with the last message that named it, unless that message says that it is active.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.recording.entries import Entry, FeedTried, Http, Message

WHOLE_SET = "ACTIVE_ORDERS"
CHANGES = ("ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED")
ACTIVE_STATES, CLEARED = ("started", "located"), "cleared"
ACTIVE_PATH = "/api/v2/activeorders"
FRESH = 1.0
"""Seconds for which a recorded whole set is sent exactly as it came. Later, `elapsedTime` has to grow."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WholeSet:
    """A recorded whole set. at, asked: when it came, and when it was asked for, in seconds of the recording.

    body: its JSON. text: exactly as it came on a feed; None for an HTTP answer.
    """

    at: float
    asked: float
    body: Json
    text: str | None = None

    @property
    def orders(self) -> list[Json]:
        """Its orders."""
        items = self.body.get("items")
        return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []

    @property
    def unlisted(self) -> int:
        """Orders that it counts and does not list."""
        count = self.body.get("count")
        return max(0, count - len(self.orders)) if isinstance(count, int) else 0


class RecordedOrders:
    """Follows a recording: `take` its entries in turn."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._sets = _whole_sets(entries)
        self._fed = [one for one in self._sets.values() if one.text is not None]
        self._ends = set(_ends(entries, list(self._sets.values())))
        self._orders: dict[str, Json] = {}
        self._since: dict[str, float] = {}
        self._last = self._fed[0] if self._fed else WholeSet(0.0, 0.0, {"type": WHOLE_SET, "count": 0, "items": []})
        self._changed = False
        every = [*(order for one in self._sets.values() for order in one.orders), *_messages(entries)]
        self._ages = any(isinstance(order.get("elapsedTime"), int) and order["elapsedTime"] for order in every)
        self._replace(self._last)

    def take(self, entry: Entry) -> None:
        """Go on to an entry."""
        whole = self._sets.get(id(entry))
        if whole is not None and whole.text is not None:
            self._replace(whole)
        elif whole is not None:
            listed = {order.get("uuid") for order in whole.orders}
            for uuid in [one for one, since in self._since.items() if since < whole.asked and one not in listed]:
                self._remove(uuid)
        elif isinstance(entry, Message) and (body := parse(entry.data)) is not None:
            self._change(entry, body)

    def listed(self, at: float) -> list[Json]:
        """The active orders, as the gateway would list them at this moment of the recording."""
        return [self._aged(uuid, order, at) for uuid, order in self._orders.items()]

    def whole_set(self, at: float) -> str:
        """The first message of a feed that opens at this moment."""
        assert self._last.text is not None or not self._fed
        if self._last.text is not None and not self._changed and at < self._last.at + FRESH:
            return self._last.text
        if not self._orders:
            empty = next((one.text for one in self._fed if not one.orders and not one.unlisted), None)
            if empty is not None:
                return empty
        orders = self.listed(at)
        filled = {"count": len(orders) + self._last.unlisted, "items": orders}
        return json.dumps({**self._last.body, **filled})

    def find(self, name_or_uuid: str, at: float) -> Json | None:
        """An active order."""
        return next((one for one in self.listed(at) if name_or_uuid in (one.get("name"), one.get("uuid"))), None)

    def _replace(self, whole: WholeSet) -> None:
        self._orders = {str(order.get("uuid")): order for order in whole.orders}
        self._since = dict.fromkeys(self._orders, whole.at)
        self._last, self._changed = whole, False

    def _change(self, entry: Message, body: Json) -> None:
        ends = id(entry) in self._ends
        for uuid in _named(body, self._orders):
            if ends or _state(body) == CLEARED:
                self._remove(uuid)
            elif _type(body) in CHANGES and uuid == body.get("uuid"):
                self._orders[uuid] = {key: value for key, value in body.items() if key not in ("type", "seq")}
                self._since[uuid] = entry.at
                self._changed = True

    def _remove(self, uuid: str) -> None:
        self._changed = self._orders.pop(uuid, None) is not None or self._changed
        self._since.pop(uuid, None)

    def _aged(self, uuid: str, order: Json, at: float) -> Json:
        elapsed = order.get("elapsedTime")
        if not self._ages or not isinstance(elapsed, int):
            return order
        return {**order, "elapsedTime": elapsed + max(0, int(at - self._since[uuid]))}


def parse(text: str | None) -> Json | None:
    """A JSON object; None for anything else."""
    try:
        body = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def is_active_orders(entry: Entry) -> bool:
    """Whether an entry is an HTTP answer with the active orders."""
    return isinstance(entry, Http) and entry.path == ACTIVE_PATH and entry.token and entry.status == 200


def _whole_sets(entries: Iterable[Entry]) -> dict[int, WholeSet]:
    """The whole sets, by the identity of their entries."""
    found: dict[int, WholeSet] = {}
    asked: dict[int, float] = {}
    for entry in entries:
        if isinstance(entry, FeedTried):
            asked[entry.feed] = entry.at
        elif isinstance(entry, Message):
            body = parse(entry.data)
            if body is not None and _type(body) == WHOLE_SET:
                found[id(entry)] = WholeSet(entry.at, asked.pop(entry.feed, entry.at), body, entry.data)
        elif isinstance(entry, Http) and is_active_orders(entry) and (body := parse(entry.body)) is not None:
            found[id(entry)] = WholeSet(entry.at, entry.at - entry.took, body)
    return found


def _ends(entries: Iterable[Entry], sets: Sequence[WholeSet]) -> Iterator[int]:
    """The identities of the messages that end an order without the state `cleared`."""
    asked = [one.asked for one in sets]
    listed = [{order.get("uuid") for order in one.orders} for one in sets]
    last: dict[tuple[str, int], Message] = {}
    known: dict[str, None] = dict.fromkeys(str(order.get("uuid")) for one in sets for order in one.orders)
    for entry in entries:
        body = parse(entry.data) if isinstance(entry, Message) else None
        if isinstance(entry, Message) and body is not None and _type(body) != WHOLE_SET:
            after = bisect_left(asked, entry.at)
            for uuid in _named(body, known):
                known[uuid] = None
                last[uuid, after] = entry
    for (uuid, after), entry in last.items():
        body = parse(entry.data) or {}
        says_active = _type(body) in CHANGES and _state(body) in ACTIVE_STATES
        if not says_active and after < len(sets) and uuid not in listed[after]:
            yield id(entry)


def _messages(entries: Iterable[Entry]) -> Iterator[Json]:
    return (body for entry in entries if isinstance(entry, Message) and (body := parse(entry.data)) is not None)


def _named(body: Json, known: Mapping[str, object]) -> list[str]:
    """The uuids that a message names: its own, and those of known orders anywhere in it."""
    uuid = body.get("uuid")
    found = {uuid: None} if isinstance(uuid, str) else {}
    waiting: list[Any] = list(body.values())
    while waiting:
        match waiting.pop():
            case dict() as values:
                waiting += values.values()
            case list() as values:
                waiting += values
            case str() as text if text in known:
                found[text] = None
    return list(found)


def _type(body: Json) -> str:
    return str(body.get("type")).strip().upper()


def _state(body: Json) -> str:
    return str(body.get("state")).strip().casefold()
