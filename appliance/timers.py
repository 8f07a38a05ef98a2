"""Timers by name, each of which runs out once; starting one that runs moves it. For the loop's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


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
