"""How a list that changes while it is read is read by pages without losing an order. Pure: it asks and is told.

The gateway's pages are numbered by offset, and every order that is put in or purged before an offset moves what lies
behind it. So each page begins some orders before the end of what was read. As long as it holds one of those that were
read, nothing that lasted lies between them and the orders after it; where it holds none, the list has shrunk, and the
reading goes back until it meets what it knows. Whatever way the gateway sorts its list, an order that was in it from
the first page to the last is read; one that is put in behind the reader's back is found by reading once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OVERLAP = 10
"""Orders that two pages have in common: so many may be purged between two requests before one has to be repeated."""
GO_BACK = 100
"""Orders that the reading goes back at first when it has lost its place; doubled each time."""
SHORT_PAGES = 3
"""Short pages in a row that are the end of the list, though it grows by some orders with each of them."""
MOST_RETREATS = 64
"""Retreats of one reading, after which the list changes faster than it can be read."""
MOST_IN_VAIN = 200
"""Pages in a row with nothing new, after which the offset means nothing there, or the list grows faster than it is
read: a busy fortnight has 160 pages, so that no way back from a retreat is as long."""


class RestlessError(Exception):
    """The list changes faster than it can be read."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the list, to go on from later. tail: the last uuids that were read before it."""

    offset: int
    tail: tuple[str, ...]


class Paging:
    """One reading of a list from its beginning to its end, or from a mark on. The caller asks for `offset`."""

    def __init__(self, mark: Mark | None = None) -> None:
        self.offset = 0 if mark is None else mark.offset
        self.done = False
        self.pages = 0
        self._read = set() if mark is None else set(mark.tail)
        self._tail: tuple[str, ...] = () if mark is None else mark.tail
        # How many of the next page's orders are known to be in it: when it has no more than these, the list ends there.
        self._shared = 0
        self._largest = 0
        self._short = 0
        self._back = GO_BACK
        self._retreats = 0
        self._in_vain = 0

    @property
    def mark(self) -> Mark:
        """Where a later reading may go on."""
        return Mark(self.offset, self._tail)

    def take(self, uuids: Sequence[str]) -> None:
        """The page at `offset`: its uuids in the list's order, empty for an order that could not be read.

        Raises:
            RestlessError: Its place in the list is lost again and again, or no page brings anything new.
        """
        self.pages += 1
        known = {uuid for uuid in uuids if uuid}
        if self.offset and not known & self._read:
            self._retreat()
            return
        self._back = GO_BACK
        unread = known - self._read
        self._read |= known
        self._in_vain = 0 if unread else self._in_vain + 1
        if self._in_vain > MOST_IN_VAIN:
            raise RestlessError
        self._tail = tuple(uuid for uuid in uuids if uuid)[-OVERLAP:] or self._tail
        # A gateway may give fewer than it was asked for: only beside its own others is a page known to be the last.
        self._short = self._short + 1 if len(uuids) < self._largest else 0
        self._largest = max(self._largest, len(uuids))
        if len(uuids) <= self._shared or (self._short and not unread) or self._short == SHORT_PAGES:
            self.done = True
            return
        self._shared = min(OVERLAP, max(1, len(uuids) // 2))
        self.offset += len(uuids) - self._shared

    def refused(self) -> None:
        """There is no page at `offset`, says the gateway: the list has shrunk. Raises RestlessError."""
        if not self.offset:
            self.done = True
        else:
            self._retreat()

    def _retreat(self) -> None:
        self._retreats += 1
        if self._retreats > MOST_RETREATS:
            raise RestlessError
        self.offset = max(0, self.offset - self._back)
        self._back *= 2
        self._shared = 0
        if not self.offset:
            self._read.clear()
