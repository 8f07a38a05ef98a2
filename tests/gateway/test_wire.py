"""Parsing the gateway's JSON: the documented samples verbatim, and malformed or unusual input."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from appliance.core.limits import LONGEST_TEXT, LONGEST_TOKEN, LONGEST_UUID, MOST_ORDERS, MOST_VALUES
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.values import Order, Token, Unreadable
from appliance.gateway import wire as module
from appliance.gateway.order_json import read_order
from appliance.gateway.wire import Envelope, TooLargeError, decode, read_envelope, read_message, read_token

ACTIVE = """
{"type": "ACTIVE_ORDERS", "count": 1, "items": [
  {"name": "102", "uuid": "f8853c42-3c10-4636-81e3-a3aeb65d9219", "orderType": "ON_PREMISE", "locationName": "",
   "state": "started", "created": "2016-09-22T19:08:52", "stateChanged": "2016-09-22T19:08:52", "paged": false,
   "elapsedTime": 0}]}"""
CREATED = """
{"type": "ORDER_CREATED", "seq": 84, "name": "23", "uuid": "ac3efe43-c9ac-4a4d-8ea5-38bd816ec52f",
 "orderType": "ON_PREMISE", "locationName": "8", "state": "located", "created": "2016-12-09T09:00:23",
 "stateChanged": "2016-12-09T09:00:23", "paged": false, "elapsedTime": 0}"""
TOKEN = """
{"status": 201, "returnCode": 2,
 "token": {"name": "default", "token": "2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186",
           "creation_date": "2016-12-24T08:04:34", "last_used": null, "ip_address": null}}"""
EPOCH = datetime(2000, 1, 1)


def read(text: str | bytes) -> Notification | Envelope:
    return read_message(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def decoded(text: str) -> Any:
    return decode(text.encode())


def seconds(text: str) -> float:
    return (datetime.fromisoformat(text) - EPOCH).total_seconds()


ORDER_102 = Order(
    uuid="f8853c42-3c10-4636-81e3-a3aeb65d9219",
    name="102",
    order_type="ON_PREMISE",
    created=seconds("2016-09-22T19:08:52"),
    changed=seconds("2016-09-22T19:08:52"),
    elapsed=0.0,
)
ORDER_23 = Order(
    uuid="ac3efe43-c9ac-4a4d-8ea5-38bd816ec52f",
    name="23",
    order_type="ON_PREMISE",
    location="8",
    state="located",
    created=seconds("2016-12-09T09:00:23"),
    changed=seconds("2016-12-09T09:00:23"),
    elapsed=0.0,
)


def test_the_documented_samples_are_parsed() -> None:
    assert read(ACTIVE) == OrdersReplaced((ORDER_102,))
    assert read(CREATED) == OrderChanged(ORDER_23, created=True, seq=84)
    assert read_message(CREATED.encode()) == read(CREATED)
    assert read(CREATED.replace("CREATED", "MODIFIED")) == OrderChanged(ORDER_23, created=False, seq=84)
    assert read(CREATED.replace("CREATED", "PAGED")) == OrderPaged(ORDER_23, seq=84)
    token = read_token(decoded(TOKEN))
    assert token == Token("2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186")
    assert read_envelope(decoded(TOKEN)) == Envelope(2, "")
    window = {"status": 403, "returnCode": -3, "message": "Time window expired or gateway button not pressed."}
    assert read_envelope(window) == Envelope(-3, "Time window expired or gateway button not pressed.")


UNHASHABLE: list[Any] = [[], {}, ["ORDER_PAGED"]]


@pytest.mark.parametrize("kind", [None, 7, True, 1.5, *UNHASHABLE])
def test_an_invalid_type_is_unusable_but_its_seq_counts(kind: object) -> None:
    assert read(json.dumps({"type": kind, "seq": 9})) == MessageUnusable(9)


def test_seq_is_read_from_otherwise_invalid_messages() -> None:
    assert read('{"type": "TRACKER_BATTERY_LOW", "seq": 5}') == MessageIgnored(5, "TRACKER_BATTERY_LOW")
    assert read('{"type": "ORDER_PAGED", "seq": 6, "uuid": 17}') == MessageUnusable(6)
    assert read('{"type": "ACTIVE_ORDERS", "seq": 7}') == MessageUnusable(7)
    assert read('{"seq": 8}') == MessageUnusable(8)
    for seq in ("true", "8.0", '"8"', "null", "[8]", "NaN"):
        assert read(f'{{"type": "NEW", "seq": {seq}}}') == MessageIgnored(None, "NEW")
    assert read(f'{{"type": "NEW", "seq": {10**400}}}') == MessageIgnored(10**400, "NEW")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        '{"type": "ORDER_CREATED", "seq": ',
        "[" * 1_000_000,
        '{"a":' * 500_000,
        "1" * 10_000,
        '{"seq": %s}' % ("9" * 10_000),
        "null",
        "[]",
        "NaN",
        "-Infinity",
        '"\\ud800"',
        "\ufeff{}",
        b"\xff\xfe",
        b"\x00\x01\x02",
        b"\x80" * 100,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_invalid_messages_are_unusable(text: str | bytes) -> None:
    assert read(text) == MessageUnusable()


def test_an_error_message_is_parsed() -> None:
    assert read('{"status": 401, "returnCode": -2, "message": "No."}') == Envelope(-2, "No.")
    assert read('{"returnCode": "x", "message": 7}') == Envelope(None, "")


def test_unreadable_orders_of_a_set_are_counted_and_the_others_kept() -> None:
    good: dict[str, object] = {"uuid": "a", "state": "started"}
    nameless: list[object] = [None, [], "x", {}, *({**good, "uuid": uuid} for uuid in ("", 17, None, "u" * 200))]
    named: list[object] = [{**good, "uuid": "c", "state": None}, {**good, "uuid": "d", "paged": "no"}, {"uuid": "e"}]
    message = {"type": "ACTIVE_ORDERS", "items": [nameless[0], good, *nameless, *named, {**good, "uuid": "b"}]}
    unreadable = Unreadable(frozenset("cde"), len(nameless) + 1)
    assert unreadable.count == 12
    assert read(json.dumps(message)) == OrdersReplaced((Order("a"), Order("b")), unreadable)


def test_an_unreadable_order_counts_once_per_uuid() -> None:
    order = {"uuid": "a", "state": "started"}
    cases: list[tuple[list[object], Unreadable]] = [
        ([order, {**order, "paged": "no"}], Unreadable()),
        ([{**order, "uuid": "b", "paged": "no"}, {**order, "uuid": "b", "state": 3}], Unreadable(frozenset("b"))),
        ([{"uuid": 17, "state": "cleared"}, {**order, "uuid": "b", "paged": "no", "state": "cleared"}], Unreadable()),
        ([{"state": "cleared"}, {"state": "started"}], Unreadable(nameless=1)),
    ]
    for items, unreadable in cases:
        message = read(json.dumps({"type": "ACTIVE_ORDERS", "items": items}))
        assert isinstance(message, OrdersReplaced)
        assert message.unreadable == unreadable


def test_orders_beyond_the_limit_are_not_kept() -> None:
    order = {"uuid": "1", "state": "s"}
    most: list[object] = [order] * MOST_ORDERS
    message = read(json.dumps({"type": "ACTIVE_ORDERS", "items": most}))
    assert isinstance(message, OrdersReplaced)
    assert len(message.orders) == MOST_ORDERS
    one_more: list[object] = [order, {**order, "type": "a newer gateway's word"}, []]
    for item in one_more:
        with pytest.raises(TooLargeError):
            read(json.dumps({"type": "ACTIVE_ORDERS", "items": [*most, item]}))


@pytest.mark.parametrize("value", ["[]", "{}", "0", '""', '{"":{}}'])
def test_json_with_too_many_values_is_rejected(value: str) -> None:
    with pytest.raises(TooLargeError):
        decode(b"[" + b",".join([value.encode()] * (MOST_VALUES + 1)) + b"]")


def test_text_with_wide_characters_has_a_smaller_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_WIDE_MESSAGE", 100)
    assert decoded('"' + "a" * 200 + '"') == "a" * 200
    assert decoded('"' + "a" * 90 + '🍕"') == "a" * 90 + "🍕"
    with pytest.raises(TooLargeError):
        decoded('"' + "a" * 97 + 'é"')
    with pytest.raises(TooLargeError):
        decoded('"' + "a" * 97 + '\\u00e9"')


@pytest.mark.parametrize("pizza", ["🍕", r"\ud83c\udf55", r"\uD83C\uDF55"])
def test_text_with_4_byte_characters_has_the_smallest_limit(monkeypatch: pytest.MonkeyPatch, pizza: str) -> None:
    monkeypatch.setattr(module, "LARGEST_WIDEST_MESSAGE", 100)
    assert decoded('"' + "a" * 200 + 'é食\\u98df"') == "a" * 200 + "é食食"
    assert decoded('"' + "a" * 80 + pizza + '"') == "a" * 80 + "🍕"
    with pytest.raises(TooLargeError):
        decoded('"' + "a" * 97 + pizza + '"')


def test_long_texts_are_cut_but_not_uuids() -> None:
    text = "🍕" * 1000
    order = read_order({"uuid": "u", "name": text, "locationName": text, "orderType": text, "state": text})
    assert order is not None
    assert {len(part) for part in (order.name, order.location, order.order_type, order.state)} == {LONGEST_TEXT}
    assert read_order({"uuid": "u" * LONGEST_UUID, "state": "started"}) is not None
    assert read_order({"uuid": "u" * (LONGEST_UUID + 1), "state": "started"}) is None


def test_lone_surrogates_are_kept() -> None:
    order = read_order(decoded('{"uuid": "\\ud800", "state": "\\udfff", "name": "\\ud83d", "created": "2016\\ud800"}'))
    assert order == Order("\ud800", "\ud83d", state="\udfff")


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2016-09-22T19:08:52", seconds("2016-09-22T19:08:52")),
        ("2016-09-22T19:08:52.250", seconds("2016-09-22T19:08:52") + 0.25),
        ("2016-09-22T19:08:52Z", seconds("2016-09-22T19:08:52")),
        ("2016-09-22T19:08:52+02:00", seconds("2016-09-22T19:08:52")),
        ("0001-01-01T00:00:00", seconds("0001-01-01T00:00:00")),
        ("9999-12-31T23:59:59+23:59", seconds("9999-12-31T23:59:59")),
        ("2016-02-30T00:00:00", None),
        ("yesterday", None),
        ("2016-09-22T19:08:52.25000000000000+02:00", seconds("2016-09-22T19:08:52") + 0.25),
        ("2016-09-22T19:08:52.250000000000000+02:00", None),
        ("2016-09-22T19:08:52" + " " * 100, None),
        ("", None),
        (1474571332, None),
        (False, None),
    ],
)
def test_times_are_parsed(value: object, time: float | None) -> None:
    order = read_order({"uuid": "a", "state": "started", "created": value, "stateChanged": value})
    assert order is not None
    assert (order.created, order.changed) == (time, time)


@pytest.mark.parametrize(
    ("value", "elapsed"),
    [
        (0, 0.0),
        (431, 431.0),
        (1.5, 1.5),
        (-3, 0.0),
        (10**9 - 1, 999_999_999.0),
        (10**9, None),
        (-(10**9), None),
        (10**400, None),
        (-(10**400), None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("9", None),
        (None, None),
    ],
)
def test_elapsed_times_are_parsed(value: object, elapsed: float | None) -> None:
    order = read_order({"uuid": "a", "state": "started", "elapsedTime": value})
    assert order is not None
    assert order.elapsed == elapsed


@pytest.mark.parametrize("text", ["", "a b", "a\n", "a\r\nHost: x", "ä", "a" * (LONGEST_TOKEN + 1), None, 7, ["a"]])
def test_tokens_that_cannot_be_sent_in_a_header_are_rejected(text: object) -> None:
    assert read_token({"token": {"token": text}}) is None


def test_a_token_of_maximum_length_is_accepted() -> None:
    assert read_token({"token": {"token": "a" * LONGEST_TOKEN}}) == Token("a" * LONGEST_TOKEN)


def test_json_of_just_as_many_values_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 5)
    assert decoded("[0,0,0,0,0]") == [0] * 5
    assert decoded('[[],{"a":0}]') == [[], {"a": 0}]
    with pytest.raises(TooLargeError):
        decoded("[0,0,0,0,0,0]")


def test_text_of_just_the_largest_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_WIDE_MESSAGE", 100)
    assert len(decoded('"' + "a" * 96 + 'é"')) == 97, "100 bytes"
    monkeypatch.setattr(module, "LARGEST_WIDEST_MESSAGE", 90)
    assert len(decoded('"' + "a" * 84 + '🍕"')) == 85, "90 bytes"
    with pytest.raises(TooLargeError):
        decoded('"' + "a" * 85 + '🍕"')
