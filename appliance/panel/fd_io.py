"""Standard input and output without blocking the loop: one daemon thread each, on the bare file descriptor.

The descriptor's own flags stay as they are, for other programs may share it; and no Python stream is touched, because a
thread that hangs in one holds its lock and breaks the interpreter's end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNK = 4096
"""Bytes read at once; the next are read when these were taken, so that a fast writer can't flood the loop."""


class Reader:
    """Reads a descriptor. received: called in the loop's thread with what came, and with b"" once at the end."""

    def __init__(self, fd: int, received: Callable[[bytes], None]) -> None:
        self._fd = fd
        self._received = received
        self._consumed: SimpleQueue[None] = SimpleQueue()
        self._closed = threading.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="input", daemon=True).start()

    def close(self) -> None:
        """Pass nothing on any more. The thread may stay in its last read, which ends with the process."""
        self._closed.set()

    def _deliver(self, chunk: bytes) -> None:
        if not self._closed.is_set():
            self._received(chunk)
        self._consumed.put(None)

    def _run(self) -> None:
        chunk = b"-"
        while chunk and not self._closed.is_set():
            try:
                select.select([self._fd], [], [])
                if self._closed.is_set():
                    return
                chunk = os.read(self._fd, CHUNK)
            except BlockingIOError:
                # The descriptor came non-blocking and somebody else took what was there.
                continue
            except (OSError, ValueError) as error:
                # A terminal that hung up, or a descriptor that was closed: both are the end of the input.
                log.debug("the input ended: %s", error)
                chunk = b""
            try:
                self._loop.call_soon_threadsafe(self._deliver, chunk)
            except RuntimeError:
                # The loop is gone, and so is whoever wanted this.
                return
            self._consumed.get()


class Writer(Generic[T]):
    """Writes items to a descriptor, in order.

    encode: makes an item's bytes, in the writer's thread. failed: called once, in the loop's thread, when the other end
    is gone. capacity: how many items wait for a slow reader; beyond that the oldest are dropped. loss_level: the level of the log
    line that says so.
    """

    def __init__(
        self,
        fd: int,
        encode: Callable[[T], bytes],
        failed: Callable[[OSError], None],
        capacity: int,
        loss_level: int = logging.WARNING,
    ) -> None:
        self._fd = fd
        self._encode = encode
        self._failed = failed
        self._items: deque[T] = deque(maxlen=capacity)
        self._loss_level = loss_level
        self._dropping = False
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="output", daemon=True).start()

    def put(self, item: T) -> None:
        """Write this when its turn comes. Returns at once."""
        if len(self._items) == self._items.maxlen and not self._dropping:
            log.log(self._loss_level, "nobody reads the output fast enough: what is old is dropped")
            self._dropping = True
        elif not self._items:
            self._dropping = False
        self._items.append(item)
        self._wake.put(True)

    async def close(self, within: float) -> bool:
        """Wait until all is written, at most so many seconds; whether it was."""
        self._wake.put(False)
        try:
            await asyncio.wait_for(self._ended.wait(), within)
        except TimeoutError:
            return False
        return True

    def _run(self) -> None:
        try:
            running = True
            while running:
                running = self._wake.get()
                while self._items:
                    self._write(self._encode(self._items.popleft()))
        except OSError as error:
            # The other end is gone, or the disk behind it is full: whoever reads this panel is lost.
            self._call(self._failed, error)
        finally:
            self._call(self._ended.set)

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select([], [self._fd], [])

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            # The loop did not wait for a reader that is stuck.
            log.debug("the output's thread outlived the loop")
