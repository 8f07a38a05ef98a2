"""The contents of a card after a power cut: every flushed write, and a random part of the others.

QEMU's `blklogwrites` logs all writes in order, in the format of Linux' dm-log-writes: a superblock in the first sector,
then entries of a header sector and its data. Any part of the writes after the last flush may be lost.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import BinaryIO

SECTOR = 512
MAGIC = 0x6A736677736872
_FLUSH, _FUA, _DISCARD, _MARK = 1, 2, 4, 8
_HEADER = struct.Struct("<QQQQ")


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. offset, length: on the card, in bytes. at: offset of its data in the log; None without data."""

    offset: int
    length: int
    flags: int
    at: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The number of writes before a cut that are kept, lost, and lucky: kept although they were not flushed.

    left: writes in the log after the cut.
    """

    kept: int
    lost: int
    lucky: int
    left: int = 0


def entries(log: BinaryIO) -> Iterator[Entry]:
    """The log's entries, up to a truncated one. Raises ValueError if it is not a log."""
    log.seek(0)
    (magic,) = struct.unpack_from("<Q", log.read(SECTOR).ljust(SECTOR, b"\0"))
    # QEMU writes the superblock at the first flush, and a cut may come earlier.
    if magic not in (0, MAGIC):
        raise ValueError("not a log of writes")
    at = SECTOR
    end = log.seek(0, 2)
    while at + SECTOR <= end:
        log.seek(at)
        sector, sectors, flags, extra = _HEADER.unpack(log.read(_HEADER.size))
        if not (sectors or flags or extra):
            return
        at += SECTOR
        if flags & (_DISCARD | _MARK):
            yield Entry(sector * SECTOR, sectors * SECTOR, flags, None)
            at += -(-extra // SECTOR) * SECTOR
            continue
        if at + sectors * SECTOR > end:
            return
        yield Entry(sector * SECTOR, sectors * SECTOR, flags, at)
        at += sectors * SECTOR


def cut(log: Path, card: Path, random: Random, *, first: int | None = None) -> Outcome:
    """Apply a log to the card's old contents: all writes up to the last flush, and a random part of the rest.

    first: cut at a random write from this one on, and not at the log's end. A flush follows most writes so soon that a
    cut at a random time seldom falls between the two.
    """
    with log.open("rb") as source, card.open("r+b") as target:
        whole = list(entries(source))
        taken = whole if first is None else whole[: random.randrange(first, len(whole) + 1)]
        flushed = max((at for at, entry in enumerate(taken) if entry.flags & _FLUSH), default=-1)
        share = random.random()
        kept = lost = lucky = 0
        for at, entry in enumerate(taken):
            if entry.at is None or entry.length == 0:
                continue
            if at > flushed and not entry.flags & _FUA:
                if random.random() > share:
                    lost += 1
                    continue
                lucky += 1
            source.seek(entry.at)
            target.seek(entry.offset)
            target.write(source.read(entry.length))
            kept += 1
    return Outcome(kept, lost, lucky, len(whole) - len(taken))
