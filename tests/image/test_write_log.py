"""The log of a card's writes, and the card's possible contents after a cut. Needs no image."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from random import Random

import pytest

from tests.image.write_log import MAGIC, SECTOR, cut, entries


def log_of(*writes: tuple[int, bytes, int]) -> bytes:
    """A log of (sector, data, flags), as QEMU writes it."""
    log = struct.pack("<QQQL", MAGIC, 1, len(writes), SECTOR).ljust(SECTOR, b"\0")
    for sector, data, flags in writes:
        log += struct.pack("<QQQQ", sector, len(data) // SECTOR, flags, 0).ljust(SECTOR, b"\0") + data
    return log


def sector(letter: str) -> bytes:
    return letter.encode() * SECTOR


def test_flushed_writes_are_kept_and_others_at_random(tmp_path: Path) -> None:
    log, card = tmp_path / "log", tmp_path / "card"
    log.write_bytes(log_of((0, sector("a"), 0), (0, b"", 1), (1, sector("b"), 0), (2, sector("c"), 0)))
    seen = set()
    for seed in range(60):
        card.write_bytes(bytes(3 * SECTOR))
        outcome = cut(log, card, Random(seed))
        assert outcome.kept + outcome.lost == 3
        content = card.read_bytes()
        assert content[:SECTOR] == sector("a")
        seen.add((content[SECTOR] != 0, content[2 * SECTOR] != 0))
    # The later one may survive without the earlier one: a card's cache has no order.
    assert seen == {(False, False), (False, True), (True, False), (True, True)}


def test_a_write_through_needs_no_flush(tmp_path: Path) -> None:
    log, card = tmp_path / "log", tmp_path / "card"
    log.write_bytes(log_of((0, sector("a"), 2)))
    for seed in range(20):
        card.write_bytes(bytes(SECTOR))
        assert cut(log, card, Random(seed)).lost == 0
        assert card.read_bytes() == sector("a")


def test_a_cut_may_come_at_any_earlier_write(tmp_path: Path) -> None:
    log, card = tmp_path / "log", tmp_path / "card"
    log.write_bytes(log_of((0, sector("a"), 0), (0, b"", 1), (1, sector("b"), 0), (2, sector("c"), 0)))
    seen = set()
    for seed in range(100):
        card.write_bytes(bytes(3 * SECTOR))
        outcome = cut(log, card, Random(seed), first=0)
        content = card.read_bytes()
        assert outcome.kept == sum(content[at * SECTOR] != 0 for at in range(3))
        if outcome.left < 3:
            assert content[:SECTOR] == sector("a"), "it was flushed"
        if outcome.left:
            assert content[2 * SECTOR] == 0, "it came later"
        seen.add((outcome.left, outcome.lost))
    # No write; one lost or kept; one flushed; one more; two more.
    assert seen == {(4, 0), (3, 0), (3, 1), (2, 0), (1, 0), (1, 1), (0, 0), (0, 1), (0, 2)}


def test_no_cut_comes_before_the_requested_first_write(tmp_path: Path) -> None:
    log, card = tmp_path / "log", tmp_path / "card"
    log.write_bytes(log_of(*((number, sector("a"), 2) for number in range(4))))
    left = set()
    for seed in range(60):
        card.write_bytes(bytes(4 * SECTOR))
        left.add(cut(log, card, Random(seed), first=2).left)
    assert left == {0, 1, 2}


def test_a_truncated_entry_ends_the_log() -> None:
    whole = log_of((0, sector("a"), 0), (1, sector("b"), 0))
    assert len(list(entries(io.BytesIO(whole)))) == 2
    assert len(list(entries(io.BytesIO(whole[:-1])))) == 1
    # QEMU preallocates the log.
    assert len(list(entries(io.BytesIO(whole + bytes(4 * SECTOR))))) == 2


def test_a_cut_before_the_first_write_or_the_first_flush() -> None:
    assert list(entries(io.BytesIO(b""))) == []
    unflushed = bytes(SECTOR) + log_of((3, sector("a"), 0))[SECTOR:]
    assert [entry.offset for entry in entries(io.BytesIO(unflushed))] == [3 * SECTOR]


def test_an_invalid_log_is_rejected() -> None:
    with pytest.raises(ValueError, match="not a log"):
        list(entries(io.BytesIO(sector("x"))))
