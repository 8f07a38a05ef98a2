"""Orders that were paged just now: one after the other, so that each number is read before the count comes back."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.alerts import PAGE_SHOWS
from appliance.core.formatting import legible
from appliance.core.limits import LONGEST_NAME
from appliance.core.states import Alert, Connected
from appliance.core.values import TO_GO, Order
from appliance.core.view import Paged

SHORT_NAME = 12
"""Characters of a tracker's number or a table in a row with other columns."""
READ_TIME = 2.0
"""The least seconds for which a number is shown: a cook looks up, and reads it."""
MOST_AT_ONCE = 3
"""Numbers that are legible beside each other."""


def paged_screen(state: Connected, alert: Alert, active: int, now: float) -> tuple[Paged, float] | None:
    """The screen of an alert, and until when it holds; None if none of its orders is active any more.

    active: the count. More orders than there is time for share a screen.
    """
    orders = [state.book.held[uuid].order for uuid in alert.uuids if uuid in state.book.held]
    if not orders:
        return None
    turns = int(PAGE_SHOWS / READ_TIME)
    size = min(MOST_AT_ONCE, math.ceil(len(orders) / turns))
    groups = [orders[at : at + size] for at in range(0, min(len(orders), turns * size), size)]
    each = PAGE_SHOWS / len(groups)
    following = min(len(groups) - 1, max(0, math.ceil((alert.until - now) / each) - 1))
    shown = groups[len(groups) - 1 - following]
    others = len(orders) - len(shown)
    paged = Paged(
        tracker=" ".join(legible(order.name, LONGEST_NAME if len(shown) == 1 else SHORT_NAME) for order in shown),
        place=destination(shown[0], LONGEST_NAME) if len(shown) == 1 else "",
        more=texts.MORE_PAGED.format(count=others) if others else "",
        rest=f"{active} {texts.orders(active)}",
        noun=texts.TRACKER if len(shown) == 1 else texts.TRACKERS,
    )
    return paged, alert.until - following * each


def destination(order: Order, longest: int = SHORT_NAME) -> str:
    """An order's destination: a table, `to go`, or empty if unknown. longest: characters of the table's name."""
    if order.location:
        return texts.TABLE.format(name=legible(order.location, longest))
    return texts.TO_GO if order.order_type == TO_GO else ""
