"""Other spellings of the gateway's messages: letter case, empty and capped lists, unknown ends of orders."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.limits import LONGEST_UUID, MOST_ORDERS
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.values import Order, Unreadable
from appliance.gateway.wire import MOST_MENTIONS, Envelope, TooLargeError, read_message

ORDER = {"uuid": "a", "name": "7", "state": "started", "paged": False, "orderType": "TO_GO"}
READ = Order("a", "7", "TO_GO")


def read(**message: Any) -> object:
    return read_message(json.dumps(message).encode())


@given(st.sampled_from(["ACTIVE_ORDERS", "ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"]), st.data())
def test_types_are_read_in_any_case(kind: str, data: st.DataObject) -> None:
    letters = [data.draw(st.sampled_from([letter.lower(), letter])) for letter in kind]
    spaced = data.draw(st.sampled_from(["", " "])) + "".join(letters) + data.draw(st.sampled_from(["", "\n"]))
    assert (
        read(type=spaced, items=[ORDER], **ORDER)
        == {
            "ACTIVE_ORDERS": OrdersReplaced((READ,)),
            "ORDER_CREATED": OrderChanged(READ, created=True),
            "ORDER_MODIFIED": OrderChanged(READ),
            "ORDER_PAGED": OrderPaged(READ),
        }[kind]
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [("CLEARED", "cleared"), (" Cleared ", "cleared"), ("Started", "started"), ("LOCATED\n", "located"),
     ("Finished", "finished"), ("", ""), ("x" * 65, "x" * 64)],
)  # fmt: skip
def test_states_are_read_in_any_case(word: str, state: str) -> None:
    assert read(type="ORDER_MODIFIED", **{**ORDER, "state": word}) == OrderChanged(Order("a", "7", "TO_GO", "", state))
    unreadable = {**ORDER, "state": word, "paged": "?"}
    assert read(type="ACTIVE_ORDERS", items=[unreadable]) == OrdersReplaced(
        (), Unreadable() if state == "cleared" else Unreadable(frozenset("a"))
    )


@pytest.mark.parametrize(
    ("word", "order_type"),
    [("to_go", "TO_GO"), (" On_Premise", "ON_PREMISE"), ("Drone", "Drone"), ("", "")],
)
def test_order_types_are_read_in_any_case(word: str, order_type: str) -> None:
    assert read(type="ORDER_PAGED", **{**ORDER, "orderType": word}) == OrderPaged(Order("a", "7", order_type))


@pytest.mark.parametrize(
    "message",
    [{"count": 0}, {"count": 0, "items": None}, {"items": None}, {"count": "0"}, {"count": 0.0, "items": {}},
     {"count": None, "items": None}, {"count": -1, "items": None}, {"count": 0, "items": ""}, {"items": []},
     {"count": True, "items": []}, {"count": 1e400, "items": []}, {"count": "many", "items": []}],
)  # fmt: skip
def test_the_empty_set(message: dict[str, Any]) -> None:
    assert read(type="ACTIVE_ORDERS", **message) == OrdersReplaced(())


@pytest.mark.parametrize(
    "message",
    [{}, {"count": None}, {"count": "none"}, {"items": {}}, {"items": "[]", "count": 1}, {"items": {"a": ORDER}},
     {"items": ORDER, "count": 1}, {"items": 1}, {"count": [0]}],
)  # fmt: skip
def test_what_is_no_set(message: dict[str, Any]) -> None:
    assert read(type="ACTIVE_ORDERS", seq=4, **message) == MessageUnusable(4)


@pytest.mark.parametrize("count", [3, 3.0, "3", " 3 "])
@pytest.mark.parametrize(
    ("items", "unreadable"),
    [
        (None, Unreadable(unlisted=3)),
        ([], Unreadable(unlisted=3)),
        ([None], Unreadable(nameless=1, unlisted=2)),
        ([{"uuid": "b"}], Unreadable(frozenset("b"), 0, 2)),
        ([{"uuid": "b"}, 1, {**ORDER, "state": "cleared"}], Unreadable(frozenset("b"), 1)),
        ([{"uuid": "b"}] * 4, Unreadable(frozenset("b"))),
    ],
)
def test_a_count_that_is_larger_than_its_items_has_unreadable_orders(
    count: object, items: object, unreadable: Unreadable
) -> None:
    message = read(type="ACTIVE_ORDERS", count=count, items=items)
    assert isinstance(message, OrdersReplaced)
    assert message.unreadable == unreadable


def test_a_count_of_too_many_orders() -> None:
    assert read(type="ACTIVE_ORDERS", count=MOST_ORDERS, items=[ORDER]) == OrdersReplaced(
        (READ,), Unreadable(unlisted=MOST_ORDERS - 1)
    )
    for count in (MOST_ORDERS + 1, 1e300, 10**18, "9" * 20):
        with pytest.raises(TooLargeError):
            read(type="ACTIVE_ORDERS", count=count, items=[ORDER])
    assert read(type="ACTIVE_ORDERS", count="9" * 21, items=[]) == OrdersReplaced(())


@pytest.mark.parametrize(
    ("message", "mentions", "unspecific"),
    [
        ({"type": "ORDER_REMOVED", "uuid": "a"}, ("a",), False),
        ({"type": "order_removed", "uuid": 7}, (), False),
        ({"type": "ORDER_CLEARED", **ORDER}, ("a", "7", "started", "TO_GO"), False),
        ({"type": "ORDER_REMOVED", "order": {"uuid": "a"}}, ("a",), True),
        ({"type": "TRACKER_FREED", "order": ORDER}, ("a",), False),
        ({"type": "TRACKER_FREED", "of": {"order": {"id": "a"}}}, ("order", "id", "a"), False),
        ({"type": "FREED", "orders": {"a": {"state": "cleared"}, "b": 1}}, ("a", "b", "state", "cleared"), False),
        ({"type": "CLOSED", "items": [ORDER, {"uuid": None}, "b", ["c"]]}, ("a", "b", "c"), False),
        ({"type": "ORDERS_CLEARED"}, (), True),
        ({"type": "clearAll"}, (), True),
        ({"type": "FREED", "id": "urn:uuid:a-1"}, ("urn:uuid:a-1", "urn", "uuid", "a-1"), False),
        ({"type": "FREED", "path": "/v2/orders/a-1"}, ("/v2/orders/a-1", "v2", "orders", "a-1"), False),
        ({"type": "CLOSED", "seq": "8", "why": "x" * (LONGEST_UUID + 1)}, (), False),
    ],
)
def test_what_a_message_of_unknown_type_mentions(
    message: dict[str, Any], mentions: tuple[str, ...], unspecific: bool
) -> None:
    assert read(**message) == MessageIgnored(None, message["type"], mentions, unspecific)


def test_the_result_of_another_clients_call_is_no_error() -> None:
    result = {"status": 200, "returnCode": 1004, "message": "Order cleared."}
    assert read(**result) == Envelope(1004, "Order cleared.")
    assert read(**result, uuid="a", seq=5) == MessageIgnored(
        5, "returnCode 1004", ("Order cleared.", "Order", "cleared", "a")
    )
    assert read(**result, activeorder=ORDER) == MessageIgnored(
        None, "returnCode 1004", ("Order cleared.", "Order", "cleared", "a")
    )
    assert read(returnCode=-6, message="No.", uuid="a") == Envelope(-6, "No.")
    assert read(returnCode="?", uuid="a") == Envelope(None, "")


def test_a_message_of_unknown_type_is_searched_within_limits() -> None:
    message = read(type="CLOSED", items=[str(number) for number in range(10_000)])
    assert isinstance(message, MessageIgnored)
    assert message.mentions == tuple(map(str, range(MOST_MENTIONS - 1)))
    nested: Any = "deep"
    for _ in range(MOST_MENTIONS + 1):
        nested = [nested]
    assert read(type="CLOSED", items=nested) == MessageIgnored(None, "CLOSED")
