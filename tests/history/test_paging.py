"""The reading of a list that changes while it is read: random arrivals and purges, in either order of the list."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.history.paging import MAX_RETREATS, OVERLAP, Mark, Paging, UnstableListError


class Shelf:
    """A list of orders as a gateway might keep it. gives: orders of a page at the most."""

    def __init__(self, orders: int, gives: int = 100) -> None:
        self._numbers = count()
        self.list = [self._new() for _ in range(orders)]
        self.gives = gives
        self.asked: list[int] = []

    def _new(self) -> str:
        return f"order {next(self._numbers)}"

    def page(self, offset: int) -> list[str]:
        self.asked.append(offset)
        return self.list[offset : offset + min(100, self.gives)]

    def change(self, what: tuple[str, float, int]) -> None:
        """Put some in, or purge some, at a part of the list's length."""
        kind, where, many = what
        at = int(where * len(self.list))
        if kind == "put":
            self.list[at:at] = [self._new() for _ in range(many)]
        else:
            del self.list[at : at + many]


def read(shelf: Shelf, changed: Callable[[], None], paging: Paging | None = None) -> set[str]:
    """Read it to the end; it is changed before each page but the first."""
    found: set[str] = set()
    paging = paging or Paging()
    while not paging.done:
        page = shelf.page(paging.offset)
        found |= set(page)
        paging.take(page)
        changed()
    return found


changes = st.tuples(
    st.sampled_from(("put", "purge")), st.sampled_from((0.0, 1.0)) | st.floats(0, 1), st.integers(0, 60)
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 900), st.sampled_from((100, 100, 25, 7)), st.lists(st.lists(changes, max_size=3), max_size=40))
def test_what_is_there_from_the_first_page_to_the_last_is_read(
    orders: int, gives: int, happenings: list[list[tuple[str, float, int]]]
) -> None:
    shelf = Shelf(orders, gives)
    lasting = set(shelf.list)
    coming = iter(happenings)

    def changed() -> None:
        for what in next(coming, []):
            shelf.change(what)
        lasting.intersection_update(shelf.list)

    try:
        found = read(shelf, changed)
    except UnstableListError:
        pytest.fail("the reading did not end, although the list stopped changing")
    assert lasting <= found


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 900), st.integers(1, 8), st.lists(changes, max_size=6))
def test_broken_off_and_gone_on_with_later_it_still_loses_nothing(
    orders: int, pages: int, meanwhile: list[tuple[str, float, int]]
) -> None:
    shelf = Shelf(orders)
    lasting = set(shelf.list)
    paging, found = Paging(), set[str]()
    for _ in range(pages):
        if paging.done:
            break
        page = shelf.page(paging.offset)
        found |= set(page)
        paging.take(page)
    for what in meanwhile:
        shelf.change(what)
    lasting.intersection_update(shelf.list)
    if not paging.done:
        found |= read(shelf, lambda: None, Paging(paging.mark))
    assert lasting <= found


@pytest.mark.parametrize("orders", [0, 1, 2, 99, 100, 101, 190, 1000])
def test_a_list_at_rest_takes_hardly_more_pages_than_it_has(orders: int) -> None:
    shelf = Shelf(orders)
    assert read(shelf, lambda: None) == set(shelf.list)
    assert len(shelf.asked) <= 2 + orders // (100 - OVERLAP)
    assert shelf.asked == sorted(shelf.asked)


def test_a_gateway_for_which_the_offset_means_nothing_is_not_asked_for_ever() -> None:
    paging = Paging()

    def read_on() -> None:
        for _ in range(300):
            paging.take([str(number) for number in range(100)])

    with pytest.raises(UnstableListError):
        read_on()


def test_it_goes_on_where_it_broke_off() -> None:
    shelf = Shelf(1000)
    first = Paging()
    for _ in range(5):
        first.take(shelf.page(first.offset))
    shelf.asked.clear()
    read(shelf, lambda: None, Paging(first.mark))
    assert shelf.asked[0] == first.offset == 450


def test_a_place_that_is_gone_is_looked_for_from_the_beginning() -> None:
    shelf = Shelf(300)
    assert read(shelf, lambda: None, Paging(Mark(5000, ("gone",)))) == set(shelf.list)


def test_an_offset_that_the_gateway_refuses_is_one_behind_the_end() -> None:
    paging = Paging(Mark(500, ("x",)))
    paging.refused()
    assert paging.offset == 400
    paging.refused()
    paging.refused()
    assert (paging.offset, paging.done) == (0, False)
    paging.refused()
    assert paging.done


@pytest.mark.parametrize("where", [0.0, 1.0])
def test_a_list_that_grows_as_fast_as_it_is_read_comes_to_an_end(where: float) -> None:
    shelf = Shelf(500)
    first = set(shelf.list)
    assert first <= read(shelf, lambda: shelf.change(("put", where, 7)))
    assert len(shelf.asked) < 15


def test_a_list_that_never_rests_is_given_up() -> None:
    paging = Paging()
    pages = count()

    def read_on() -> None:
        for _ in range(10 * MAX_RETREATS):
            paging.take([f"{next(pages)} {number}" for number in range(100)])

    with pytest.raises(UnstableListError):
        read_on()


def test_entries_that_can_not_be_read_take_their_place_all_the_same() -> None:
    shelf = Shelf(300)
    shelf.list[50:60] = [""] * 10
    assert read(shelf, lambda: None) == set(shelf.list)
