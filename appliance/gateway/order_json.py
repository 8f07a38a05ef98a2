"""Parses orders in the gateway's JSON: tolerant of unknown fields, strict about the fields in use.

Source of the format: gateway API, active orders.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from appliance.core.limits import LONGEST_TEXT, LONGEST_UUID
from appliance.core.values import CLEARED, ORDER_TYPES, STATES, Order

EPOCH = datetime(2000, 1, 1)
"""The origin of the gateway's local times in seconds: an arbitrary day, a Saturday."""


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An unreadable order. uuid: None if it is unreadable too. active: False if the order is known to be cleared."""

    uuid: str | None = None
    active: bool = True


def read_uuid(value: object) -> str | None:
    """Read an order's UUID; None if it is invalid."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_UUID else None


def read_order(item: object) -> Order | None:
    """Read an order; None if a field that the count needs (uuid, state, paged) is missing or has a wrong type."""
    if not isinstance(item, dict):
        return None
    uuid, state, paged = read_uuid(item.get("uuid")), item.get("state"), item.get("paged")
    if uuid is None or not isinstance(state, str) or not isinstance(paged, bool | None):
        return None
    return Order(
        uuid=uuid,
        name=_text(item.get("name")),
        order_type=_order_type(item.get("orderType")),
        location=_text(item.get("locationName")),
        state=_state(state),
        paged=bool(paged),
        created=read_time(item.get("created")),
        changed=read_time(item.get("stateChanged")),
        elapsed=_seconds(item.get("elapsedTime")),
    )


def read_order_or_reason(item: object) -> Order | UnreadableOrder:
    """Read an order, or what is readable of it."""
    order = read_order(item)
    if order is not None:
        return order
    if not isinstance(item, dict):
        return UnreadableOrder()
    state = item.get("state")
    return UnreadableOrder(read_uuid(item.get("uuid")), not isinstance(state, str) or _state(state) != CLEARED)


def read_time(value: object) -> float | None:
    """Read a gateway's local time as seconds since EPOCH; a zone is ignored. None if it is invalid."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (time.replace(tzinfo=None) - EPOCH).total_seconds()


def _state(word: str) -> str:
    """An order's state in lower case."""
    return word if word in STATES else _text(word.strip().casefold())


def _order_type(value: object) -> str:
    """An order's type; a known one in capitals."""
    word = _text(value)
    if word not in ORDER_TYPES and (known := word.strip().upper()) in ORDER_TYPES:
        return known
    return word


def _text(value: object) -> str:
    # Interned: a hundred thousand orders share the same few texts.
    return sys.intern(value[:LONGEST_TEXT]) if isinstance(value, str) else ""


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and isfinite(value):
        return max(0.0, float(value))
    return None
