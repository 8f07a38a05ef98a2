"""The slot that the board's loader starts: reads and writes it in autoboot.txt, on the card's first partition.

The file is one sector, which is replaced in place by one write, past the file system: a power cut leaves the old
sector or the new one, and nothing else on the partition is ever written.
"""

from __future__ import annotations

import os
from pathlib import Path

from appliance.update.fat import SECTOR, FatError, find, read
from appliance.update.places import OTHER

NAME = "AUTOBOOT.TXT"
PARTITION = {"A": 2, "B": 3}
"""Each slot's partition on the card."""
_TEXT = """\
# Written by the box.
[all]
tryboot_a_b=1
boot_partition={0}
[tryboot]
boot_partition={1}
[none]
boot_partition={0}
"""
"""The loaders of old EEPROMs ignore sections and take the last line: it is the committed slot's, too."""


_MOST_BYTES = 4096


class AutobootError(Exception):
    """autoboot.txt is missing or no sector's size, or did not take the slot."""


def sector(slot: str) -> bytes:
    """The content of autoboot.txt that commits a slot."""
    return _TEXT.format(PARTITION[slot], PARTITION[OTHER[slot]]).encode().ljust(SECTOR, b"\n")


def committed(config: Path) -> str:
    """The slot that starts unless the other one is tried. config: the card's first partition.

    Where the file names no slot it is A, which the loader then starts: its partition is the first with a system.

    Raises:
        OSError: The card can't be read.
    """
    device = os.open(config, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = read(device, NAME, _MOST_BYTES)
    except FatError:
        return "A"
    finally:
        os.close(device)
    return _named(found)


def check(config: Path) -> None:
    """Check that a slot could be committed. Raises as commit() does."""
    device = os.open(config, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _place(device)
    finally:
        os.close(device)


def commit(config: Path, slot: str) -> None:
    """Let the loader start this slot from now on.

    Raises:
        AutobootError, FatError: There is no such file, or the card kept something else.
        OSError: The card can't be written.
    """
    wanted = sector(slot)
    device = os.open(config, os.O_RDWR | os.O_CLOEXEC)
    try:
        at = _place(device)
        if os.pread(device, SECTOR, at) != wanted:
            os.pwrite(device, wanted, at)
            os.fsync(device)
        # To read it from the card again, and not from the cache.
        os.posix_fadvise(device, at, SECTOR, os.POSIX_FADV_DONTNEED)
        if os.pread(device, SECTOR, at) != wanted:
            raise AutobootError(f"the card did not keep {NAME.lower()}")
    finally:
        os.close(device)


def _named(text: bytes) -> str:
    """The slot that a loader reads from this text, which a person may have edited: the last value that holds."""
    slot, holds = "A", True
    for line in text.decode("ascii", "replace").splitlines():
        line = line.strip()
        if line.startswith("["):
            holds = line == "[all]"
        elif holds and line.startswith("boot_partition="):
            slot = "B" if line.partition("=")[2].strip() == str(PARTITION["B"]) else "A"
    return slot


def _place(device: int) -> int:
    file = find(device, NAME)
    if file.size != SECTOR:
        raise AutobootError(f"{NAME.lower()} has {file.size} bytes instead of {SECTOR}")
    return file.extents[0][0]
