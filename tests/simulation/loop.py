"""Virtual time: an event loop without sockets, threads or a clock. Owns the order of all callbacks.

Ready callbacks run in order, as in asyncio's loops; time advances only when none is ready, to the next timer. Two runs
of one seed are identical, step by step.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any

START = 1000.0
"""Virtual seconds at the start: arbitrary, as for a real monotonic clock."""
CANCELLED_AT_LEAST = 200
"""Cancelled timers that must accumulate before they are removed from the heap."""
NEVER = 1 << 62


class DeadlockError(Exception):
    """No callback is ready and no timer is set, so nothing would ever happen again."""


class SimTask(asyncio.Task[Any]):
    """A task with a hash from its creation order, so that cancelling a set of tasks is deterministic."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, Any], **named: Any) -> None:
        self.number = number
        super().__init__(coro, **named)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(asyncio.BaseEventLoop):
    """steps: callbacks run so far. stalled: seconds in which nothing ran.

    connect, attach: replace socket calls; set by the network.
    """

    # Attributes of asyncio that its type stubs omit.
    _scheduled: list[tuple[float, int, Any]]
    _ready: Any
    _timer_cancelled_count: int
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._now = START
        self._created = self._timers = 0
        self.steps = 0
        self.stalled = 0.0
        self._breakpoint: tuple[int, Callable[[], None]] = (NEVER, lambda: None)
        self.connect: Callable[[Any, Any], Coroutine[Any, Any, None]] | None = None
        self.attach: Callable[[Callable[[], asyncio.Protocol], Any], tuple[Any, Any]] | None = None
        self.set_task_factory(self._task)

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def stall(self, seconds: float) -> None:
        """No callback runs for so long, as on a throttled board; timers are late by as much."""
        self._now += seconds
        self.stalled += seconds

    def at_step(self, steps: int, call: Callable[[], None]) -> None:
        """Call after so many more callbacks, a moment that no timer can choose. Each call replaces the one before."""
        self._breakpoint = (self.steps + steps, call)

    def _task(self, loop: asyncio.AbstractEventLoop, coro: Any, **named: Any) -> asyncio.Future[Any]:
        self._created += 1
        return SimTask(self._created, coro, loop=loop, **named)

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Like asyncio's, on the simulated network."""
        assert self.connect is not None
        await self.connect(sock, address)

    async def create_connection(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:
        """Like asyncio's, for a socket of the simulated network."""
        assert self.attach is not None
        return self.attach(protocol_factory, sock)

    def _write_to_self(self) -> None:
        """There is no thread to wake up."""

    def call_at(  # type: ignore[override] # it accepts asyncio's arguments
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Like asyncio's; timers for the same moment run in the order in which they were set."""
        handle: Any = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers += 1
        heapq.heappush(self._scheduled, (when, self._timers, handle))
        handle._scheduled = True
        timer: asyncio.TimerHandle = handle
        return timer

    def _run_once(self) -> None:
        scheduled, ready = self._scheduled, self._ready
        if self._timer_cancelled_count > max(CANCELLED_AT_LEAST, len(scheduled) // 2):
            scheduled[:] = [entry for entry in scheduled if not entry[2]._cancelled]
            heapq.heapify(scheduled)
            self._timer_cancelled_count = 0
        now = self._now
        if not ready and not self._stopping:
            while scheduled and scheduled[0][2]._cancelled:
                heapq.heappop(scheduled)
                self._timer_cancelled_count -= 1
            if not scheduled:
                raise DeadlockError
            if scheduled[0][0] > now:
                self._now = now = scheduled[0][0]
        while scheduled and scheduled[0][0] <= now:
            handle = heapq.heappop(scheduled)[2]
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count -= 1
            else:
                ready.append(handle)
        for _ in range(len(ready)):
            following = ready.popleft()
            if not following._cancelled:
                following._run()
                self.steps += 1
                if self.steps >= self._breakpoint[0]:
                    _, call = self._breakpoint
                    self._breakpoint = (NEVER, lambda: None)
                    call()
