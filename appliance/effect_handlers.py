"""Carries out the core's effects, each as a timer or a task that emits its result as an event.

Owns the appliance's timers and tasks, its access to the gateway and to flash, and the imports that are slow.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from appliance.aio import Timers, in_daemon_thread
from appliance.core.effects import (
    AskForToken,
    CheckToken,
    CloseFeed,
    DropPendingToken,
    ForgetTokens,
    HandledEffect,
    KeepDisplayDriver,
    OpenFeed,
    RequestAction,
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
from appliance.core.updates import Action
from appliance.core.values import DisplayIdentity, Gateway, Token
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.source import GatewaySource
from appliance.history_syncs import Archiver, HistorySyncs, OnProgress, Outcome
from appliance.store import TokenStore

log = logging.getLogger("appliance")

T = TypeVar("T")

STORE_TIMEOUT = 10.0
"""Seconds after which a write counts as failed, even if the disk is still busy with it."""
JITTER = 0.2
"""The random part of a delay, so that the boxes of one site don't all reconnect at once."""
REMEMBERED_TOKENS = 8
"""Tokens to redact from the log: the last ones sent. A box holds at most four."""

Emit = Callable[[Event], None]


class EffectHandlers:
    """Handles every effect but the sounds, inside running().

    make_source: makes the gateway source from a function that emits events; called on a thread, may block. monitor:
    emits other events until cancelled. make_archiver: makes the archiver; called on a thread, may block; None for no
    archive. feed_priority: notified when feeds open. keep_display: keeps a display's driver on flash; may block.
    request_action: asks root for an action; may block.
    """

    def __init__(
        self,
        make_source: Callable[[Emit], GatewaySource],
        store: TokenStore,
        monitor: Callable[[Emit], Coroutine[Any, Any, None]] | None = None,
        make_archiver: Callable[[], Archiver] | None = None,
        feed_priority: FeedPriority | None = None,
        keep_display: Callable[[DisplayIdentity], None] = lambda _: None,
        request_action: Callable[[Action], None] = lambda _: None,
    ) -> None:
        self._make_source = make_source
        self._store = store
        self._monitor = monitor
        self._feed_priority = feed_priority or FeedPriority()
        self._keep_display = keep_display
        self._request_action = request_action
        self._history_syncs = HistorySyncs(make_archiver, self._feed_priority, self._log_once)
        self._timers = Timers()
        self._feeds: dict[int, asyncio.Task[None]] = {}
        self._store_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._logged: set[str] = set()
        self._sent_tokens: dict[Token, None] = {}

    @asynccontextmanager
    async def running(self, emit: Emit) -> AsyncIterator[None]:
        """Load the tokens, find gateways, and carry out the effects given to handle(), until the block ends.

        Raises:
            ExceptionGroup: A task failed; the other tasks and the block were cancelled.
        """
        self._emit = emit
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start_task(self._load())
                yield
                for task in self._tasks:
                    task.cancel()
        finally:
            self._timers.close()

    def handle(self, effect: HandledEffect) -> None:
        """Start the task or timer of an effect, or stop one. Call it in the loop's thread."""
        match effect:
            case StartTimer(timer, delay, jitter):
                if jitter:
                    delay *= 1 - JITTER * random.random()
                self._timers.start(timer, delay, lambda: self._emit(TimerFired(timer)))
            case StopTimer(timer):
                self._timers.stop(timer)
            case AskForToken():
                self._start_task(self._request_token(effect))
            case CheckToken(_, _, token):
                self._remember(token)
                self._start_task(self._check_token(effect))
            case ResolveGateway():
                self._start_task(self._resolve(effect))
            case OpenFeed(attempt, address, token, header):
                self._remember(token)
                self._feed_priority.opening(attempt)
                self._feeds[attempt] = task = self._start_task(
                    self._run_feed(attempt, address, token, self._emit, header)
                )
                task.add_done_callback(lambda _: self._feed_ended(attempt))
            case CloseFeed(attempt):
                self._feed_priority.settled(attempt)
                feed = self._feeds.pop(attempt, None)
                if feed is not None:
                    feed.cancel()
            case StorePendingToken(attempt, credential, earlier):
                self._start_task(self._write(lambda: self._store.store_pending(credential, earlier), attempt))
            case StoreToken(attempt, credential):
                self._start_task(self._write(lambda: self._store.store(credential), attempt))
            case DropPendingToken():
                self._start_task(self._write(self._store.drop_pending))
            case ForgetTokens():
                self._start_task(self._write(self._store.forget))
            case KeepDisplayDriver(display):
                self._start_task(self._write(lambda: self._keep_display(display), what="the display's driver"))
            case RequestAction(action):
                self._start_task(self._write(lambda: self._request_action(action), what=f"the request to {action}"))
            case SyncHistory():
                self._history_syncs.note(effect, self._start_task(self._sync_history(effect)))
            case StopHistorySync(attempt):
                self._history_syncs.stop(attempt)

    def observe(self, event: Event) -> None:
        """Note an event that the core is about to process: a feed that opened or failed loses its priority."""
        if isinstance(event, FeedOpened | FeedLost | TokenRefused):
            self._feed_priority.settled(event.attempt)

    async def fill_archive(self, on_progress: OnProgress) -> Outcome | None:
        """Bring the archive up to date now; the outcome, or None if no feed was live in time. Call it in running()."""
        return await self._history_syncs.request(self._emit, on_progress)

    def _start_task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _remember(self, token: Token) -> None:
        self._sent_tokens.pop(token, None)
        self._sent_tokens[token] = None
        if len(self._sent_tokens) > REMEMBERED_TOKENS:
            del self._sent_tokens[next(iter(self._sent_tokens))]

    def _feed_ended(self, attempt: int) -> None:
        self._feeds.pop(attempt, None)
        self._feed_priority.settled(attempt)

    async def _load(self) -> None:
        """Load the tokens, and only then find gateways, so that the core knows the paired gateway by then."""
        loaded = await in_daemon_thread(self._store.load, "load the token")
        await in_daemon_thread(self._load_network, "load the network's libraries")
        self._emit(loaded)
        if self._monitor is not None:
            self._start_task(self._monitor(self._emit))
        await self._gateways.run()

    def _load_network(self) -> None:
        """Import the slow libraries that the first picture does not need. Runs on its own thread."""
        from appliance.gateway.feed import run_feed

        self._run_feed = run_feed
        self._gateways = self._make_source(self._emit)
        # Modules stay for good: exempt them from garbage collection.
        gc.freeze()

    async def _request_token(self, effect: AskForToken) -> None:
        name = effect.gateway.name
        answer = await ask_for_token(effect.address)
        if not isinstance(answer, Denied):
            # The address that answered comes first.
            others = tuple(other for other in effect.gateway.addresses if other != effect.address)
            self._emit(TokenIssued(effect.attempt, Gateway(name, (effect.address, *others)), answer))
            return
        words = answer.message
        for token in self._sent_tokens:
            # A gateway that was paired before knows the token, and its message may contain it.
            words = token.hidden(words)
        self._log_once(
            logging.INFO, f"{legible(name)} issued no token: {answer.why}. Its message: {legible(words, 200)}"
        )
        self._emit(TokenDenied(effect.attempt, name, answer.why))

    async def _check_token(self, effect: CheckToken) -> None:
        match await check_token(effect.address, effect.token):
            case Verdict.ACCEPTED:
                self._emit(TokenAccepted(effect.attempt))
            case Verdict.REFUSED:
                self._emit(TokenRefused(effect.attempt))
            case Verdict.UNKNOWN:
                self._emit(TokenUnchecked(effect.attempt))

    async def _resolve(self, effect: ResolveGateway) -> None:
        gateway = await self._gateways.resolve(effect.name, effect.hoped)
        self._emit(GatewayUnresolved(effect.attempt) if gateway is None else GatewayResolved(effect.attempt, gateway))

    async def _sync_history(self, effect: SyncHistory) -> Outcome:
        resolve = partial(self._gateways.resolve, effect.gateway, effect.address)
        outcome = await self._history_syncs.sync(effect, resolve)
        self._emit(outcome)
        return outcome

    async def _write(self, write: Callable[[], None], attempt: int | None = None, what: str = "the pairing") -> None:
        """Write to flash, after any earlier write has ended."""
        async with self._store_lock:
            try:
                async with asyncio.timeout(STORE_TIMEOUT):
                    await in_daemon_thread(write, f"write {what}")
            except (OSError, TimeoutError) as error:
                self._log_once(logging.ERROR, f"Can't save {what}: {str(error) or 'the disk does not respond'}")
                outcome: Event | None = None if attempt is None else TokenNotStored(attempt)
            else:
                outcome = None if attempt is None else TokenStored(attempt)
        if outcome is not None:
            self._emit(outcome)

    def _log_once(self, level: int, words: str) -> None:
        """Log a message only once, because its cause may recur every second."""
        if words not in self._logged and len(self._logged) < 100:
            self._logged.add(words)
            log.log(level, "%s", words)
