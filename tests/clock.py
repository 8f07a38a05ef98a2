"""Time that tests advance: an event loop whose clock jumps to the next timer as soon as there is nothing else to do."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

START = 1000.0
"""Where virtual time begins, in seconds: like a real monotonic clock's, it means nothing."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time.

    It polls its sockets and the calls from threads before each jump. patience: real seconds that it gives those before
    each jump, for tests that use sockets or threads and timers together.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self._now = START
        super().__init__(_JumpingSelector(self._jump, patience))

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that never waits for a timer: it tells the time that it would have waited."""

    def __init__(self, jump: Callable[[float], None], patience: float) -> None:
        super().__init__()
        self._jump = jump
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As every selector's, but in no time at all; without a timer there is only the real world to wait for."""
        if timeout is None:
            return super().select(None)
        events = super().select(min(timeout, self._patience))
        if not events and timeout > 0:
            self._jump(timeout)
        return events


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Wait for what another thread or process brings about. Raises TimeoutError after so many of the loop's seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of this loop
            await asyncio.sleep(0.002)


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Run an async test in virtual time: `@virtual_time` above it."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(test(*args, **kwargs))

    return run
