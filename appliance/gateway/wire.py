"""Parses the gateway's messages and answers: tolerant of unknown fields, strict about the fields in use.

Source of the format: gateway API, WebSocket and active orders.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from appliance.core.limits import (
    LARGEST_WIDE_MESSAGE,
    LARGEST_WIDEST_MESSAGE,
    MOST_ORDERS,
    MOST_VALUES,
)
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.values import Address, Order, Token, Unreadable
from appliance.gateway.order_json import UnreadableOrder, read_order, read_order_or_reason, read_uuid

INVALID_TOKEN = -2
MALFORMED_AUTHORIZATION = -1
WINDOW_CLOSED = -3
TOKEN_TIMEOUT = -32

_NOT_FOUR_BYTE_LEADS = bytes(range(0xF0))
"""Bytes that can't start a four-byte character in UTF-8."""
_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB]")
"""The escaped high surrogate with which JSON begins such a character."""
_PADDING = "\0\ufeff \t\r\n"
"""Characters around a JSON text that change nothing: white space, NUL and byte order marks."""
WHOLE_SET, CREATED, MODIFIED, PAGED = "ACTIVE_ORDERS", "ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"
"""The types of messages, in any case (gateway API, WebSocket)."""
_WORD = re.compile(r"[\w-]+")
_ENVELOPE = frozenset({"status", "returnCode", "message", "seq"})
MOST_MENTIONS = 256
"""Values of a message of unknown type in which to look for uuids; a message about one order has some 10."""
LONGEST_COUNT = 20
"""Characters of `count` as a text."""


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
        return read_order_or_reason(item)


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
        envelope = read_envelope(body)
        if (envelope.return_code or 0) > 0 and body.keys() - _ENVELOPE:
            # The result of somebody's call to the API, which may have ended the orders that it names.
            return MessageIgnored(seq, f"returnCode {envelope.return_code}", _mentions(body))
        return envelope
    if not isinstance(kind, str):
        return MessageUnusable(seq)
    word = kind.strip().upper()
    if word == WHOLE_SET:
        return _read_order_set(body) or MessageUnusable(seq)
    if word in (CREATED, MODIFIED, PAGED):
        order = read_order(body)
        if order is None:
            return MessageUnusable(seq)
        return OrderPaged(order, seq) if word == PAGED else OrderChanged(order, word == CREATED, seq)
    return MessageIgnored(seq, kind, _mentions(body), "uuid" not in body and ("ORDER" in word or "CLEAR" in word))


def _mentions(body: dict[str, Any]) -> tuple[str, ...]:
    """The texts of a message, however deeply nested, that may be uuids; those of the first MOST_MENTIONS values."""
    found: list[str] = []
    waiting = deque[Any](value for key, value in body.items() if key not in ("type", "seq"))
    for left in range(MOST_MENTIONS, 0, -1):
        if not waiting:
            break
        match waiting.popleft():
            case Order() | UnreadableOrder() as order:
                found += [order.uuid] if order.uuid is not None else []
            case dict() as values:
                # Orders may be listed by their uuids.
                waiting.extend(islice(chain(values, values.values()), left))
            case list() as values:
                waiting.extend(islice(values, left))
            case text if (uuid := read_uuid(text)) is not None:
                # It may be part of a path or a URN.
                found += dict.fromkeys((uuid, *_WORD.findall(uuid)))
    return tuple(found)


def _read_order_set(body: dict[str, Any]) -> OrdersReplaced | None:
    """Read the full order set; None if it is unusable. Raises TooLargeError.

    A gateway without orders may send no list, and one with many may list some of them only: it counts all.
    """
    items, count = body.get("items"), _count(body.get("count"))
    if not isinstance(items, list):
        null = items is None and "items" in body
        if items or (count is None and not null):
            return None
        items = []
    unlisted = max(0, (count or 0) - len(items))
    if len(items) + unlisted > MOST_ORDERS:
        raise TooLargeError
    return _order_set(items, unlisted)


def _order_set(items: list[Any], unlisted: int) -> OrdersReplaced:
    """The full order set: every item counts as an active order, even an unreadable one, unless it is cleared."""
    read = [item if isinstance(item, Order | UnreadableOrder) else read_order_or_reason(item) for item in items]
    orders = tuple(item for item in read if isinstance(item, Order))
    unread = [item for item in read if isinstance(item, UnreadableOrder) and item.active]
    if not unread:
        return OrdersReplaced(orders, Unreadable(unlisted=unlisted)) if unlisted else OrdersReplaced(orders)
    uuids = {item.uuid for item in unread if item.uuid is not None} - {order.uuid for order in orders}
    nameless = sum(item.uuid is None for item in unread)
    return OrdersReplaced(orders, Unreadable(frozenset(uuids), nameless, unlisted))


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    """A number of orders; None if it is unusable."""
    if isinstance(value, str) and len(value) <= LONGEST_COUNT and (text := value.strip()).isascii() and text.isdigit():
        return int(text)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _integer(value)
