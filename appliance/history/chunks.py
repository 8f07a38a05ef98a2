"""Reads a list in chunks while it changes, without missing an order. Pure: the caller fetches the chunks.

The gateway's chunks have offsets, so each order that is added or purged before an offset shifts the orders after it.
Therefore each chunk overlaps the last one. If a chunk contains a known order, no order between the two was missed.
If it contains none, the list has shrunk, and the reading goes back until it finds a known order. Independent of the
sort order, every order that is in the list during the whole reading is read; orders that are added behind the current
offset are found by a second reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OVERLAP = 10
"""Overlap of two chunks in orders: so many may be purged between two requests without a repetition."""
GO_BACK = 100
"""Orders to go back when a chunk has no known order; doubled each time."""
SHORT_CHUNKS = 3
"""Consecutive short chunks that mean the end of a list that keeps growing."""
MAX_RETREATS = 64
"""Retreats in one reading, after which the list is considered too unstable to read."""
MAX_FRUITLESS_CHUNKS = 200
"""Consecutive chunks without a new order, after which the gateway ignores the offset, or the list grows faster than it
is read. A busy fortnight has 160 chunks, so no retreat causes so many."""


class UnstableListError(Exception):
    """The list changes faster than it can be read."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in the list to resume from. tail: the last uuids before it."""

    offset: int
    tail: tuple[str, ...]


class ChunkedReading:
    """One reading of a list, from its beginning or a mark. The caller fetches the chunk at `offset`."""

    def __init__(self, mark: Mark | None = None) -> None:
        self.offset = 0 if mark is None else mark.offset
        self.done = False
        self.chunks = 0
        self._read = set() if mark is None else set(mark.tail)
        self._tail: tuple[str, ...] = () if mark is None else mark.tail
        # Known orders at the start of the next chunk: if it has no more than these, it is the last one.
        self._shared = 0
        self._largest = 0
        self._short = 0
        self._back = GO_BACK
        self._retreats = 0
        self._fruitless_chunks = 0

    @property
    def mark(self) -> Mark:
        """The position for a later reading to resume from."""
        return Mark(self.offset, self._tail)

    def take(self, uuids: Sequence[str]) -> None:
        """Take the chunk at `offset`: its uuids in order, empty for unreadable orders.

        Raises:
            UnstableListError: Too many retreats, or too many chunks without a new order.
        """
        self.chunks += 1
        known = {uuid for uuid in uuids if uuid}
        if self.offset and not known & self._read:
            self._retreat()
            return
        self._back = GO_BACK
        unread = known - self._read
        self._read |= known
        self._fruitless_chunks = 0 if unread else self._fruitless_chunks + 1
        if self._fruitless_chunks > MAX_FRUITLESS_CHUNKS:
            raise UnstableListError
        self._tail = tuple(uuid for uuid in uuids if uuid)[-OVERLAP:] or self._tail
        # A gateway may return fewer orders than requested, so a chunk is short only compared with its other chunks.
        self._short = self._short + 1 if len(uuids) < self._largest else 0
        self._largest = max(self._largest, len(uuids))
        if len(uuids) <= self._shared or (self._short and not unread) or self._short == SHORT_CHUNKS:
            self.done = True
            return
        self._shared = min(OVERLAP, max(1, len(uuids) // 2))
        self.offset += len(uuids) - self._shared

    def refused(self) -> None:
        """Handle a refused offset: the list has shrunk. Raises UnstableListError."""
        if not self.offset:
            self.done = True
        else:
            self._retreat()

    def _retreat(self) -> None:
        self._retreats += 1
        if self._retreats > MAX_RETREATS:
            raise UnstableListError
        self.offset = max(0, self.offset - self._back)
        self._back *= 2
        self._shared = 0
        if not self.offset:
            self._read.clear()
