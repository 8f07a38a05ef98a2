"""The folders in which a person leaves updates: USB sticks, and the card's volume TT-CONFIG, written on a PC."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance import sticks
from appliance.core.updates import UpdateSource
from appliance.update.places import Places

SUFFIX = ".raucb"
MOST_BUNDLES = 16
"""Bundles that are checked in a folder, by their names from the last one: each check takes seconds on a slow stick."""

log = logging.getLogger("appliance.update")

Offer = tuple[UpdateSource, Path]
"""A file that may be a bundle, and where it is."""


@contextmanager
def offers(places: Places, devices: Callable[[], Sequence[Path]] = sticks.devices) -> Iterator[list[Offer]]:
    """Mount all USB sticks for the block, read-only, and yield the bundles on them and on the card.

    devices: lists the sticks' file systems. Raises OSError.
    """
    with ExitStack() as mounts:
        found = []
        for device in devices():
            at = places.root / "run" / f"tt-stick-{device.name}"
            try:
                folder = mounts.enter_context(sticks.mounted(device, writable=False, at=at))
            except OSError as error:
                log.info("%s", error.strerror)
            else:
                found += [(UpdateSource.USB, path) for path in bundles(folder)]
        yield [*found, *((UpdateSource.CARD, path) for path in bundles(places.config_folder))]


def bundles(folder: Path) -> list[Path]:
    """The bundles in a folder, not below it. Files of a Mac that begin with a dot are none."""
    try:
        named = [
            path for path in folder.iterdir() if path.name.lower().endswith(SUFFIX) and not path.name.startswith(".")
        ]
        return sorted((path for path in named if path.is_file()), reverse=True)[:MOST_BUNDLES]
    except OSError as error:
        # The stick was pulled out, or its file system is damaged.
        log.info("can't read %s: %s", folder, error.strerror)
        return []
