"""Checks that the box gives a new token time to be accepted, and that it reconnects without a rush.

Owns the tokens and feeds that the box had lately.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.core.transitions import PAIRING_WINDOW
from appliance.core.values import Credential
from appliance.core.view import View

if TYPE_CHECKING:
    from tests.simulation.invariants import InvariantChecker

KEPT_FOR = PAIRING_WINDOW - 2.0
"""Seconds for which a gateway may refuse the token that it issued before the box asks a person to pair again; the
checker sees a new token a moment late."""
RUSH, MOST_FEEDS = 10.0, 25
"""Seconds, and the most feeds that the box may open in that time, whatever the gateway, the network and the person do:
a press of the button may cut a back-off short once a second, and a token may be sent in two ways."""


class PairingChecker:
    """Part of the checker."""

    def __init__(self, checker: InvariantChecker) -> None:
        self.checker = checker
        self._new_token: Credential | None = None
        self._asks_from = float("-inf")
        self._feeds: deque[float] = deque(maxlen=MOST_FEEDS + 1)

    def on_boot(self) -> None:
        """A new process starts without a token."""
        self._new_token, self._asks_from = None, float("-inf")
        self._feeds.clear()

    def on_press(self) -> None:
        """A person pressed the button, perhaps to forget the pairing."""
        self._asks_from = float("-inf")

    def on_feed(self) -> None:
        """The box opened a feed."""
        now = self.checker.site.loop.time()
        self._feeds.append(now)
        if len(self._feeds) > MOST_FEEDS and now - self._feeds[0] < RUSH + self.checker.slack_at(now):
            words = f"{len(self._feeds)} feeds in {now - self._feeds[0]:.1f} s"
            self.checker.report_violation("reconnects without a rush", words)

    def on_view(self, view: View) -> None:
        """A box that got a new token asks nobody to pair before the gateway had time to accept it."""
        now, world = self.checker.site.loop.time(), self.checker.site.state.world
        pending, current, new = world.pending, world.current, self._new_token
        if pending is not None and pending != new:
            self._new_token, self._asks_from = pending, now + KEPT_FOR
        proven = current is not None and new is not None and current.token == new.token
        if proven or view.state == "connected":
            self._asks_from = float("-inf")
        elif view.state == "awaiting_pairing" and now < self._asks_from:
            left = self._asks_from - now
            self.checker.report_violation("new token is given time", f"a person is asked {left:.0f} s too early")
