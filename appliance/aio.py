"""asyncio helpers: blocking calls and long computations on daemon threads, and named one-shot timers."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(call: Callable[[], T], name: str) -> T:
    """Run a blocking call on a daemon thread; return its result, or raise its exception.

    Cancelling only stops waiting: the call itself can't be stopped. asyncio.to_thread is not used because the process
    joins its threads at exit, so that one hanging call would delay the shutdown on SIGTERM.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = call()
        except StopIteration as caught:
            error = RuntimeError("the call raised StopIteration, which a future can't hold")
            error.__cause__ = caught
        except BaseException as caught:  # noqa: BLE001 - re-raised in the caller
            error = caught
        # The loop may be closed by now: then nobody is waiting for the result.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await done


USUAL_TURNS = sys.getswitchinterval()
SHORT_TURNS = 0.001
"""Seconds for which a computing thread may keep Python's lock while the loop waits. The loop releases the lock at
each system call; with the usual 5 ms, a slow board would lose half a second between two beats of the watchdog."""
_computing = 0


async def compute_in_thread(call: Callable[[], T], name: str) -> T:
    """Run a long computation on a daemon thread, so that the loop serves signals, watchdog and buzzer meanwhile.

    A garbage collection would stop all threads, for longer the more objects there are; so there is none while objects
    are made by the hundred thousand.
    """
    global _computing
    if not _computing:
        gc.disable()
        sys.setswitchinterval(SHORT_TURNS)
    _computing += 1
    try:
        return await in_daemon_thread(call, name)
    finally:
        _computing -= 1
        if not _computing:
            gc.enable()
            sys.setswitchinterval(USUAL_TURNS)


class Timers:
    """Named one-shot timers of one owner."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call `call` once after `seconds`; restarting or stopping the timer cancels it."""
        self.stop(name)
        self._running[name] = asyncio.get_running_loop().call_later(seconds, self._run_out, name, call)

    def stop(self, name: str) -> None:
        """Stop a timer, if it is running."""
        handle = self._running.pop(name, None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        """Stop all timers."""
        for name in list(self._running):
            self.stop(name)

    def _run_out(self, name: str, call: Callable[[], None]) -> None:
        del self._running[name]
        call()
