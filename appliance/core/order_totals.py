"""Totals of the active orders: counts, the oldest, and what is late. `now` is the monotonic clock in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.order_age import Held
from appliance.core.order_index import begun_by, older
from appliance.core.orders import OrderBook
from appliance.core.values import TO_GO, Benchmarks, ToGoBenchmarks

ROUNDING = 1e-6
"""Seconds: far more than the rounding of a monotonic time, and far less than anyone notices."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a book. Ages are in seconds.

    late, oldest: without forgotten orders. forgotten: orders older than `forget_after`, which count as active and raise
    no alarm. to_go: includes forgotten orders. unreadable: orders that count as active only. at_least: the oldest age
    is a lower bound, as it is beside an unreadable order.
    """

    active: int
    paged: int
    to_go: int
    late: int
    forgotten: int
    oldest: float | None
    at_least: bool
    unreadable: int = 0


def summary(book: OrderBook, benchmarks: Benchmarks, now: float) -> Summary:
    """The totals at `now`."""
    index = book.index
    forgotten = older(index.by_age, benchmarks.forget_after, now)
    late = sum(older(by_age, late_after - ROUNDING, now) for by_age, late_after in _kinds(book, benchmarks))
    oldest = index.by_age[forgotten] if forgotten < len(index.by_age) else None
    return Summary(
        active=book.active,
        paged=index.paged,
        to_go=index.to_go,
        late=max(0, late - forgotten),
        forgotten=forgotten,
        oldest=None if oldest is None else max(0.0, now - oldest.since),
        at_least=oldest is not None and (not oldest.exact or book.unreadable.count > 0),
        unreadable=book.unreadable.count,
    )


def _kinds(book: OrderBook, benchmarks: Benchmarks) -> Iterator[tuple[list[Held], float]]:
    """The orders of each kind by age, and the age at which one is late; without times to go, all are of one kind."""
    if benchmarks.to_go == ToGoBenchmarks():
        yield book.index.by_age, benchmarks.late_after
        return
    on_premise, to_go = book.cache.kinds(book.held)
    yield on_premise, benchmarks.late_after
    yield to_go, benchmarks.late_after_of(TO_GO)


def oldest(book: OrderBook, benchmarks: Benchmarks, now: float, most: int) -> list[Held]:
    """The oldest orders, the oldest first, without forgotten ones."""
    first = begun_by(book.index.by_age, now - benchmarks.forget_after)
    return book.index.by_age[first : first + most]


def oldest_of_each_kind(book: OrderBook, benchmarks: Benchmarks, now: float) -> list[Held]:
    """The oldest order of each kind of `_kinds`, without forgotten ones."""
    found: list[Held] = []
    for by_age, _ in _kinds(book, benchmarks):
        first = older(by_age, benchmarks.forget_after, now)
        found += by_age[first : first + 1]
    return found


def next_late(book: OrderBook, benchmarks: Benchmarks, now: float) -> float | None:
    """When the next order becomes late, or None."""
    coming: list[float] = []
    for by_age, late_after in _kinds(book, benchmarks):
        # Otherwise rounding could find the order again that became late just now.
        at = begun_by(by_age, now - late_after + ROUNDING)
        coming += [held.since + late_after for held in by_age[at : at + 1]]
    return min(coming, default=None)


def late_between(book: OrderBook, benchmarks: Benchmarks, first: float, last: float) -> list[Held]:
    """The orders that became late from the first moment to the last, both included."""
    found: list[Held] = []
    for by_age, late_after in _kinds(book, benchmarks):
        begin, end = first - late_after - ROUNDING, last - late_after + ROUNDING
        found += by_age[begun_by(by_age, begin) : begun_by(by_age, end)]
    return found
