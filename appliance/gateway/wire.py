"""Parses the gateway's JSON: tolerant of unknown fields, strict about the fields in use.

Source of the format: gateway API, WebSocket and active orders.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from appliance.core.events import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.limits import (
    LARGEST_WIDE_MESSAGE,
    LARGEST_WIDEST_MESSAGE,
    LONGEST_TEXT,
    LONGEST_UUID,
    MOST_ORDERS,
    MOST_VALUES,
)
from appliance.core.values import CLEARED, Address, Order, Token, Unreadable

INVALID_TOKEN = -2
MALFORMED_AUTHORIZATION = -1
WINDOW_CLOSED = -3
TOKEN_TIMEOUT = -32

EPOCH = datetime(2000, 1, 1)
"""The origin of the gateway's local times in seconds: an arbitrary day, a Saturday."""
_NOT_FOUR_BYTE_LEADS = bytes(range(0xF0))
"""Bytes that can't start a four-byte character in UTF-8."""
_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB]")
"""The escaped high surrogate with which JSON begins such a character."""
_PADDING = "\0\ufeff \t\r\n"
"""Characters around a JSON text that change nothing: white space, NUL and byte order marks."""
_ORDER_CHANGES = frozenset({"ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A gateway's result of a call: `returnCode`, positive for success, and an error message."""

    return_code: int | None
    message: str


def url_host(address: Address) -> str:
    """Format the host for a URL and the Host header, without the IPv6 scope, which is local to this box."""
    return f"[{address.host.split('%')[0]}]" if ":" in address.host else address.host


class TooLargeError(ValueError):
    """A message or response exceeds the size limits."""


def decode(data: bytes) -> Any:
    """Parse JSON; None if it is invalid, nested too deeply, or has a number too long to parse.

    Raises TooLargeError before the parser takes memory.
    """
    return _parse(_decode_text(data))


def _decode_text(data: bytes) -> str | None:
    """Decode the bytes of a JSON text; None if they are invalid. Raises TooLargeError."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise TooLargeError
    if len(data) > LARGEST_WIDE_MESSAGE and not (data.isascii() and b"\\u" not in data):
        raise TooLargeError
    if len(data) > LARGEST_WIDEST_MESSAGE and _needs_four_bytes(data):
        raise TooLargeError
    try:
        # Like json.loads().
        return data.decode(json.detect_encoding(data), "surrogatepass")
    except ValueError:
        return None


def _parse(text: str | None, hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Parse JSON; None if it is invalid. hook: see json.loads(). Raises TooLargeError if the hook does."""
    if text is None:
        return None
    try:
        # A server written in C may send the NUL that ends its text.
        return json.loads(text.strip(_PADDING), object_hook=hook)
    except TooLargeError:
        raise
    except (ValueError, RecursionError):
        return None


def _needs_four_bytes(data: bytes) -> bool:
    """Whether the text has a character outside the BMP: Python then stores every character in four bytes."""
    return bool(data.translate(None, _NOT_FOUR_BYTE_LEADS)) or (
        b"\\u" in data and _HIGH_SURROGATE.search(data) is not None
    )


def read_envelope(body: object) -> Envelope:
    """Read the envelope of a response; an empty one if there is none."""
    if not isinstance(body, dict):
        return Envelope(None, "")
    code, words = body.get("returnCode"), body.get("message")
    return Envelope(_integer(code), words if isinstance(words, str) else "")


def read_token(body: object) -> Token | None:
    """Read the token of a 201 (gateway API, access token); None if it can't be sent in a header."""
    token = body.get("token") if isinstance(body, dict) else None
    text = token.get("token") if isinstance(token, dict) else None
    return Token(text) if isinstance(text, str) and Token.is_valid(text) else None


def read_message(data: bytes) -> Notification | Envelope:
    """Parse one message of the feed: a notification, or an envelope with an error. Raises TooLargeError."""
    text = _decode_text(data)
    # Up to 30 MB, not needed once decoded.
    del data
    body = _parse(text, _OrderHook())
    del text
    if not isinstance(body, dict):
        return MessageUnusable()
    kind = body.get("type")
    seq = _integer(body.get("seq"))
    if kind is None and "returnCode" in body:
        return read_envelope(body)
    if not isinstance(kind, str):
        return MessageUnusable(seq)
    if kind == "ACTIVE_ORDERS":
        items = body.get("items")
        if not isinstance(items, list):
            return MessageUnusable(seq)
        if len(items) > MOST_ORDERS:
            raise TooLargeError
        return _order_set(items)
    if kind in _ORDER_CHANGES:
        order = read_order(body)
        if order is None:
            return MessageUnusable(seq)
        return OrderPaged(order, seq) if kind == "ORDER_PAGED" else OrderChanged(order, kind == "ORDER_CREATED", seq)
    return MessageIgnored(seq, kind if isinstance(kind, str) else "")


@dataclass(frozen=True, slots=True)
class _UnreadableOrder:
    """An unreadable order. uuid: None if it is unreadable too. active: False if the order is known to be cleared."""

    uuid: str | None = None
    active: bool = True


def _order_set(items: list[Any]) -> OrdersReplaced:
    """Read the full order set: every item counts as an active order, even an unreadable one, unless it is cleared."""
    read = [item if isinstance(item, Order | _UnreadableOrder) else _read_order_or_reason(item) for item in items]
    orders = tuple(item for item in read if isinstance(item, Order))
    unread = [item for item in read if isinstance(item, _UnreadableOrder) and item.active]
    if not unread:
        return OrdersReplaced(orders)
    uuids = {item.uuid for item in unread if item.uuid is not None} - {order.uuid for order in orders}
    return OrdersReplaced(orders, Unreadable(frozenset(uuids), sum(item.uuid is None for item in unread)))


def _read_order_or_reason(item: object) -> Order | _UnreadableOrder:
    order = read_order(item)
    if order is not None:
        return order
    if not isinstance(item, dict):
        return _UnreadableOrder()
    return _UnreadableOrder(read_uuid(item.get("uuid")), item.get("state") != CLEARED)


class _OrderHook:
    """An object hook that turns orders into values during parsing, so that no second copy takes memory."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self, item: dict[str, Any]) -> Any:
        # These fields mark the message itself, which may also have an order's fields.
        if "type" in item or "seq" in item or "returnCode" in item or "uuid" not in item:
            return item
        self._made += 1
        if self._made > MOST_ORDERS:
            raise TooLargeError
        return _read_order_or_reason(item)


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
        order_type=_text(item.get("orderType")),
        location=_text(item.get("locationName")),
        state=_text(state),
        paged=bool(paged),
        created=read_time(item.get("created")),
        changed=read_time(item.get("stateChanged")),
        elapsed=_seconds(item.get("elapsedTime")),
    )


def _text(value: object) -> str:
    # Interned: a hundred thousand orders share the same few texts.
    return sys.intern(value[:LONGEST_TEXT]) if isinstance(value, str) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and isfinite(value):
        return max(0.0, float(value))
    return None


def read_time(value: object) -> float | None:
    """Read a gateway's local time as seconds since EPOCH; a zone is ignored. None if it is invalid."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (time.replace(tzinfo=None) - EPOCH).total_seconds()
