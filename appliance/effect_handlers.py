"""Carries out the effects that the core asks for, each as a timer or a task whose outcome is an event.

Owns every timer and every task of the appliance, the way to the gateway and to flash, and what takes long to load.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any, Protocol

from appliance.aio import Timers, in_daemon_thread
from appliance.core.effects import (
    AskForToken,
    CheckToken,
    CloseFeed,
    DropPendingToken,
    ForgetTokens,
    HandledEffect,
    OpenFeed,
    ResolveGateway,
    StartTimer,
    StopHistorySync,
    StopTimer,
    StorePendingToken,
    StoreToken,
    SyncHistory,
)
from appliance.core.events import (
    Event,
    FeedLost,
    FeedOpened,
    GatewayResolved,
    GatewayUnresolved,
    HistorySynced,
    HistorySyncFailed,
    TimerFired,
    TokenAccepted,
    TokenDenied,
    TokenIssued,
    TokenNotStored,
    TokenRefused,
    TokenStored,
    TokenUnchecked,
)
from appliance.core.formatting import legible
from appliance.core.values import Gateway, Token
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.source import GatewaySource
from appliance.store import TokenStore

log = logging.getLogger("appliance")

STORE_TIMEOUT = 10.0
"""Seconds after which a write counts as failed, although the disk may still be busy with it."""
JITTER = 0.2
"""The part of a pause that is left to chance, so that the boxes of one site do not all knock at once."""
MOST_USED = 4
"""Tokens that are kept out of the log: the last that were sent. A box has two at the most."""

UNFORESEEN = "The history can't be kept now, for a reason that nobody foresaw"
"""What the log says of a mistake of ours in the history. No test may end with it."""

Tell = Callable[[Event], None]


class Keeper(Protocol):
    """Where orders are kept that are over."""

    async def keep(
        self, what: SyncHistory, feed_priority: FeedPriority, resolve: Callable[[], Awaitable[Gateway | None]]
    ) -> HistorySynced | HistorySyncFailed:
        """Bring the archive up to date. resolve: asks afresh where the gateway is.

        Returns HistorySyncFailed for every expected failure. An exception is a bug of ours, and costs this one sync.
        """


class EffectHandlers:
    """Does what effects ask for, all but the sounds, while they are under_way().

    find: makes the source of gateways, given where to tell events; it is called on a thread, and may take its time.
    watch: tells of whatever else there is to know, for ever. keeper: makes the archive's keeper, on a thread too; None
    keeps nothing. feed_priority: what is told of feeds that are being opened.
    """

    def __init__(
        self,
        find: Callable[[Tell], GatewaySource],
        store: TokenStore,
        watch: Callable[[Tell], Coroutine[Any, Any, None]] | None = None,
        keeper: Callable[[], Keeper] | None = None,
        feed_priority: FeedPriority | None = None,
    ) -> None:
        self._find = find
        self._store = store
        self._watch = watch
        self._make_keeper = keeper
        self._keeper: Keeper | None = None
        self._courtesy = feed_priority or FeedPriority()
        self._keeping: dict[int, asyncio.Task[None]] = {}
        self._timers = Timers()
        self._feeds: dict[int, asyncio.Task[None]] = {}
        self._storing = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._said: set[str] = set()
        self._used: deque[Token] = deque(maxlen=MOST_USED)

    @asynccontextmanager
    async def under_way(self, tell: Tell) -> AsyncIterator[None]:
        """Load what flash holds and look for gateways, and carry out whatever do() is given meanwhile.

        Raises:
            ExceptionGroup: A task failed; the others, and whoever is in here, were cancelled.
        """
        self._tell = tell
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start(self._load())
                yield
                for task in self._tasks:
                    task.cancel()
        finally:
            self._timers.close()

    def do(self, effect: HandledEffect) -> None:
        """Begin an errand, or stop one. For the loop's own thread."""
        match effect:
            case StartTimer(timer, delay, jitter):
                if jitter:
                    delay *= 1 - JITTER * random.random()
                self._timers.start(timer, delay, lambda: self._tell(TimerFired(timer)))
            case StopTimer(timer):
                self._timers.stop(timer)
            case AskForToken():
                self._start(self._ask(effect))
            case CheckToken(_, _, token):
                self._used.append(token)
                self._start(self._check(effect))
            case ResolveGateway():
                self._start(self._resolve(effect))
            case OpenFeed(attempt, address, token):
                self._used.append(token)
                self._courtesy.opening(attempt)
                self._feeds[attempt] = task = self._start(self._run_feed(attempt, address, token, self._tell))
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
            case SyncHistory(attempt):
                self._keeping[attempt] = task = self._start(self._keep(effect))
                task.add_done_callback(lambda _: self._keeping.pop(attempt, None))
            case StopHistorySync(attempt):
                keeping = self._keeping.pop(attempt, None)
                if keeping is not None:
                    keeping.cancel()

    def taken(self, event: Event) -> None:
        """An event has its turn: a feed that it says is open, or will not be, need not be made way for any more."""
        if isinstance(event, FeedOpened | FeedLost | TokenRefused):
            self._courtesy.settled(event.attempt)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _feed_ended(self, attempt: int) -> None:
        self._feeds.pop(attempt, None)
        self._courtesy.settled(attempt)

    async def _load(self) -> None:
        """What flash holds, and then gateways: whom a token belongs to is known before anyone is in sight."""
        loaded = await in_daemon_thread(self._store.load, "load the token")
        await in_daemon_thread(self._load_network, "load the network's libraries")
        self._tell(loaded)
        if self._watch is not None:
            self._start(self._watch(self._tell))
        await self._gateways.run()

    def _load_network(self) -> None:
        """Import what takes long to load and the first picture does not need. On a thread of its own."""
        from appliance.gateway.feed import run_feed

        self._run_feed = run_feed
        self._gateways = self._find(self._tell)
        # What was loaded so far stays for good: the collector need not look through it again and again.
        gc.freeze()

    async def _ask(self, effect: AskForToken) -> None:
        name = effect.gateway.name
        answer = await ask_for_token(effect.address)
        if not isinstance(answer, Denied):
            # Where it answered is where it is.
            others = tuple(other for other in effect.gateway.addresses if other != effect.address)
            self._tell(TokenIssued(effect.attempt, Gateway(name, (effect.address, *others)), answer))
            return
        words = answer.words
        for token in self._used:
            # A gateway that was paired once knows the token, and may say anything.
            words = token.hidden(words)
        self._say_once(logging.INFO, f"{legible(name)} gave no token: {answer.why}. It said: {legible(words, 200)}")
        self._tell(TokenDenied(effect.attempt, name, answer.why))

    async def _check(self, effect: CheckToken) -> None:
        match await check_token(effect.address, effect.token):
            case Verdict.ACCEPTED:
                self._tell(TokenAccepted(effect.attempt))
            case Verdict.REFUSED:
                self._tell(TokenRefused(effect.attempt))
            case Verdict.UNKNOWN:
                self._tell(TokenUnchecked(effect.attempt))

    async def _resolve(self, effect: ResolveGateway) -> None:
        gateway = await self._gateways.resolve(effect.name)
        self._tell(GatewayUnresolved(effect.attempt) if gateway is None else GatewayResolved(effect.attempt, gateway))

    async def _keep(self, effect: SyncHistory) -> None:
        if self._make_keeper is None:
            self._tell(HistorySyncFailed(effect.attempt))
            return
        kept: HistorySynced | HistorySyncFailed
        try:
            if self._keeper is None:
                # Its libraries are loaded when there is something to keep: the first count does not wait for them.
                self._keeper = await in_daemon_thread(self._make_keeper, "load the archive")
            kept = await self._keeper.keep(effect, self._courtesy, lambda: self._gateways.resolve(effect.gateway))
        except Exception as error:  # noqa: BLE001 - the box is there for the count, and that needs no history
            # What an error says may be the gateway's words.
            self._say_once(logging.ERROR, f"{UNFORESEEN}: {type(error).__name__} {_place(error)}")
            kept = HistorySyncFailed(effect.attempt)
        self._tell(kept)

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
            self._tell(outcome)

    def _say_once(self, level: int, words: str) -> None:
        """Log what would else be logged every second."""
        if words not in self._said and len(self._said) < 100:
            self._said.add(words)
            log.log(level, "%s", words)


def _place(error: Exception) -> str:
    """Where an error was raised, and in which line of ours, if that is another."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if Path(__file__).parent in frame[0].parents]
    places = dict.fromkeys((*ours[-1:], *frames[-1:]))
    return ", ".join(f"at {path.parent.name}/{path.name}:{line}" for path, line in places)
