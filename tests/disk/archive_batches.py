"""Batches of orders, written so that a test can see whether the archive has all of a batch or a part of it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from appliance.core.delivery import Finished
from appliance.history.archive import Archive, Progress, Query
from appliance.history.schema import FILE, open_archive

GATEWAY = "Bar"
SIZES = (1, 3, 40, 400)
"""Orders of each batch, in turn."""
BEGAN = 8.2e8
"""Seconds since the archive's epoch: the first order's beginning."""


def batch(number: int) -> list[Finished]:
    """The orders of a batch. number: from 1."""
    first = number * 1000
    return [
        Finished(str(UUID(int=n)), str(n % 50), "ON_PREMISE", "8", False, BEGAN + n, BEGAN + n + 200.0, 0.0)
        for n in range(first, first + SIZES[number % len(SIZES)])
    ]


def archive_batch(archive: Archive, number: int) -> None:
    """Archive one batch. Raises ArchiveError."""
    archive.add(GATEWAY, batch(number), Progress(float(number)))


def count_batches(directory: Path) -> int:
    """The number of batches in the archive. Raises AssertionError unless each is complete, and ArchiveError."""
    if not (directory / FILE).exists():
        return 0
    with open_archive(directory) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    archive = Archive(directory)
    done = int(archive.progress(GATEWAY).read_to or 0)
    kept = [order.uuid for order in archive.orders(GATEWAY, Query())]
    assert kept == [order.uuid for number in range(1, done + 1) for order in batch(number)], (
        "part of a batch is missing"
    )
    assert not list(directory.glob(f"{FILE}.damaged*")), "the archive was considered damaged"
    return done
