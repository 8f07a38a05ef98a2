"""Finds files in the root folder of a FAT file system, without mounting it: FAT12, FAT16 and FAT32.

The layout is that of Microsoft's "FAT32 File System Specification" (2000). A PC may have written the file system, so
every number in it is checked, and no chain of clusters is followed for ever.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

SECTOR = 512
_MOST_CLUSTERS = 1 << 16
"""Clusters of one chain that are followed: more than any of our files or folders has."""
_DIRECTORY, _VOLUME = 0x10, 0x08
_FAT12_CLUSTERS, _FAT16_CLUSTERS = 4085, 65525
"""With fewer clusters, a file system is FAT12, or FAT16."""


class FatError(Exception):
    """It is no FAT file system, or a damaged one, or has no such file."""


@dataclass(frozen=True, slots=True)
class FatFile:
    """A file. extents: places and lengths of its parts in bytes, in order; together at least as long as the file."""

    size: int
    extents: tuple[tuple[int, int], ...]


def find(device: int, name: str) -> FatFile:
    """A file of the root folder. device: a descriptor. name: as in `CMDLINE.TXT`, at most eight and three letters.

    Raises:
        FatError: There is none.
        OSError: The device can't be read.
    """
    return _Volume(device).find(name)


def read(device: int, name: str, most: int) -> bytes:
    """The content of such a file, of at most so many bytes. Raises as find() does."""
    file = find(device, name)
    if file.size > most:
        raise FatError(f"{name} has {file.size} bytes")
    return b"".join(os.pread(device, length, at) for at, length in file.extents)[: file.size]


class _Volume:
    def __init__(self, device: int) -> None:
        self._device = device
        boot = os.pread(device, SECTOR, 0)
        if len(boot) < SECTOR or boot[510:] != b"\x55\xaa":
            raise FatError("no FAT file system")
        sector, per, reserved, fats, entries, small, _, fat16 = struct.unpack_from("<HBHBHHBH", boot, 11)
        large, fat32 = struct.unpack_from("<II", boot, 32)
        if sector != SECTOR or per not in (1, 2, 4, 8, 16, 32, 64, 128) or not 1 <= fats <= 2 or not (fat16 or fat32):
            raise FatError("no FAT file system")
        self._table = reserved * SECTOR
        folder = self._table + fats * (fat16 or fat32) * SECTOR
        self._data = folder + -(-entries * 32 // SECTOR) * SECTOR
        self._cluster = per * SECTOR
        clusters = ((small or large) * SECTOR - self._data) // self._cluster
        self._bits = 12 if clusters < _FAT12_CLUSTERS else 16 if clusters < _FAT16_CLUSTERS else 32
        self._clusters = clusters
        self._folder = (
            self._extents(struct.unpack_from("<I", boot, 44)[0])
            if self._bits == 32
            else ((folder, self._data - folder),)
        )

    def find(self, name: str) -> FatFile:
        stem, _, suffix = name.upper().partition(".")
        wanted = stem.encode().ljust(8) + suffix.encode().ljust(3)
        for at, length in self._folder:
            for entry in struct.iter_unpack("<11sB8xH4xHI", os.pread(self._device, length, at)):
                entry_name, kind, high, low, size = entry
                if entry_name[:1] == b"\0":
                    raise FatError(f"no {name}")
                if entry_name == wanted and not kind & (_DIRECTORY | _VOLUME):
                    extents = self._extents(high << 16 | low if self._bits == 32 else low) if size else ()
                    if sum(length for _, length in extents) < size:
                        raise FatError(f"{name} is damaged")
                    return FatFile(size, extents)
        raise FatError(f"no {name}")

    def _extents(self, first: int) -> tuple[tuple[int, int], ...]:
        return tuple((self._data + (number - 2) * self._cluster, self._cluster) for number in self._chain(first))

    def _chain(self, number: int) -> Iterator[int]:
        for _ in range(_MOST_CLUSTERS):
            if not 2 <= number < self._clusters + 2:
                return
            yield number
            number = self._next(number)

    def _next(self, number: int) -> int:
        if self._bits == 12:
            pair = struct.unpack("<H", self._entry(number + number // 2, 2))[0]
            return int(pair >> 4 if number % 2 else pair & 0xFFF)
        if self._bits == 16:
            return int(struct.unpack("<H", self._entry(2 * number, 2))[0])
        return int(struct.unpack("<I", self._entry(4 * number, 4))[0]) & 0x0FFFFFFF

    def _entry(self, offset: int, size: int) -> bytes:
        data = os.pread(self._device, size, self._table + offset)
        if len(data) < size:
            raise FatError("the file system is cut off")
        return data
