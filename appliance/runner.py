"""The only loop: event -> step -> effects -> view. It owns every task and every timer of the appliance."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from appliance import systemd
from appliance.core import machine
from appliance.core.effects import (
    AskForToken,
    CheckToken,
    CloseFeed,
    DropPendingToken,
    Effect,
    ForgetTokens,
    KeepHistory,
    MakeSound,
    OpenFeed,
    ResolveGateway,
    StartTimer,
    StopKeepingHistory,
    StopTimer,
    StorePendingToken,
    StoreToken,
)
from appliance.core.events import (
    ButtonPressed,
    Event,
    FeedLost,
    FeedOpened,
    GatewayResolved,
    GatewayUnresolved,
    HistoryKept,
    HistoryNotKept,
    Timer,
    TimerFired,
    TokenAccepted,
    TokenDenied,
    TokenIssued,
    TokenNotStored,
    TokenRefused,
    TokenStored,
    TokenUnchecked,
)
from appliance.core.present import farewell, present
from appliance.core.states import Offline, State
from appliance.core.values import Gateway
from appliance.core.view import Sound, View
from appliance.core.words import legible
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.gateway.courtesy import Courtesy
from appliance.panel import Panel
from appliance.store import TokenStore
from appliance.threads import in_daemon_thread

log = logging.getLogger("appliance")

FRAME = 0.05
"""Seconds between two pictures at the least: a flood of changes is drawn as it stands, not change by change."""
STORE_TIMEOUT = 10.0
"""Seconds after which a write counts as failed, although the disk may still be busy with it."""
JITTER = 0.2
"""The part of a pause that is left to chance, so that the boxes of one site do not all knock at once."""
EVENTS_AT_ONCE = 1000
"""Events taken before the panel has its turn."""


class Gateways(Protocol):
    """Where gateways are found: on the network by mDNS, or at an address that was typed in."""

    async def run(self) -> None:
        """Tell of gateways, and of this box's own addresses, until cancelled."""

    async def resolve(self, name: str) -> Gateway | None:
        """Ask for a name afresh; None where nobody answers."""


class Keeper(Protocol):
    """Where orders are kept that are over."""

    async def keep(
        self, what: KeepHistory, courtesy: Courtesy, resolve: Callable[[], Awaitable[Gateway | None]]
    ) -> HistoryKept | HistoryNotKept:
        """Bring the archive up to date. Never raises. resolve: asks afresh where the gateway is."""


class Runner:
    """Runs the appliance until quit() is called or a task of it fails.

    find: makes the source of gateways, given where to tell events; it is called on a thread, and may take its time.
    watch: tells of whatever else there is to know, for ever. keeper: makes the archive's keeper, on a thread too; None
    keeps nothing. courtesy: what is told of feeds that are being opened.
    """

    def __init__(
        self,
        state: State,
        find: Callable[[Callable[[Event], None]], Gateways],
        store: TokenStore,
        panel: Panel,
        watch: Callable[[Callable[[Event], None]], Coroutine[Any, Any, None]] | None = None,
        keeper: Callable[[], Keeper] | None = None,
        courtesy: Courtesy | None = None,
    ) -> None:
        self.state = state
        self._store = store
        self._panel = panel
        self._find = find
        self._watch = watch
        self._make_keeper = keeper
        self._keeper: Keeper | None = None
        self._courtesy = courtesy or Courtesy()
        self._keeping: dict[int, asyncio.Task[None]] = {}
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._quit = False
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._feeds: dict[int, asyncio.Task[None]] = {}
        self._storing = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._shown: View | None = None
        self._shown_at = float("-inf")
        self._pressed = False
        self._said: set[str] = set()

    def tell(self, event: Event) -> None:
        """Take an event, to be handled in its turn. For the loop's own thread."""
        self._events.append(event)
        self._wake.set()

    def quit(self) -> None:
        """End in an orderly way. For the loop's own thread."""
        self._quit = True
        self._wake.set()

    async def run(self) -> None:
        """Run until quit() is called.

        Raises:
            ExceptionGroup: A task failed; the process is to end and to be started again.
        """
        self._loop = asyncio.get_running_loop()
        self._panel.start(self.tell, self.quit)
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start(self._load())
                await self._turn()
                systemd.stopping()
                if self._shown is not None:
                    self._panel.show(farewell(self._shown), None)
                for task in self._tasks:
                    task.cancel()
        finally:
            for handle in self._timers.values():
                handle.cancel()
            await self._panel.close()

    async def _turn(self) -> None:
        """The loop itself."""
        systemd.ready()
        interval = systemd.watchdog_interval()
        while not self._quit:
            now = self._loop.time()
            sounds = self._take_events(now)
            until = self._show(now, sounds)
            if interval is not None:
                systemd.watchdog()
                until = min(until, now + interval)
            if self._events:
                await asyncio.sleep(0)
                continue
            alarm = self._loop.call_at(until, self._wake.set) if until < float("inf") else None
            await self._wake.wait()
            self._wake.clear()
            if alarm is not None:
                alarm.cancel()

    def _take_events(self, now: float) -> list[Sound]:
        sounds: list[Sound] = []
        self._pressed = False
        for _ in range(min(len(self._events), EVENTS_AT_ONCE)):
            event = self._events.popleft()
            if isinstance(event, FeedOpened | FeedLost | TokenRefused):
                self._courtesy.settled(event.attempt)
            self._pressed |= isinstance(event, ButtonPressed)
            self.state, effects = machine.step(self.state, event, now)
            for effect in effects:
                if isinstance(effect, MakeSound):
                    sounds.append(effect.sound)
                else:
                    self._do(effect)
        return sounds

    def _show(self, now: float, sounds: list[Sound]) -> float:
        """Show the state if it is time to, and say when the next time is."""
        # A finger is answered without a pause, however much else there is to show.
        if not sounds and not self._pressed and now < self._shown_at + FRAME:
            return self._shown_at + FRAME
        shown = present(self.state, now)
        for sound in sounds or (None,):
            if sound is not None or shown.view != self._shown:
                self._panel.show(shown.view, sound)
        self._log_change(shown.view)
        self._shown, self._shown_at = shown.view, now
        return max(shown.until, now + FRAME)

    def _log_change(self, view: View) -> None:
        last = self._shown
        if last is not None and (last.state, last.reason, last.gateway) == (view.state, view.reason, view.gateway):
            return
        words = view.state.replace("_", " ") + (f" ({view.reason})" if view.reason else "")
        about = f": {legible(view.gateway)}" if view.gateway else ""
        at = f" at {view.address}" if view.gateway and view.address and view.address != view.gateway else ""
        systemd.status(words + about)
        level = logging.WARNING if isinstance(self.state, Offline) else logging.INFO
        log.log(level, "%s%s%s", words.capitalize(), about, at)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _do(self, effect: Effect) -> None:
        match effect:
            case StartTimer(timer, delay, jitter):
                self._stop_timer(timer)
                if jitter:
                    delay *= 1 - JITTER * random.random()
                self._timers[timer] = self._loop.call_later(delay, self._fire, timer)
            case StopTimer(timer):
                self._stop_timer(timer)
            case AskForToken():
                self._start(self._ask(effect))
            case CheckToken():
                self._start(self._check(effect))
            case ResolveGateway():
                self._start(self._resolve(effect))
            case OpenFeed(attempt, address, token):
                self._courtesy.opening(attempt)
                self._feeds[attempt] = task = self._start(self._run_feed(attempt, address, token, self.tell))
                task.add_done_callback(lambda _: self._feed_ended(attempt))
            case CloseFeed(attempt):
                self._courtesy.settled(attempt)
                feed = self._feeds.pop(attempt, None)
                if feed is not None:
                    feed.cancel()
            case StorePendingToken(attempt, credential):
                self._start(self._write(lambda: self._store.store_pending(credential), attempt))
            case StoreToken(attempt, credential):
                self._start(self._write(lambda: self._store.store(credential), attempt))
            case DropPendingToken():
                self._start(self._write(self._store.drop_pending))
            case ForgetTokens():
                self._start(self._write(self._store.forget))
            case KeepHistory(attempt):
                self._keeping[attempt] = task = self._start(self._keep(effect))
                task.add_done_callback(lambda _: self._keeping.pop(attempt, None))
            case StopKeepingHistory(attempt):
                keeping = self._keeping.pop(attempt, None)
                if keeping is not None:
                    keeping.cancel()
            case MakeSound():
                pass

    def _feed_ended(self, attempt: int) -> None:
        self._feeds.pop(attempt, None)
        self._courtesy.settled(attempt)

    def _fire(self, timer: Timer) -> None:
        del self._timers[timer]
        self.tell(TimerFired(timer))

    def _stop_timer(self, timer: Timer) -> None:
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    async def _load(self) -> None:
        """What flash holds, and then gateways: whom a token belongs to is known before anyone is in sight."""
        loaded = await in_daemon_thread(self._store.load, "load the token")
        await in_daemon_thread(self._load_network, "load the network's libraries")
        self.tell(loaded)
        if self._watch is not None:
            self._start(self._watch(self.tell))
        await self._gateways.run()

    def _load_network(self) -> None:
        """Import what takes long to load and the first picture does not need. On a thread of its own."""
        from appliance.gateway.feed import run_feed

        self._run_feed = run_feed
        self._gateways = self._find(self.tell)
        # What was loaded so far stays for good: the collector need not look through it again and again.
        gc.freeze()

    async def _ask(self, effect: AskForToken) -> None:
        name = effect.gateway.name
        answer = await ask_for_token(effect.address)
        if not isinstance(answer, Denied):
            # Where it answered is where it is.
            others = tuple(other for other in effect.gateway.addresses if other != effect.address)
            self.tell(TokenIssued(effect.attempt, Gateway(name, (effect.address, *others)), answer))
            return
        words = answer.words
        for held in (self.state.world.current, self.state.world.pending):
            # A gateway that was paired once knows the token, and may say anything.
            words = held.token.hidden(words) if held is not None else words
        self._say_once(logging.INFO, f"{legible(name)} gave no token: {answer.why}. It said: {legible(words, 200)}")
        self.tell(TokenDenied(effect.attempt, name, answer.why))

    async def _check(self, effect: CheckToken) -> None:
        match await check_token(effect.address, effect.token):
            case Verdict.ACCEPTED:
                self.tell(TokenAccepted(effect.attempt))
            case Verdict.REFUSED:
                self.tell(TokenRefused(effect.attempt))
            case Verdict.UNKNOWN:
                self.tell(TokenUnchecked(effect.attempt))

    async def _resolve(self, effect: ResolveGateway) -> None:
        gateway = await self._gateways.resolve(effect.name)
        self.tell(GatewayUnresolved(effect.attempt) if gateway is None else GatewayResolved(effect.attempt, gateway))

    async def _keep(self, effect: KeepHistory) -> None:
        if self._make_keeper is None:
            self.tell(HistoryNotKept(effect.attempt))
            return
        if self._keeper is None:
            # Its libraries are loaded when there is something to keep, so that the first count does not wait for them.
            self._keeper = await in_daemon_thread(self._make_keeper, "load the archive")
        self.tell(await self._keeper.keep(effect, self._courtesy, lambda: self._gateways.resolve(effect.gateway)))

    async def _write(self, write: Callable[[], None], attempt: int | None = None) -> None:
        """One write to flash, after those before it."""
        async with self._storing:
            try:
                async with asyncio.timeout(STORE_TIMEOUT):
                    await in_daemon_thread(write, "write the token")
            except (OSError, TimeoutError) as error:
                self._say_once(logging.ERROR, f"The pairing can't be saved: {str(error) or 'the disk does not answer'}")
                outcome: Event | None = None if attempt is None else TokenNotStored(attempt)
            else:
                outcome = None if attempt is None else TokenStored(attempt)
        if outcome is not None:
            self.tell(outcome)

    def _say_once(self, level: int, words: str) -> None:
        """Log what would else be logged every second."""
        if words not in self._said and len(self._said) < 100:
            self._said.add(words)
            log.log(level, "%s", words)
