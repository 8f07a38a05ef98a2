"""An order as a row of the archive, and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from appliance.core.delivery import Finished
from appliance.history.schema import DamagedError

FIELDS = "uuid, name, type, location, paged, created, cleared, elapsed, took, sat"
"""The columns of an order, in the order of its row."""


def row_of(gateway: int, order: Finished, seen: Finished | None) -> tuple[object, ...]:
    """The row of an order: its gateway's number, and its FIELDS. seen: what this box saw of it by itself."""
    took = order.took if seen is None or seen.took is None else seen.took
    sat = order.sat if seen is None or seen.sat is None else seen.sat
    facts = (pack(order.uuid), *map(as_text, (order.name, order.order_type, order.location)), order.paged)
    return (gateway, *facts, order.created, order.cleared, order.elapsed, took, sat)


def order_of(row: tuple[Any, ...]) -> Finished:
    """The order of such FIELDS. Raises DamagedError where it is not what was put there."""
    uuid, name, type_, location, paged, *times = row
    texts = all(isinstance(text, str) for text in (name, type_, location))
    if not texts or not all(isinstance(time_, float | None) for time_ in times):
        raise DamagedError("an order is not what was kept")
    try:
        return Finished(unpack(uuid), name, type_, location, bool(paged), *times)
    except (ValueError, TypeError) as error:
        raise DamagedError("an order's identity is not what was kept") from error


def pack(uuid: str) -> bytes | str:
    """A uuid as it is kept: in 16 bytes where it is written as uuids are, else as it is."""
    try:
        known = UUID(uuid)
    except ValueError:
        # It is opaque, and may be anything.
        return as_text(uuid)
    return known.bytes if str(known) == uuid else as_text(uuid)


def unpack(kept: bytes | str) -> str:
    """The uuid again."""
    return kept if isinstance(kept, str) else str(UUID(bytes=kept))


def as_text(text: str) -> str:
    """A text as it can be kept: JSON may hold halves of characters, which are none."""
    return text.encode("utf-8", "replace").decode()
