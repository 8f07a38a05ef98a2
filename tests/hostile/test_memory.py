"""The memory of the program while a faulty gateway sends its worst: always less than the unit's MemoryMax.

Most cases wait for a timeout or for the pause before the program opens another feed, so several run at once.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
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
from appliance.core.reasons import TOO_MANY_ORDERS
from tests.hostile.appliance_process import UNIT, running
from tests.hostile.scripted_websocket import Client, frame, speaking

pytestmark = pytest.mark.release

MOST = float(re.findall(r"^MemoryMax=(\d+)M$", UNIT, re.M)[0])
"""Megabytes; the kernel kills a unit that takes more."""
AT_ONCE = 8
"""Programs that run side by side."""
WITHIN = 120.0
"""Timeout in seconds: on a slow machine, several programs at once take long."""
EMPTY = frame(b'{"type": "ACTIVE_ORDERS", "count": 0, "items": []}')
ONE = frame(b'{"type": "ACTIVE_ORDERS", "count": 1, "items": [{"uuid": "1", "state": "started"}]}')


def a_set(orders: int, seed: int = 0) -> bytes:
    """A whole set with this number of orders."""
    random = Random(seed)
    items = [
        {"name": str(n % 999), "uuid": str(UUID(int=random.getrandbits(128))), "orderType": "ON_PREMISE"}
        | {"locationName": str(n % 90), "state": "located", "created": "2016-12-09T09:00:23"}
        | {"stateChanged": "2016-12-09T09:00:23", "paged": False, "elapsedTime": 0}
        for n in range(orders)
    ]
    return json.dumps({"type": "ACTIVE_ORDERS", "count": orders, "items": items}).encode()


def test_the_largest_set_is_counted_and_its_refresh_fits_in_memory(tmp_path: Path) -> None:
    sets = [a_set(MOST_ORDERS, seed) for seed in range(3)]
    assert len(sets[0]) < LARGEST_WIDE_MESSAGE

    # The program closes a feed as soon as the whole set of the next one has replaced its orders.
    third = threading.Event()

    def script(client: Client) -> None:
        client.send(frame(sets[client.number % len(sets)]))
        # After a message that it can't use, the program opens a second feed for another whole set.
        client.send(frame(b"{}"))
        client.stay()
        if speaker.clients > client.number >= 2:
            third.set()

    with speaking(script) as speaker, running(speaker.address, tmp_path / "box") as box:
        box.wait(lambda line: line["active"] == MOST_ORDERS, WITHIN)
        assert third.wait(WITHIN), box.log[-2000:]
        box.wait(lambda line: line["active"] == MOST_ORDERS, WITHIN)
        assert speaker.clients >= 3
        print(f"100,000 orders, three times: {box.peak:.0f} MB at most")
        assert box.peak < MOST


def fill(piece: bytes, before: bytes = b"[", after: bytes = b"]", size: int = LARGEST_MESSAGE) -> bytes:
    """A message of the largest size that the program reads."""
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
    """The largest number of the longest texts, each with a rare character."""
    more = b"a" * (size // MANY - len(b'"1234567",') - len(rare) - 1)
    return b"[" + b",".join(b'"%07d%s%s"' % (n, rare, more) for n in range(MANY)) + b"]"


def long_orders(rare: str, most: int) -> bytes:
    """The largest number of orders whose texts take Python the most memory."""
    text = ("a" * (LONGEST_TEXT - 1)).join(("", rare))
    size, orders = 0, list[str]()
    while size < most - 1000:
        number = str(len(orders))
        order = {"uuid": number + rare + "a" * (LONGEST_UUID - 10), "state": "located"}
        orders.append(json.dumps({**order, "name": number + text, "locationName": text + number}, ensure_ascii=False))
        size += len(orders[-1].encode()) + 1
    return ORDERS + ",".join(orders).encode() + b"]}"


HEAVIEST = ("one wide text", "as many wide texts", "as many wide texts with an escape", "the longest texts")


def at_once(measure: Callable[[str, Path], str], kinds: Iterable[str], directory: Path) -> None:
    """Measure the program with each kind of message, several at once. Raises AssertionError."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        measures = [pool.submit(measure, kind, directory / str(number)) for number, kind in enumerate(kinds)]
    print("", *[done.result() for done in measures], sep="\n")


def measure(kind: str, directory: Path, first: tuple[bytes, ...], others: tuple[bytes, ...], orders: int = 0) -> str:
    """Send these messages on the first feed, and those on the others. Raises AssertionError.

    orders: how many the program has to show before the message counts.
    """

    def script(client: Client) -> None:
        client.send(*(first if client.number == 1 else others))
        client.stay()

    with speaking(script) as speaker, running(speaker.address, directory) as box:
        since = 0
        if orders:
            box.wait(lambda line: line["active"] == orders, WITHIN, since)
            since = len(box.lines) - 1
        # After an unusable message the program opens a second feed, and after one that is too large a new one.
        box.wait(
            lambda line: line["active"] == 1 or (line["active"] and not orders) or line["reason"] == TOO_MANY_ORDERS,
            WITHIN,
            since,
        )
        peak = box.peak
    assert peak < MOST, f"{kind}: {peak:.0f} MB"
    return f"{kind:40s} {peak:.0f} MB at most"


def test_no_first_message_exceeds_the_memory_limit(tmp_path: Path) -> None:
    at_once(lambda kind, box: measure(kind, box, (frame(HOSTILE[kind]()), ONE), (ONE,)), HOSTILE, tmp_path)


def test_no_later_message_exceeds_the_memory_limit(tmp_path: Path) -> None:
    at_once(lambda kind, box: measure(kind, box, (EMPTY, frame(HOSTILE[kind]())), (ONE,)), HEAVIEST, tmp_path)


def test_no_message_beside_the_largest_set_exceeds_the_memory_limit(tmp_path: Path) -> None:
    """On a second feed, which the program opens while it holds as many orders as it can."""
    most = frame(a_set(MOST_ORDERS))

    def beside(kind: str, box: Path) -> str:
        return measure(kind, box, (most, frame(b"{}")), (frame(HOSTILE[kind]()), ONE), MOST_ORDERS)

    at_once(beside, HEAVIEST, tmp_path)
