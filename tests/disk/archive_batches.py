"""Fillings of an archive that show whether they are stored whole, in part, or not at all."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from appliance.core.delivery import Finished
from appliance.history.archive import Archive, Progress, Query
from appliance.history.schema import FILE, open_archive

GATEWAY = "Bar"
SIZES = (1, 3, 40, 400)
"""Orders of the fillings, in turns."""
BEGAN = 8.2e8
"""Seconds since the archive's epoch: the first order's beginning."""


def filling(number: int) -> list[Finished]:
    """The orders of the filling of that number, counted from 1."""
    first = number * 1000
    return [
        Finished(str(UUID(int=n)), str(n % 50), "ON_PREMISE", "8", False, BEGAN + n, BEGAN + n + 200.0, 0.0)
        for n in range(first, first + SIZES[number % len(SIZES)])
    ]


def fill(archive: Archive, number: int) -> None:
    """Do one filling. Raises ArchiveError."""
    archive.add(GATEWAY, filling(number), Progress(float(number)))


def whole(directory: Path) -> int:
    """How many fillings there are, each whole and in their order. Raises AssertionError, ArchiveError."""
    if not (directory / FILE).exists():
        return 0
    with open_archive(directory) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    archive = Archive(directory)
    done = int(archive.progress(GATEWAY).read_to or 0)
    kept = [order.uuid for order in archive.orders(GATEWAY, Query())]
    assert kept == [order.uuid for number in range(1, done + 1) for order in filling(number)], "half a filling"
    assert not list(directory.glob(f"{FILE}.damaged*")), "it was taken for damaged"
    return done
