"""Virtual time for tests: an event loop whose clock jumps to the next timer when nothing else is ready."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

START = 1000.0
"""Virtual seconds at the start: arbitrary, as for a real monotonic clock."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time.

    It polls sockets and calls from threads before each jump. patience: real seconds that it waits for those before each
    jump, for tests that use sockets or threads together with timers.
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
    """A selector that never waits for a timer; it reports the time that it would have waited."""

    def __init__(self, jump: Callable[[float], None], patience: float) -> None:
        super().__init__()
        self._jump = jump
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Poll without waiting; without a timer, wait for real events."""
        if timeout is None:
            return super().select(None)
        events = super().select(min(timeout, self._patience))
        if not events and timeout > 0:
            self._jump(timeout)
        return events


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for a condition that another thread or process meets. Raises TimeoutError after so many loop seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is met outside of this loop
            await asyncio.sleep(0.002)


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorator: run an async test in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(test(*args, **kwargs))

    return run
