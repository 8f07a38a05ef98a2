"""The orders that were cleared last: a gateway repeats messages about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

MOST_CLEARED = 1_000
"""The last cleared orders to remember: a gateway repeats a message within minutes."""


def remembered(cleared: Mapping[str, None], more: Iterable[str] = (), active: Iterable[str] = ()) -> Mapping[str, None]:
    """The orders that were cleared last. more: those that were cleared since, the last one at the end. active: those
    that are active after all.
    """
    remembered = dict(cleared)
    for uuid in more:
        remembered.pop(uuid, None)
        remembered[uuid] = None
    for uuid in active:
        remembered.pop(uuid, None)
    for uuid in list(islice(remembered, max(0, len(remembered) - MOST_CLEARED))):
        del remembered[uuid]
    return remembered
