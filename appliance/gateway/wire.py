"""The gateway's JSON, read into values: tolerant of what we don't know, strict about what is used.

Facts of the format: gateway API, WebSocket and active orders.
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
"""The arbitrary day, a Saturday, from which the gateway's local times are counted in seconds."""
_BELOW_FOUR = bytes(range(0xF0))
"""Bytes that begin no character of four bytes in UTF-8."""
_HALF = re.compile(rb"\\u[dD][89abAB]")
"""The first half of such a character as JSON escapes it."""
_ORDER_CHANGES = frozenset({"ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a gateway says of a call: `returnCode`, positive for success, and on errors its own words."""

    return_code: int | None
    words: str


def url_host(address: Address) -> str:
    """The host as URLs and the Host header have it: an IPv6 scope means something to this box alone."""
    return f"[{address.host.split('%')[0]}]" if ":" in address.host else address.host


class TooMuchError(ValueError):
    """More than is taken from a gateway in one piece."""


def decode(data: bytes) -> Any:
    """JSON, or None where it is none. Deep nesting and endless numbers are no JSON of a gateway either.

    Raises TooMuchError, before any of it takes memory.
    """
    return _parsed(_text_of(data))


def _text_of(data: bytes) -> str | None:
    """The text in which JSON is written, or None where it is none. Raises TooMuchError."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise TooMuchError
    if len(data) > LARGEST_WIDE_MESSAGE and not (data.isascii() and b"\\u" not in data):
        raise TooMuchError
    if len(data) > LARGEST_WIDEST_MESSAGE and _widest(data):
        raise TooMuchError
    try:
        # As json.loads() does it.
        return data.decode(json.detect_encoding(data), "surrogatepass")
    except ValueError:
        return None


def _parsed(text: str | None, hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """hook: see json.loads(). Raises TooMuchError where the hook does."""
    if text is None:
        return None
    try:
        return json.loads(text, object_hook=hook)
    except TooMuchError:
        raise
    except (ValueError, RecursionError):
        return None


def _widest(data: bytes) -> bool:
    """Whether there is a character in it for which Python takes four bytes, and then for each other one of its text."""
    return bool(data.translate(None, _BELOW_FOUR)) or (b"\\u" in data and _HALF.search(data) is not None)


def read_envelope(body: object) -> Envelope:
    """The envelope of any answer; of anything else, an empty one."""
    if not isinstance(body, dict):
        return Envelope(None, "")
    code, words = body.get("returnCode"), body.get("message")
    return Envelope(_integer(code), words if isinstance(words, str) else "")


def read_token(body: object) -> Token | None:
    """The token of a 201 (gateway API, access token), if there is one that can be sent in a header."""
    token = body.get("token") if isinstance(body, dict) else None
    text = token.get("token") if isinstance(token, dict) else None
    return Token(text) if isinstance(text, str) and Token.is_valid(text) else None


def read_message(data: bytes) -> Notification | Envelope:
    """One message of the feed: a notification, or an envelope that says what is wrong. Raises TooMuchError."""
    text = _text_of(data)
    # Once there is a text of it, 30 MB of bytes are only in the way.
    del data
    body = _parsed(text, _Orders())
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
            raise TooMuchError
        return _whole_set(items)
    if kind in _ORDER_CHANGES:
        order = read_order(body)
        if order is None:
            return MessageUnusable(seq)
        return OrderPaged(order, seq) if kind == "ORDER_PAGED" else OrderChanged(order, kind == "ORDER_CREATED", seq)
    return MessageIgnored(seq, kind if isinstance(kind, str) else "")


@dataclass(frozen=True, slots=True)
class _Unread:
    """Of an order that can't be used. uuid: None where that can't be read. active: False where it is cleared."""

    uuid: str | None = None
    active: bool = True


def _whole_set(items: list[Any]) -> OrdersReplaced:
    """Each item of the set is an active order, also one of which nothing can be read, unless it is known as cleared."""
    read = [item if isinstance(item, Order | _Unread) else _read(item) for item in items]
    orders = tuple(item for item in read if isinstance(item, Order))
    unread = [item for item in read if isinstance(item, _Unread) and item.active]
    if not unread:
        return OrdersReplaced(orders)
    uuids = {item.uuid for item in unread if item.uuid is not None} - {order.uuid for order in orders}
    return OrdersReplaced(orders, Unreadable(frozenset(uuids), sum(item.uuid is None for item in unread)))


def _read(item: object) -> Order | _Unread:
    order = read_order(item)
    if order is not None:
        return order
    if not isinstance(item, dict):
        return _Unread()
    return _Unread(read_uuid(item.get("uuid")), item.get("state") != CLEARED)


class _Orders:
    """Makes orders of the objects in a message while it is read, so that it never is there twice over."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self, item: dict[str, Any]) -> Any:
        # What has these is the message itself, which may be an order, too.
        if "type" in item or "seq" in item or "returnCode" in item or "uuid" not in item:
            return item
        self._made += 1
        if self._made > MOST_ORDERS:
            raise TooMuchError
        return _read(item)


def read_uuid(value: object) -> str | None:
    """An order's identity, or None for what can't be one."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_UUID else None


def read_order(item: object) -> Order | None:
    """An order, or None where what the count rests on (uuid, state, paged) is missing or mistyped."""
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
    # A hundred thousand orders have the same few words.
    return sys.intern(value[:LONGEST_TEXT]) if isinstance(value, str) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and isfinite(value):
        return max(0.0, float(value))
    return None


def read_time(value: object) -> float | None:
    """The gateway's local time, which carries no zone; where one is given, it is left out of account."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (time.replace(tzinfo=None) - EPOCH).total_seconds()
