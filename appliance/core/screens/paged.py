"""An order that was paged just now."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.limits import LONGEST_NAME
from appliance.core.states import Alert, Connected
from appliance.core.values import TO_GO, Order
from appliance.core.view import Paged

SHORT_NAME = 12
"""Characters of a tracker's number or a table in a row with other columns."""


def paged_screen(state: Connected, alert: Alert, active: int) -> Paged | None:
    """The screen of an alert; None if none of its orders is active any more. active: the count."""
    orders = [state.book.held[uuid].order for uuid in alert.uuids if uuid in state.book.held]
    if not orders:
        return None
    first = orders[0]
    more = texts.MORE_PAGED.format(count=len(orders) - 1) if len(orders) > 1 else ""
    rest = f"{active} {texts.orders(active)}"
    return Paged(legible(first.name), destination(first, LONGEST_NAME), more, rest)


def destination(order: Order, longest: int = SHORT_NAME) -> str:
    """An order's destination: a table, `to go`, or empty if unknown. longest: characters of the table's name."""
    if order.location:
        return texts.TABLE.format(name=legible(order.location, longest))
    return texts.TO_GO if order.order_type == TO_GO else ""
