"""Reads standard input and writes standard output without blocking the loop: one daemon thread for each descriptor.

The descriptors stay in blocking mode, because other programs may share them. Python's stream objects are not used: a
thread that hangs in one holds its lock, which breaks the shutdown of the interpreter.
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
"""Bytes per read; the next read waits until the loop has consumed them, so that a fast writer can't flood it."""


class Reader:
    """Reads a descriptor. received: called in the loop's thread with each chunk, and with b"" at the end of input."""

    def __init__(self, fd: int, received: Callable[[bytes], None]) -> None:
        self._fd = fd
        self._received = received
        self._consumed: SimpleQueue[None] = SimpleQueue()
        self._closed = threading.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="input", daemon=True).start()

    def close(self) -> None:
        """Stop calling `received`. The thread may stay in its last read until the process exits."""
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
                # The descriptor was non-blocking already, and another process read the data.
                continue
            except (OSError, ValueError) as error:
                # The terminal hung up, or the descriptor was closed: both count as the end of the input.
                log.debug("end of input: %s", error)
                chunk = b""
            try:
                self._loop.call_soon_threadsafe(self._deliver, chunk)
            except RuntimeError:
                # The loop is closed: nobody needs the input.
                return
            self._consumed.get()


class Writer(Generic[T]):
    """Writes items to a descriptor, in order.

    encode: encodes an item, in the writer's thread. failed: called once, in the loop's thread, if a write fails.
    capacity: the number of items to queue for a slow reader; beyond it, the oldest are dropped. loss_level: the level
    at which to log that.
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
        """Queue an item. Returns at once."""
        if len(self._items) == self._items.maxlen and not self._dropping:
            log.log(self._loss_level, "the reader of the output is too slow; dropping the oldest lines")
            self._dropping = True
        elif not self._items:
            self._dropping = False
        self._items.append(item)
        self._wake.put(True)

    async def close(self, within: float) -> bool:
        """Wait up to `within` seconds until everything is written; return whether it was."""
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
            # The reader is gone, or the disk is full: the output has ended.
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
            # The loop was closed without waiting for a reader that is stuck.
            log.debug("the loop was closed before the output thread ended")
