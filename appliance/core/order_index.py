"""The active orders by age, and counts of them, computed once for each set of orders: there may be 100,000."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from appliance.core.order_age import Held
from appliance.core.values import TO_GO

_since = attrgetter("since")


@dataclass(frozen=True, slots=True)
class OrderIndex:
    """by_age: the orders, the oldest first. paged, to_go: how many there are of them."""

    by_age: list[Held]
    paged: int
    to_go: int


def older(by_age: list[Held], age: float, now: float) -> int:
    """How many orders have at least this age in seconds; they are the first ones. now: the monotonic clock."""
    return bisect_right(by_age, -age, key=lambda held: -(now - held.since))


def begun_by(by_age: list[Held], moment: float) -> int:
    """How many orders began at this monotonic moment or earlier; they are the first ones."""
    return bisect_right(by_age, moment, key=_since)


class IndexCache:
    """The index of the orders that it was last asked for. It only spares computing it again, and decides nothing."""

    __slots__ = ("_held", "_index", "_kinds")

    def __init__(self) -> None:
        self._held: Mapping[str, Held] | None = None
        self._index = OrderIndex([], 0, 0)
        self._kinds: tuple[list[Held], list[Held]] | None = None

    def of(self, held: Mapping[str, Held]) -> OrderIndex:
        """The index of orders by uuid, which nobody changes any more."""
        if self._held is not held:
            orders = [each.order for each in held.values()]
            self._index = OrderIndex(
                by_age=sorted(held.values(), key=_since),
                paged=sum([order.paged for order in orders]),
                to_go=[order.order_type for order in orders].count(TO_GO),
            )
            self._held, self._kinds = held, None
        return self._index

    def kinds(self, held: Mapping[str, Held]) -> tuple[list[Held], list[Held]]:
        """The orders on the premises and those to go, the oldest first, computed at the first use: few need it."""
        by_age = self.of(held).by_age
        if self._kinds is None:
            to_go = [each for each in by_age if each.order.order_type == TO_GO]
            self._kinds = [each for each in by_age if each.order.order_type != TO_GO], to_go
        return self._kinds
