"""Totals of the active orders: counts, the oldest, and what is late. `now` is the monotonic clock in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.order_age import Held
from appliance.core.orders import OrderBook
from appliance.core.values import Benchmarks

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
    forgotten = index.older(benchmarks.forget_after, now)
    late = index.older(benchmarks.late_after - ROUNDING, now) - forgotten
    oldest = index.by_age[forgotten] if forgotten < len(index.by_age) else None
    return Summary(
        active=book.active,
        paged=index.paged,
        to_go=index.to_go,
        late=max(0, late),
        forgotten=forgotten,
        oldest=None if oldest is None else max(0.0, now - oldest.since),
        at_least=oldest is not None and (not oldest.exact or book.unreadable.count > 0),
        unreadable=book.unreadable.count,
    )


def oldest(book: OrderBook, benchmarks: Benchmarks, now: float, most: int) -> list[Held]:
    """The oldest orders, the oldest first, without forgotten ones."""
    first = book.index.begun_by(now - benchmarks.forget_after)
    return book.index.by_age[first : first + most]


def next_late(book: OrderBook, benchmarks: Benchmarks, now: float) -> float | None:
    """When the next order becomes late, or None."""
    due = now - benchmarks.late_after
    # Otherwise rounding could find the order again that became late just now.
    coming = book.index.begun_by(due + ROUNDING)
    return book.index.by_age[coming].since + benchmarks.late_after if coming < len(book.held) else None
