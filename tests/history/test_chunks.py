"""Reading a list in chunks while orders arrive and are purged at random, for either sort order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.history.chunks import MAX_RETREATS, OVERLAP, ChunkedReading, Mark, UnstableListError


class OrderList:
    """A list of orders like a gateway's. chunk_size: the most orders in a chunk."""

    def __init__(self, orders: int, chunk_size: int = 100) -> None:
        self._numbers = count()
        self.list = [self._new() for _ in range(orders)]
        self.chunk_size = chunk_size
        self.requests: list[int] = []

    def _new(self) -> str:
        return f"order {next(self._numbers)}"

    def chunk(self, offset: int) -> list[str]:
        self.requests.append(offset)
        return self.list[offset : offset + min(100, self.chunk_size)]

    def change(self, what: tuple[str, float, int]) -> None:
        """Insert or purge some orders. what: kind, position as a share of the list's length, and number."""
        kind, where, many = what
        at = int(where * len(self.list))
        if kind == "insert":
            self.list[at:at] = [self._new() for _ in range(many)]
        else:
            del self.list[at : at + many]


def read(listing: OrderList, changed: Callable[[], None], reading: ChunkedReading | None = None) -> set[str]:
    """Read the list to its end, and change it after each chunk."""
    found: set[str] = set()
    reading = reading or ChunkedReading()
    while not reading.done:
        chunk = listing.chunk(reading.offset)
        found |= set(chunk)
        reading.take(chunk)
        changed()
    return found


changes = st.tuples(
    st.sampled_from(("insert", "purge")), st.sampled_from((0.0, 1.0)) | st.floats(0, 1), st.integers(0, 60)
)


@settings(suppress_health_check=list(HealthCheck))
@given(st.integers(0, 900), st.sampled_from((100, 100, 25, 7)), st.lists(st.lists(changes, max_size=3), max_size=40))
def test_a_reading_finds_every_order_that_stays_in_the_list(
    orders: int, chunk_size: int, changes_per_chunk: list[list[tuple[str, float, int]]]
) -> None:
    listing = OrderList(orders, chunk_size)
    lasting = set(listing.list)
    coming = iter(changes_per_chunk)

    def changed() -> None:
        for what in next(coming, []):
            listing.change(what)
        lasting.intersection_update(listing.list)

    try:
        found = read(listing, changed)
    except UnstableListError:
        pytest.fail("the reading did not end, although the list stopped changing")
    assert lasting <= found


@settings(suppress_health_check=list(HealthCheck))
@given(st.integers(0, 900), st.integers(1, 8), st.lists(changes, max_size=6))
def test_an_interrupted_reading_resumes_without_a_loss(
    orders: int, chunks: int, meanwhile: list[tuple[str, float, int]]
) -> None:
    listing = OrderList(orders)
    lasting = set(listing.list)
    reading, found = ChunkedReading(), set[str]()
    for _ in range(chunks):
        if reading.done:
            break
        chunk = listing.chunk(reading.offset)
        found |= set(chunk)
        reading.take(chunk)
    for what in meanwhile:
        listing.change(what)
    lasting.intersection_update(listing.list)
    if not reading.done:
        found |= read(listing, lambda: None, ChunkedReading(reading.mark))
    assert lasting <= found


@pytest.mark.parametrize("orders", [0, 1, 2, 99, 100, 101, 190, 1000])
def test_an_unchanged_list_needs_few_extra_chunks(orders: int) -> None:
    listing = OrderList(orders)
    assert read(listing, lambda: None) == set(listing.list)
    assert len(listing.requests) <= 2 + orders // (100 - OVERLAP)
    assert listing.requests == sorted(listing.requests)


def test_a_gateway_that_ignores_the_offset_ends_the_reading() -> None:
    reading = ChunkedReading()

    def read_further() -> None:
        for _ in range(300):
            reading.take([str(number) for number in range(100)])

    with pytest.raises(UnstableListError):
        read_further()


def test_a_reading_resumes_at_its_mark() -> None:
    listing = OrderList(1000)
    first = ChunkedReading()
    for _ in range(5):
        first.take(listing.chunk(first.offset))
    listing.requests.clear()
    read(listing, lambda: None, ChunkedReading(first.mark))
    assert listing.requests[0] == first.offset == 450


def test_a_missing_mark_restarts_the_reading() -> None:
    listing = OrderList(300)
    assert read(listing, lambda: None, ChunkedReading(Mark(5000, ("gone",)))) == set(listing.list)


def test_a_refused_offset_makes_the_reading_go_back() -> None:
    reading = ChunkedReading(Mark(500, ("x",)))
    reading.refused()
    assert reading.offset == 400
    reading.refused()
    reading.refused()
    assert (reading.offset, reading.done) == (0, False)
    reading.refused()
    assert reading.done


@pytest.mark.parametrize("where", [0.0, 1.0])
def test_the_reading_of_a_growing_list_ends(where: float) -> None:
    listing = OrderList(500)
    first = set(listing.list)
    assert first <= read(listing, lambda: listing.change(("insert", where, 7)))
    assert len(listing.requests) < 15


def test_the_reading_of_an_unstable_list_fails() -> None:
    reading = ChunkedReading()
    chunks = count()

    def read_further() -> None:
        for _ in range(10 * MAX_RETREATS):
            reading.take([f"{next(chunks)} {number}" for number in range(100)])

    with pytest.raises(UnstableListError):
        read_further()


def test_unreadable_entries_count_for_the_offset() -> None:
    listing = OrderList(300)
    listing.list[50:60] = [""] * 10
    assert read(listing, lambda: None) == set(listing.list)
