"""asyncio helpers: blocking calls on daemon threads, and named one-shot timers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(call: Callable[[], T], name: str) -> T:
    """What a blocking call returns or raises.

    Cancelling gives up waiting, and the call itself runs on: it can't be stopped from outside. asyncio.to_thread would
    not do, because its threads are joined when the process ends, and one that hangs would hold up a SIGTERM.
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
            error = RuntimeError("StopIteration, which no future can carry")
            error.__cause__ = caught
        except BaseException as caught:  # noqa: BLE001 - whatever it is, it belongs to the one who awaits the call
            error = caught
        # The loop may be closed by now: then nobody waits for the answer any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await done


class Timers:
    """The timers of one owner."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call this once, in so many seconds, unless the timer is started anew or stopped before."""
        self.stop(name)
        self._running[name] = asyncio.get_running_loop().call_later(seconds, self._run_out, name, call)

    def stop(self, name: str) -> None:
        """Stop a timer; no harm if it does not run."""
        handle = self._running.pop(name, None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        """Stop them all."""
        for name in list(self._running):
            self.stop(name)

    def _run_out(self, name: str, call: Callable[[], None]) -> None:
        del self._running[name]
        call()
