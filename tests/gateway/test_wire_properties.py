"""Parsing arbitrary JSON from the gateway, with generated input."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.limits import LONGEST_UUID
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.values import Order
from appliance.gateway.order_json import read_order
from appliance.gateway.wire import Envelope, read_envelope, read_message, read_token


def read(text: str | bytes) -> Notification | Envelope:
    return read_message(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


SURROGATES = st.text(st.characters(exclude_categories=()), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SURROGATES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SURROGATES, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ("type", "seq", "items", "count", "uuid", "state", "paged", "name", "orderType", "locationName", "created")
) | st.sampled_from(("stateChanged", "elapsedTime", "returnCode", "message", "token", "status"))
KINDS = st.sampled_from(["ACTIVE_ORDERS", "ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED", "NEWER"])
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "uuid": st.text(max_size=3) | JSON,
        "state": st.sampled_from(["started", "located", "cleared"]) | JSON,
        "paged": st.none() | st.booleans() | JSON,
        "created": st.datetimes().map(datetime.isoformat) | JSON,
        "elapsedTime": st.floats() | st.integers() | JSON,
        "name": JSON,
    },
)
MESSAGES = st.dictionaries(FIELDS, JSON | KINDS | ORDERS | st.lists(ORDERS, max_size=4), max_size=8) | ORDERS
TYPED = st.builds(lambda kind, message: {**message, "type": kind}, KINDS, MESSAGES)


def check(order: Order) -> None:
    for text in (order.uuid, order.name, order.order_type, order.location, order.state):
        assert isinstance(text, str)
    assert order.uuid
    assert isinstance(order.paged, bool)
    for number in (order.created, order.changed, order.elapsed):
        assert number is None or (isinstance(number, float) and abs(number) < 1e15)
    hash(order)


def usable(item: object) -> bool:
    """An independent statement of the rule."""
    if not isinstance(item, dict):
        return False
    named = type(item.get("uuid")) is str and 0 < len(item["uuid"]) <= LONGEST_UUID
    return named and type(item.get("state")) is str and type(item.get("paged")) in (bool, type(None))


@given(JSON | MESSAGES | TYPED)
def test_any_json_is_parsed_without_an_exception(body: Any) -> None:
    message: Notification | Envelope = read(json.dumps(body))
    match message:
        case OrdersReplaced(orders, unreadable):
            items = body["items"]
            assert len(orders) == sum(usable(item) for item in items)
            unread = [item for item in items if not usable(item)]
            cleared = sum(isinstance(item, dict) and item.get("state") == "cleared" for item in unread)
            assert unreadable.count <= len(unread) - cleared
            uuids = [item.get("uuid") for item in items if isinstance(item, dict)]
            if len(uuids) == len({str(uuid) for uuid in uuids}):
                assert unreadable.count == len(unread) - cleared
            for order in orders:
                check(order)
        case OrderChanged() | OrderPaged():
            assert usable(body)
            check(message.order)
        case Envelope():
            assert "returnCode" in body
            assert message == read_envelope(body)
        case MessageIgnored():
            assert isinstance(body["type"], str)
        case MessageUnusable():
            assert not (usable(body) and body.get("type") == "ORDER_PAGED")
    if not isinstance(message, OrdersReplaced | Envelope):
        seq = body.get("seq") if isinstance(body, dict) else None
        assert message.seq == (seq if type(seq) is int else None)


@given(ORDERS | JSON)
def test_exactly_the_orders_with_the_required_fields_are_usable(item: Any) -> None:
    order = read_order(item)
    assert (order is not None) == usable(item)
    if order is not None:
        check(order)


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_any_text_or_bytes_are_parsed_without_an_exception(text: str | bytes) -> None:
    assert isinstance(read(text), Notification | Envelope)


@given(JSON | MESSAGES | st.builds(lambda token: {"token": {"token": token}}, JSON | st.text()))
def test_any_answer_is_parsed_without_an_exception(body: Any) -> None:
    envelope = read_envelope(body)
    assert envelope.return_code is None or type(envelope.return_code) is int
    assert isinstance(envelope.message, str)
    token = read_token(body)
    if token is not None:
        assert token.reveal() == body["token"]["token"]
        token.reveal().encode("ascii")
