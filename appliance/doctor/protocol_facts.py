"""The facts of the gateway's protocol that its documents leave open, and what a gateway shows of each. No I/O.

The appliance depends on none of them, or notices when one does not hold; a real gateway decides.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

Json = Mapping[str, Any]

FIELDS = ("name", "uuid", "orderType", "locationName", "state", "created", "stateChanged", "paged", "elapsedTime")
"""An order's fields (gateway API, active orders)."""
WHOLE_SET, CREATED, MODIFIED, PAGED = "ACTIVE_ORDERS", "ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"
LONGEST_SEEN = 160
"""Characters of a message to show."""
MOST_LISTED = 6


class Verdict(Enum):
    """The mark before a fact."""

    HELD = "held"
    DIFFERS = "differs"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a gateway shows of a fact, in words."""

    verdict: Verdict
    words: str


FACTS = {
    "identity": "it announces no identity but its instance name",
    "move": "its instance name survives a change of its address",
    "invalid token": "a request with an invalid token has the HTTP status 401 or 403",
    "whole set": "ACTIVE_ORDERS lists every active order",
    "empty set": "without orders, ACTIVE_ORDERS has count 0 and an empty list",
    "second feed": "a second feed with the same token is let in, and the first stays",
    "re-use": "a tracker's number comes back with another uuid",
    "new order": "ORDER_CREATED has the order's fields at its top level",
    "seq": "seq counts notifications",
    "removal": "the end of an order is an ORDER_MODIFIED with the state cleared",
}
"""The inferred facts, by their names. The order is that of the questions."""


@dataclass(slots=True)
class FeedMessages:
    """What one feed said: its whole sets, and its other messages in turn."""

    sets: list[Json] = field(default_factory=list)
    notifications: list[Json] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Take a message; what is no JSON object is ignored."""
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(body, dict):
            (self.sets if _type(body) == WHOLE_SET else self.notifications).append(body)


def not_seen(why: str) -> Observation:
    """Nothing was seen of a fact."""
    return Observation(Verdict.NOT_SEEN, why)


def observed(held: bool, words: str) -> Observation:
    """A fact held or differs."""
    return Observation(Verdict.HELD if held else Verdict.DIFFERS, words)


def identity(texts: Sequence[str] | None) -> Observation:
    """Judge the TXT record of a gateway. texts: its strings; None if no record was heard."""
    if texts is None:
        return not_seen("no announcement was heard")
    shown = ", ".join(texts[:MOST_LISTED])
    return observed(not texts, f"its TXT record has {shown}" if texts else "its TXT record is empty")


def invalid_token(status: int, code: int | None) -> Observation:
    """Judge the answer to an invalid token. code: its returnCode."""
    return observed(status in (401, 403), f"HTTP {status}, returnCode {code}")


def whole_set(sets: Iterable[Json], before: Collection[str], after: Collection[str]) -> Observation:
    """Judge a whole set. before, after: uuids of the active orders that HTTP listed before and after it."""
    body = next(iter(sets), None)
    if body is None:
        return not_seen("no whole set came")
    listed = set(uuids(body))
    count, items = body.get("count"), body.get("items")
    size = len(items) if isinstance(items, list) else 0
    missing = (set(before) & set(after)) - listed
    more = listed - set(before) - set(after)
    words = f"{size} listed, count {json.dumps(count)}"
    if missing:
        words += f"; {len(missing)} that GET activeorders has are missing"
    if more:
        words += f"; {len(more)} that GET activeorders lacks"
    if not missing and not more and not listed:
        return not_seen("no order is active")
    return observed(not missing and not more and count == size, words)


def empty_set(sets: Iterable[Json], active: int) -> Observation:
    """Judge a whole set without orders. active: orders that are active now."""
    empty = next((body for body in sets if not body.get("items") and body.get("count") in (None, 0, "0", "")), None)
    if empty is None:
        return not_seen(f"{active} orders are active; ask again when there are none" if active else "no set came")
    is_usual = empty.get("count") == 0 and empty.get("count") is not False and empty.get("items") == []
    return observed(is_usual, shown(empty))


def reuse(orders: Iterable[Json]) -> Observation:
    """Judge orders of any age: whether one tracker's number has several uuids."""
    by_name: dict[str, list[str]] = {}
    for order in orders:
        if isinstance(order.get("name"), str) and isinstance(order.get("uuid"), str):
            by_name.setdefault(order["name"], []).append(order["uuid"])
    repeated = {name: found for name, found in by_name.items() if len(found) > 1}
    if not repeated:
        return not_seen("no tracker has two orders in the gateway's list")
    alike = {name: found for name, found in repeated.items() if len(set(found)) < len(found)}
    if alike:
        name, found = next(iter(alike.items()))
        return observed(False, f"tracker {name} has {len(found)} orders and {len(set(found))} uuids")
    return observed(True, f"{len(repeated)} trackers, each with another uuid for each order")


def new_order(notifications: Iterable[Json]) -> Observation:
    """Judge the first new order."""
    body = next((one for one in notifications if _type(one) == CREATED), None)
    if body is None:
        return not_seen("no order was created")
    missing = [name for name in FIELDS if name not in body]
    return observed(not missing, f"it lacks {', '.join(missing)}: {shown(body)}" if missing else "all nine fields")


def seq(notifications: Iterable[Json]) -> Observation:
    """Judge the numbers of notifications."""
    pairs = list(pairwise(one.get("seq") for one in notifications if "returnCode" not in one))
    if not pairs:
        return not_seen("fewer than two notifications came")
    wrong = next((pair for pair in pairs if not _follows(*pair)), None)
    if wrong is not None:
        first, second = (json.dumps(one) for one in wrong)
        return observed(False, f"{second} came after {first}" if wrong != (None, None) else "notifications have no seq")
    return observed(True, f"{len(pairs) + 1} notifications, each with the next number")


def removal(notifications: Iterable[Json], ended: Collection[str]) -> Observation:
    """Judge how the end of orders was told. ended: uuids of orders that are active no more."""
    if not ended:
        return not_seen("no order ended")
    last: dict[str, Json | None] = dict.fromkeys(ended)
    for one in notifications:
        for uuid in ended:
            if uuid in json.dumps(one):
                last[uuid] = one
    words = [_end_in_words(last[uuid]) for uuid in ended]
    other = next((told for told in words if told is not None), None)
    if other is not None:
        return observed(False, other)
    return observed(True, f"{len(words)} {'order' if len(words) == 1 else 'orders'} ended so")


def _end_in_words(told: Json | None) -> str | None:
    """How an order's end was told, if not as inferred."""
    if told is None or (_type(told) in (CREATED, MODIFIED, PAGED) and told.get("state") in ("started", "located")):
        return "an order ended, and no message told so"
    if told.get("type") == MODIFIED and told.get("state") == "cleared":
        return None
    return f"an order ended after {shown(told)}"


def uuids(body: object) -> list[str]:
    """The uuids in a list of orders."""
    items = body.get("items") if isinstance(body, Mapping) else None
    found = [item.get("uuid") for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    return [one for one in found if isinstance(one, str)]


def shown(body: Json) -> str:
    """A message, shortened."""
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= LONGEST_SEEN else text[: LONGEST_SEEN - 1] + "…"


def _type(body: Json) -> str:
    """The type of a message, in any case."""
    return str(body.get("type")).strip().upper()


def _follows(first: Any, second: Any) -> bool:
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (first, second))
    return whole and bool(second == first + 1)
