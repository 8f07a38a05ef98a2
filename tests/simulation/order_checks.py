"""Checks the count and the ages of orders against the messages that were delivered to the box, and against the truth.

Owns what the screen may show for a live feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.core.gateway_clock import LONGEST_QUIET, SAME_TIME
from appliance.core.reasons import TOKEN_REFUSED, TOO_MANY_ORDERS
from appliance.core.states import Connected
from appliance.core.texts import COUNT_IN_DOUBT
from appliance.core.view import Count, View
from tests.simulation.client_connection import ClientConnection

if TYPE_CHECKING:
    from tests.simulation.invariants import InvariantChecker

HEARD_WITHIN, FULL_SET_WITHIN = 30.0, 300.0
"""Seconds: maximum age of the last byte, and of the last full set, of a feed that the screen counts from."""
DOUBTED_WITHIN = 15.0
"""Seconds from the suspected end of an order until a full set settles it, or the display says that the count may be
wrong."""
AGE_TOLERANCE = LONGEST_QUIET + SAME_TIME
"""Seconds by which an order may be shown older than it is."""


class OrderChecker:
    """Part of the checker. has_orders: whether the box knows orders of its gateway from before.

    ages_are_known: whether it can tell the age of all orders; a box without orders can't tell those that are old from a
    clock that jumped since they began.
    """

    def __init__(self, checker: InvariantChecker) -> None:
        self.checker = checker
        self.has_orders = False
        self.ages_are_known = True

    def on_boot(self) -> None:
        """A new process starts without orders."""
        self.has_orders = False

    def on_view(self, view: View) -> None:
        """Without a token, and with too many orders, the box drops its orders."""
        unpaired = view.state not in ("connected", "connecting", "offline")
        if unpaired or view.reason in (TOKEN_REFUSED, TOO_MANY_ORDERS):
            self.has_orders = False

    def check(self, view: View, connection: ClientConnection, slack: float) -> None:
        """The view matches the live feed that it counts from."""
        now, report = self.checker.site.loop.time(), self.checker.report_violation
        if now - connection.heard_at > HEARD_WITHIN + slack:
            report(
                "count has a live feed",
                f"{view.active} is shown, but the last byte is {now - connection.heard_at:.1f} s old",
            )
        if now - connection.full_set_at > FULL_SET_WITHIN + slack:
            report(
                "count is up to date",
                f"{view.active} is shown, but the last full set is {now - connection.full_set_at:.1f} s old",
            )
        doubted_for = 0.0 if connection.doubted_at is None else now - connection.doubted_at
        says_so = not isinstance(view.screen, Count) or COUNT_IN_DOUBT in view.screen.words
        if doubted_for > DOUBTED_WITHIN + slack and not says_so:
            report("count is true or doubted", f"{view.active} is shown {doubted_for:.1f} s after a suspected end")
        before = [counts for at, counts in connection.delivered_counts if at < now - slack]
        allowed = before[-1:] + [counts for at, counts in connection.delivered_counts if at >= now - slack]
        if not before and (view.active, view.paged) not in allowed:
            # A new feed took over; the panel shows the old feed's count for a moment.
            self.checker.site.loop.call_later(slack, self.checker.check_count)
        elif (view.active, view.paged) not in allowed:
            report("count is correct", f"{view.active} active, {view.paged} paged are shown; the feed allows {allowed}")
        self._check_ages(connection, now)

    def _check_ages(self, connection: ClientConnection, now: float) -> None:
        """No order is much older in the book than in truth, whatever the gateway's clock does."""
        state, restaurant = self.checker.site.state, connection.gateway.restaurant
        born = restaurant.born
        if not self.has_orders:
            self.has_orders = True
            self.ages_are_known = all(born[uuid] > restaurant.jumped_at for uuid in restaurant.orders)
        if not isinstance(state, Connected) or not self.ages_are_known:
            return
        for uuid, held in state.book.held.items():
            if uuid in born and born[uuid] - held.since > AGE_TOLERANCE:
                words = f"{now - born[uuid]:.0f} s old, but taken for {now - held.since:.0f} s old"
                self.checker.report_violation("ages are true", f"order {uuid} is {words}")
