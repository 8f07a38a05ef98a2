"""What a gateway gone wrong can make the program take: less than the unit lets it have, whatever it sends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from appliance.core.limits import (
    LARGEST_MESSAGE,
    LARGEST_WIDE_MESSAGE,
    LARGEST_WIDEST_MESSAGE,
    LONGEST_TEXT,
    LONGEST_UUID,
    MOST_ORDERS,
    MOST_VALUES,
)
from tests.hostile.appliance_process import ROOT, running
from tests.hostile.scripted_websocket import Client, frame, speaking

UNIT = (ROOT / "systemd/tt-appliance.service").read_text()
MOST = float(re.findall(r"^MemoryMax=(\d+)M$", UNIT, re.M)[0])
"""Megabytes; past these the kernel ends it."""
EMPTY = frame(b'{"type": "ACTIVE_ORDERS", "count": 0, "items": []}')
ONE = frame(b'{"type": "ACTIVE_ORDERS", "count": 1, "items": [{"uuid": "1", "state": "started"}]}')


def a_set(orders: int, seed: int = 0) -> bytes:
    """So many orders as a gateway tells them."""
    random = Random(seed)
    items = [
        {"name": str(n % 999), "uuid": str(UUID(int=random.getrandbits(128))), "orderType": "ON_PREMISE"}
        | {"locationName": str(n % 90), "state": "located", "created": "2016-12-09T09:00:23"}
        | {"stateChanged": "2016-12-09T09:00:23", "paged": False, "elapsedTime": 0}
        for n in range(orders)
    ]
    return json.dumps({"type": "ACTIVE_ORDERS", "count": orders, "items": items}).encode()


def test_the_most_orders_are_counted_and_the_next_whole_set_fits_beside_them(tmp_path: Path) -> None:
    sets = [a_set(MOST_ORDERS, seed) for seed in range(3)]
    assert len(sets[0]) < LARGEST_WIDE_MESSAGE

    def script(client: Client) -> None:
        client.send(frame(sets[client.number % len(sets)]))
        # What can't be used makes the box look at the whole set once more, on a feed that comes beside the old one.
        client.send(frame(b"{}"))
        client.stay()

    with speaking(script) as speaker, running(speaker.address, tmp_path / "box") as box:
        box.wait(lambda line: line["active"] == MOST_ORDERS, 60)
        box.wait(lambda line: speaker.clients >= 3 and line["active"] == MOST_ORDERS, 90)
        print(f"100,000 orders, three times: {box.peak:.0f} MB at most")
        assert box.peak < MOST


def fill(piece: bytes, before: bytes = b"[", after: bytes = b"]", size: int = LARGEST_MESSAGE) -> bytes:
    """A message just within the limit."""
    times = (size - len(before) - len(after)) // len(piece)
    return before + (piece * times).removesuffix(b",") + after


ORDERS = b'{"type": "ACTIVE_ORDERS", "items": ['
FOOD, PIZZA = "\u98df", "\U0001f355"
"""Characters for which Python takes two bytes, and four."""
ESCAPED = {FOOD: rb"\u98df", PIZZA: rb"\ud83c\udf55"}
MANY = MOST_VALUES - 1000
HOSTILE: dict[str, Callable[[], bytes]] = {
    "lists": lambda: fill(b"[],"),
    "objects": lambda: fill(b'{"a":{}},'),
    "numbers": lambda: fill(b"12345,"),
    "one long text": lambda: fill(b"a", b'"', b'"'),
    "one wide text": lambda: fill(b"a", b'"' + FOOD.encode(), b'"', LARGEST_WIDE_MESSAGE),
    "one wide text with an escape": lambda: fill(b"a", b'"', ESCAPED[FOOD] + b'"', LARGEST_WIDE_MESSAGE),
    "one text of the widest": lambda: fill(b"a", b'"' + PIZZA.encode(), b'"', LARGEST_WIDEST_MESSAGE),
    "as many texts as are read": lambda: texts(b"", LARGEST_MESSAGE),
    "as many wide texts": lambda: texts(FOOD.encode(), LARGEST_WIDE_MESSAGE),
    "as many wide texts with an escape": lambda: texts(ESCAPED[FOOD], LARGEST_WIDE_MESSAGE),
    "nested": lambda: fill(b"[", b"", b""),
    "tiny orders": lambda: fill(b'{"uuid":"1","state":"s"},', ORDERS, b"]}"),
    "no orders": lambda: fill(b'{"uuid":1},', ORDERS, b"]}"),
    "the longest texts": lambda: long_orders(FOOD, LARGEST_WIDE_MESSAGE),
    "the longest texts of the widest": lambda: long_orders(PIZZA, LARGEST_WIDEST_MESSAGE),
    "as many keys as are read": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(MANY)) + b"}",
}


def texts(rare: bytes, size: int) -> bytes:
    """As many texts as are read, as long as they can be, each with a rare character."""
    more = b"a" * (size // MANY - len(b'"1234567",') - len(rare) - 1)
    return b"[" + b",".join(b'"%07d%s%s"' % (n, rare, more) for n in range(MANY)) + b"]"


def long_orders(rare: str, most: int) -> bytes:
    """As many orders with the longest texts that Python can hold of them as fit."""
    text = ("a" * (LONGEST_TEXT - 1)).join(("", rare))
    size, orders = 0, list[str]()
    while size < most - 1000:
        number = str(len(orders))
        order = {"uuid": number + rare + "a" * (LONGEST_UUID - 10), "state": "located"}
        orders.append(json.dumps({**order, "name": number + text, "locationName": text + number}, ensure_ascii=False))
        size += len(orders[-1].encode()) + 1
    return ORDERS + ",".join(orders).encode() + b"]}"


HEAVIEST = ("one wide text", "as many wide texts", "as many wide texts with an escape", "the longest texts")
CASES = [(kind, True) for kind in HOSTILE] + [(kind, False) for kind in HEAVIEST]


@pytest.mark.parametrize(
    ("kind", "first"), CASES, ids=[f"{kind}, {'first' if first else 'later'}" for kind, first in CASES]
)
def test_no_message_takes_more_than_there_is(tmp_path: Path, kind: str, first: bool) -> None:
    message = frame(HOSTILE[kind]())

    def script(client: Client) -> None:
        if client.number == 1:
            client.send(*((message, ONE) if first else (EMPTY, message)))
        else:
            client.send(ONE)
        client.stay()

    with speaking(script) as speaker, running(speaker.address, tmp_path / "box") as box:
        # What can't be used leads to a second look, and what is too much to a second feed, sooner or later.
        box.wait(lambda line: bool(line["active"]) or "can hold" in " ".join(line["screen"]), 60, since=0)
        print(f"{kind}: {box.peak:.0f} MB at most")
        assert box.peak < MOST


@pytest.mark.parametrize("kind", HEAVIEST)
def test_nor_beside_the_most_orders(tmp_path: Path, kind: str) -> None:
    """On the feed that comes beside the old one, while all that can be held is held."""
    most, message = frame(a_set(MOST_ORDERS)), frame(HOSTILE[kind]())

    def script(client: Client) -> None:
        # What can't be used makes the box look at the whole set once more.
        client.send(*((most, frame(b"{}")) if client.number == 1 else (message, ONE)))
        client.stay()

    with speaking(script) as speaker, running(speaker.address, tmp_path / "box") as box:
        box.wait(lambda line: line["active"] == MOST_ORDERS, 60, since=0)
        box.wait(lambda line: line["active"] == 1 or "can hold" in " ".join(line["screen"]), 60)
        print(f"{kind}, beside {MOST_ORDERS:,} orders: {box.peak:.0f} MB at most")
        assert box.peak < MOST
