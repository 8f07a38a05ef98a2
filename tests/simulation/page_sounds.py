"""Checks that every page sounds: within a second while the box is connected, otherwise once it reconnects.

Owns the pages delivered to the box and the start times of its sounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.core.states import Connected
from appliance.core.view import Sound, View
from tests.simulation.client_connection import ClientConnection

if TYPE_CHECKING:
    from tests.simulation.invariants import InvariantChecker

SOUND_WITHIN, BURST = 1.0, 1.5
"""Maximum seconds from a page to its sound; pages within a burst share one sound."""
TOLERANCE = 0.1
"""Seconds by which a sound may precede the recorded page, because both happen in one iteration of the loop."""


class PageSoundChecker:
    """Part of the checker. pages: number delivered. awaiting_sound: orders whose feed was lost before their sound."""

    def __init__(self, checker: InvariantChecker) -> None:
        self.checker = checker
        self.pages = 0
        self.started: list[float] = []
        self.awaiting_sound: set[str] = set()

    def on_boot(self) -> None:
        """A new process starts without knowledge of earlier pages."""
        self.started.clear()
        self.awaiting_sound.clear()

    def on_view(self, view: View, sound: Sound | None, last: View | None) -> None:
        """The panel was given a view, and possibly a sound to start."""
        now, site = self.checker.site.loop.time(), self.checker.site
        if sound is Sound.PAGE:
            self.started = [*self.started[-20:], now]
        if view.active is not None and (last is None or last.active is None):
            site.loop.call_later(SOUND_WITHIN + self.checker.slack_at(now), self._check_delayed_sounds, now, site.boots)
        elif view.state in ("discovering", "awaiting_pairing", "pairing"):
            # Pages from before a pairing need no sound.
            self.awaiting_sound.clear()

    def on_page(self, connection: ClientConnection, uuid: str) -> None:
        """The page of an order was delivered to the box."""
        state = self.checker.site.state
        if isinstance(state, Connected) and self.checker.feeds.get(state.feed) is connection:
            now, boot = self.checker.site.loop.time(), self.checker.site.boots
            wait = SOUND_WITHIN + self.checker.slack_at(now)
            self.pages += 1
            known = state.book.held.get(uuid)
            new_page = known is None or not known.order.paged
            self.checker.site.loop.call_later(
                wait, self._check_sound, now, boot, state.feed, uuid if new_page else None
            )

    def _check_sound(self, at: float, boot: int, feed: int, new_page: str | None) -> None:
        """A second has passed since a page. new_page: the order's UUID, unless it was paged before."""
        self.checker.checks += 1
        if boot != self.checker.site.boots or not self.checker.site.box_running:
            return
        state = self.checker.site.state
        if any(at - BURST - TOLERANCE <= sound for sound in self.started):
            return
        if self._was_stalled():
            self.checker.site.loop.call_later(SOUND_WITHIN, self._check_sound, at, boot, feed, new_page)
            return
        if not isinstance(state, Connected):
            # The box was about to notice that the feed was lost; the sound follows on reconnection.
            self.awaiting_sound |= {new_page} if new_page else set()
        elif state.feed == feed or (new_page and self.checker.feeds[state.feed].expected.held.get(new_page)):
            self.checker.report_violation(
                "every page sounds", f"one was expected at {at:.2f}, and the last sounds were {self.started[-3:]}"
            )

    def _check_delayed_sounds(self, at: float, boot: int) -> None:
        """A second has passed since the box reconnected."""
        state, awaiting_sound = self.checker.site.state, self.awaiting_sound
        if boot != self.checker.site.boots or not isinstance(state, Connected) or not awaiting_sound:
            return
        if self._was_stalled():
            self.checker.site.loop.call_later(SOUND_WITHIN, self._check_delayed_sounds, at, boot)
            return
        self.checker.checks += 1
        self.awaiting_sound = set()
        expected = self.checker.feeds[state.feed].expected.held
        silent = sorted(uuid for uuid in awaiting_sound if expected.get(uuid))
        if silent and not any(at - BURST - TOLERANCE <= sound for sound in self.started):
            self.checker.report_violation(
                "every page sounds", f"{silent} were paged while the feed was lost, but no sound started since {at:.2f}"
            )

    def _was_stalled(self) -> bool:
        """Whether the board was stalled just now, so that due callbacks may not have run yet."""
        return self.checker.slack_at(self.checker.site.loop.time()) > 0
