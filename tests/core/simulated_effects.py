"""A simulated environment of the machine for property tests, which checks invariants after each step.

It carries out no effect: it only tracks timers, feeds and requests, so that a test can draw possible, late and
impossible answers.
"""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core import machine
from appliance.core.effects import (
    AskForToken,
    CheckToken,
    CloseFeed,
    Effect,
    MakeSound,
    OpenFeed,
    RequestAction,
    StartTimer,
    StopHistorySync,
    StopTimer,
    SyncHistory,
)
from appliance.core.events import (
    BackupChanged,
    ButtonDown,
    ButtonUp,
    Event,
    FeedLost,
    GatewayFound,
    GatewayResolved,
    HistorySynced,
    HistorySyncFailed,
    TimerFired,
    TokenDenied,
    TokenIssued,
    TokenRefused,
    UpdateChanged,
)
from appliance.core.present import INSTANT, Shown, present
from appliance.core.states import (
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Link,
    Offline,
    Pairing,
    Phase,
    State,
)
from appliance.core.timers import Timer
from appliance.core.transitions import FEED_PHASES
from appliance.core.updates import Action, UpdatePhase
from appliance.core.values import Address, Benchmarks, Gateway, Token
from appliance.core.view import Count, Paged, Power, Sound, View


def _looks(state: State, now: float) -> View:
    """The view without the oldest age in seconds, which changes each second without a new line."""
    return replace(present(state, now).view, oldest=None)


class Surroundings:
    """The machine, with its timers, feeds and requests."""

    def __init__(self, state: State | None = None, now: float = 0.0) -> None:
        self.state = state or machine.begin(Benchmarks())
        self.now = now
        self.timers: dict[Timer, float] = {}
        self.feeds: set[int] = set()
        self.history_syncs: set[int] = set()
        self.synced: list[float] = []
        self.asked: set[str] = set()
        self.known: dict[str, set[Address]] = {}
        self.owner: dict[Token, str] = {}
        self.issued_at: dict[Token, set[Address]] = {}
        self.pages: list[float] = []
        self.sounds: list[Sound] = []
        self.read: tuple[str, ...] = ()

    def tell(self, event: Event) -> list[Effect]:
        """Make one step, and check every invariant."""
        self._before(event)
        before = self.state
        self.state, effects = machine.step(self.state, event, self.now)
        for effect in effects:
            if isinstance(effect, RequestAction):
                self._check_request(effect.action, event, before)
            self._take(effect)
        if isinstance(event, UpdateChanged | BackupChanged):
            self._check_count_stays(before)
        self._check(before)
        return list(effects)

    def advance(self, seconds: float) -> None:
        """Let time pass, and fire the timers that are due."""
        end = self.now + seconds
        while self.timers:
            timer, due = min(self.timers.items(), key=lambda item: item[1])
            if due > end:
                break
            self.now = max(self.now, due)
            self.happen(TimerFired(timer))
        self.now = end

    def happen(self, event: Event) -> None:
        """Make one step. Subclasses also answer its effects."""
        self.tell(event)

    def _before(self, event: Event) -> None:
        match event:
            case TimerFired(timer):
                self.timers.pop(timer, None)
            case ButtonDown():
                self.read = present(self.state, self.now).view.screen.words
                # A press stops the sound, so the next page may sound at once.
                self.pages.clear()
            case GatewayFound(gateway):
                self.known[gateway.name] = set(gateway.addresses)
            case GatewayResolved(attempt, gateway) if attempt == self.resolving:
                self.known[gateway.name] = set(gateway.addresses)
            case TokenIssued(_, gateway, token):
                self.asked.discard(gateway.name)
                self.owner[token] = gateway.name
                self.issued_at[token] = set(gateway.addresses[:1])
                self.known.setdefault(gateway.name, set()).update(gateway.addresses)
            case TokenDenied(_, name, _):
                self.asked.discard(name)
            case HistorySynced(attempt) | HistorySyncFailed(attempt):
                self.history_syncs.discard(attempt)
            case FeedLost(attempt, _) | TokenRefused(attempt):
                self.feeds.discard(attempt)
            case _:
                pass

    def find(self, gateway: Gateway) -> None:
        """Announce the gateway, and answer the pending resolve."""
        self.tell(GatewayFound(gateway))
        if self.resolving >= 0:
            self.tell(GatewayResolved(self.resolving, gateway))

    @property
    def resolving(self) -> int:
        """The number of the pending resolve; answers to older ones are ignored."""
        match self.state:
            case Connecting() | Offline() if self.state.link.phase is Phase.RESOLVING:
                return self.state.link.attempt
            case AwaitingPairing(_, _, Link(_, Phase.RESOLVING, attempt)):
                return attempt
            case _:
                return -1

    def _take(self, effect: Effect) -> None:
        match effect:
            case StartTimer(timer, delay):
                assert delay >= 0
                self.timers[timer] = self.now + delay
            case StopTimer(timer):
                self.timers.pop(timer, None)
            case AskForToken(_, gateway, address):
                assert gateway.name not in self.asked, "one request at a time to each gateway"
                assert address in gateway.addresses
                self.asked.add(gateway.name)
            case OpenFeed(attempt, address, token, _):
                self._check_destination(token, address)
                assert attempt not in self.feeds
                self.feeds.add(attempt)
            case CheckToken(_, address, token):
                self._check_destination(token, address)
            case SyncHistory(attempt, gateway, address, token):
                self._check_destination(token, address)
                assert gateway == self.owner[token]
                assert not self.history_syncs, "one history_sync at a time"
                self.history_syncs.add(attempt)
                self.synced.append(self.now)
                assert sum(at > self.now - 3600 for at in self.synced) <= 8, (
                    "few writes an hour, even on an unstable connection"
                )
            case StopHistorySync(attempt):
                self.history_syncs.discard(attempt)
            case CloseFeed(attempt):
                self.feeds.discard(attempt)
            case MakeSound(Sound.PAGE):
                assert not self.pages or self.now - self.pages[-1] >= 1.5 - 1e-6, "pages in a burst are one sound"
                self.pages.append(self.now)
            case _:
                pass
        if isinstance(effect, MakeSound):
            self.sounds.append(effect.sound)

    def _check_destination(self, token: Token, address: Address) -> None:
        known = self.known.get(self.owner[token], set()) | self.issued_at.get(token, set())
        if isinstance(self.state, Connected):
            known = known | {self.state.address}
        assert address in known, "a token goes only where its gateway is known to be, issued it, or has a live feed"

    def _check_request(self, action: Action, event: Event, before: State) -> None:
        """A person asked for it, and had read the question; or, for a restart, nobody needs the box."""
        world = before.world
        if isinstance(event, ButtonUp):
            if action is Action.RESET:
                assert {"Press 3 of 3", "Press now"} <= {*self.read}, "the press came while the display asked for it"
                return
            asked = {
                Action.INSTALL: "Install",
                Action.RESTART: "Restart",
                Action.ACKNOWLEDGE: "OK",
                Action.BACKUP: "Save",
            }[action]
            words = present(before, self.now).view.screen.words
            assert f"{asked}: press here" in self.read, "the press answers what was on the display"
            assert f"{asked}: press here" in words, "and still is"
            return
        assert (action, event) == (Action.RESTART, TimerFired(Timer.RESTART))
        # Times are sums of pauses, which are rounded.
        assert self.now - max(world.last_activity, world.pressed_at, world.update_since) >= 300 - 1e-6
        if isinstance(before, Connected):
            forgotten = self.now - world.benchmarks.forget_after
            assert all(held.since <= forgotten for held in before.book.held.values()), "nobody waits for an order"

    def _check_count_stays(self, before: State) -> None:
        """A status of the update or of a copy hides neither orders nor a page."""
        old, new = (present(state, self.now).view.screen for state in (before, self.state))
        if isinstance(old, Paged):
            assert new == old
        if isinstance(old, Count) and old.count != "0":
            assert isinstance(new, Count)
            assert replace(new, note="", fault=False) == replace(old, note="", fault=False)

    def _check_until(self, shown: Shown) -> None:
        """Check that the view is constant until `until`, and that `until` causes no needless redraws."""
        left = min(shown.until - self.now, 1e4)
        assert left > 0
        if left > 2 * INSTANT:
            for share in (0.5, 1.0):
                at = self.now + share * left - INSTANT
                assert _looks(self.state, at) == _looks(self.state, self.now), f"the view changes before {shown.until}"
        else:
            # `present` never returns less than an instant. After one or two instants, nothing else is due so soon.
            second = present(self.state, shown.until)
            third = present(self.state, second.until)
            assert max(second.until - shown.until, third.until - second.until) > 2 * INSTANT, (
                "the view is redrawn all the time"
            )

    def _check(self, before: State) -> None:
        state, world = self.state, self.state.world
        running = set(self.timers)
        shown = present(state, self.now)
        self._check_until(shown)
        assert shown.view.screen.words or shown.view.power is Power.DARK
        assert all(shown.view.screen.words)
        assert "Token" not in str(shown.view)
        assert (shown.view.active is None) == (not isinstance(state, Connected))
        expected: set[int] = set()
        match state:
            case Discovering():
                assert world.credential is None
                assert not world.gateways
            case AwaitingPairing():
                assert world.gateways, "a press needs a gateway to pair with"
                assert world.credential is None or world.credential.gateway in world.gateways
                assert (Timer.RETRY in running) == (world.credential is not None)
                if state.link is not None and state.link.phase is Phase.OPENING:
                    expected = {state.link.attempt}
            case Pairing():
                assert Timer.WINDOW in running
                assert Timer.ASK in running or state.offers
                assert state.ends - self.now <= 120 + 1e-6
            case Connecting() | Offline():
                assert world.credential is not None
                assert (Timer.RETRY in running) == (state.link.phase in (Phase.WAITING, Phase.PROVING))
                if state.link.phase is Phase.PROMOTING:
                    assert world.saving
                if state.link.phase in FEED_PHASES:
                    expected = {state.link.attempt}
            case Connected():
                assert world.current is not None
                assert world.held[world.trying] == world.current
                assert Timer.STALE in running
                assert self.timers[Timer.STALE] <= self.now + 300 + 1e-6
                assert Timer.REFRESH in running or state.looking
                assert (Timer.HISTORY in running) != bool(state.history_sync)
                expected = {0 if state.lost else state.feed, state.looking} - {0}
                unreadable = state.book.unreadable
                without_details = len(unreadable.uuids) + unreadable.nameless + unreadable.unlisted
                assert shown.view.active == len(state.book.held) + without_details
        assert (Timer.RESTART in running) == (world.update.phase is UpdatePhase.READY)
        assert self.history_syncs == ({state.history_sync} - {0} if isinstance(state, Connected) else set())
        assert self.feeds == expected, f"open feeds {self.feeds}, but the state has {expected}"
        assert set(world.asking) == self.asked
        if not isinstance(state, Connected):
            # Pages from an outage sound at the reconnection, even right after another sound.
            self.pages.clear()
        if isinstance(before, Connected) and not isinstance(state, Connected):
            assert not running & {Timer.REFRESH, Timer.STALE, Timer.LATE, Timer.REPEAT, Timer.HISTORY}
        assert math.isfinite(self.now)
