"""That each page sounds: within a second while the box is connected, and otherwise when it is connected again.

Owns which pages the box was told of, and when it began to sound them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.core.states import Connected
from appliance.core.view import Sound, View
from tests.simulation.peer import Peer

if TYPE_CHECKING:
    from tests.simulation.invariants import Judge

SOUND_WITHIN, BURST = 1.0, 1.5
"""Seconds from a page to its sound; pages within a burst share one."""
LATELY = 0.1
"""Seconds by which a sound may come before its page as it is noted here: both are known within one turn of the loop."""


class Sounds:
    """A part of the judge. pages: how many came. owed: orders whose page was on its way when the feed was lost."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.pages = 0
        self.started: list[float] = []
        self.owed: set[str] = set()

    def booted(self) -> None:
        """Another process begins, and knows nothing of what was before."""
        self.started.clear()
        self.owed.clear()

    def shown(self, view: View, sound: Sound | None, last: View | None) -> None:
        """The panel was told of a view, and of a sound that starts."""
        now, world = self.judge.world.loop.time(), self.judge.world
        if sound is Sound.PAGE:
            self.started = [*self.started[-20:], now]
        if view.active is not None and (last is None or last.active is None):
            world.loop.call_later(SOUND_WITHIN + self.judge.slack_at(now), self._paid, now, world.boots)
        elif view.state in ("discovering", "awaiting_pairing", "pairing"):
            # What was paged before a pairing is no news to the one who pairs.
            self.owed.clear()

    def paged(self, peer: Peer, uuid: str) -> None:
        """An order's page was delivered to the box."""
        state = self.judge.world.state
        if isinstance(state, Connected) and self.judge.feeds.get(state.feed) is peer:
            now, boot = self.judge.world.loop.time(), self.judge.world.boots
            wait = SOUND_WITHIN + self.judge.slack_at(now)
            self.pages += 1
            known = state.book.held.get(uuid)
            news = known is None or not known.order.paged
            self.judge.world.loop.call_later(wait, self._sounded, now, boot, state.feed, uuid if news else None)

    def _sounded(self, at: float, boot: int, feed: int, news: str | None) -> None:
        """A second has passed since a page. news: the order's uuid, if it had not been paged before."""
        self.judge.checks += 1
        if boot != self.judge.world.boots or not self.judge.world.box_runs:
            return
        state = self.judge.world.state
        if any(at - BURST - LATELY <= sound for sound in self.started):
            return
        if self._out_of_breath():
            self.judge.world.loop.call_later(SOUND_WITHIN, self._sounded, at, boot, feed, news)
            return
        if not isinstance(state, Connected):
            # The feed was over already, which was known a moment later: it sounds when there is one again.
            self.owed |= {news} if news else set()
        elif state.feed == feed or (news and self.judge.feeds[state.feed].told.held.get(news)):
            self.judge.blame("a page sounds", f"one was told at {at:.2f}, and the last sounds were {self.started[-3:]}")

    def _paid(self, at: float, boot: int) -> None:
        """A second has passed since the box was connected again."""
        state, owed = self.judge.world.state, self.owed
        if boot != self.judge.world.boots or not isinstance(state, Connected) or not owed:
            return
        if self._out_of_breath():
            self.judge.world.loop.call_later(SOUND_WITHIN, self._paid, at, boot)
            return
        self.judge.checks += 1
        self.owed = set()
        told = self.judge.feeds[state.feed].told.held
        silent = sorted(uuid for uuid in owed if told.get(uuid))
        if silent and not any(at - BURST - LATELY <= sound for sound in self.started):
            self.judge.blame(
                "a page sounds", f"{silent} were paged while the feed was lost, and nothing sounded since {at:.2f}"
            )

    def _out_of_breath(self) -> bool:
        """Whether the board did not run for a while, just now: what is due may not have had its turn yet."""
        return self.judge.slack_at(self.judge.world.loop.time()) > 0
