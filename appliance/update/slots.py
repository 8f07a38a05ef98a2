"""The content of a slot: its version, whether it is whole, and the lines for this box that an update carries over.

A slot is a FAT with the files that the loader reads, and behind it the root with its hash tree. PCs write to a FAT that
they mount, so a slot is known by its root's hash: `tt.offset` and `tt.verity` in its CMDLINE.TXT, see initramfs/init.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from appliance.update import fat
from appliance.update.fat import SECTOR, FatError

BLOCK = 4096
HASHES = BLOCK // 32
"""Hashes in a block of the tree."""
LOCAL = "LOCAL.TXT"
"""Lines of config.txt for this box."""
STARTED_FROM = ("CONFIG.TXT", "CMDLINE.TXT", "VMLINUZ", "INITRD.IMG")
VERSION = "VERSION.TXT"
_MOST_BYTES = 4096
"""Of the text files here."""


class SlotError(Exception):
    """The slot has no system, or a damaged one; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Root:
    """Where a slot's root is. offset, blocks: in blocks of 4 KiB. digest: the top hash of its tree."""

    offset: int
    blocks: int
    digest: bytes


def version(slot: Path) -> str | None:
    """The version of the system in a slot; None if it has none. Raises OSError."""
    with _Device(slot) as device:
        try:
            _root(device)
            return fat.read(device, VERSION, _MOST_BYTES).decode("ascii", "replace").strip()
        except (FatError, SlotError):
            return None


def check(slot: Path) -> None:
    """Check that a slot has what the loader reads, and every block of its root. Reads all of it: seconds on a board.

    Raises:
        SlotError: It has no system, or a damaged one.
        OSError: It can't be read.
    """
    with _Device(slot) as device:
        try:
            for name in STARTED_FROM:
                if not fat.find(device, name).size:
                    raise SlotError(f"{name} is empty")
            root = _root(device)
        except FatError as error:
            raise SlotError(str(error)) from None
        _check_root(device, root)


def copy_local_lines(source: Path, target: Path) -> None:
    """Copy the lines of config.txt for this box from one slot to the other, in place.

    What does not fit, or a file that is missing in either, leaves the target as it is.

    Raises:
        OSError: A slot can't be read or written.
    """
    with _Device(source) as device:
        try:
            lines = fat.read(device, LOCAL, SECTOR)
        except FatError:
            return
    with _Device(target, os.O_RDWR) as device:
        try:
            file = fat.find(device, LOCAL)
        except FatError:
            return
        if len(lines) <= file.size <= SECTOR:
            os.pwrite(device, lines.ljust(file.size, b"\n"), file.extents[0][0])
            os.fsync(device)


class _Device:
    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self._path = path
        self._flags = flags

    def __enter__(self) -> int:
        self._descriptor = os.open(self._path, self._flags | os.O_CLOEXEC)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _root(device: int) -> Root:
    line = fat.read(device, "CMDLINE.TXT", _MOST_BYTES).decode("ascii", "replace")
    words = dict(word.split("=", 1) for word in line.split() if "=" in word)
    try:
        blocks, _, _, digest = words["tt.verity"].split(":")
        return Root(int(words["tt.offset"]), int(blocks), bytes.fromhex(digest))
    except (KeyError, ValueError):
        raise SlotError("CMDLINE.TXT names no root") from None


def _check_root(device: int, root: Root) -> None:
    """Check the tree from its top, as dm-verity does. The levels follow the root, the highest first."""
    sizes = []
    below = root.blocks
    while below > 1:
        below = -(-below // HASHES)
        sizes.append(below)
    expected = [root.digest]
    at = root.offset + root.blocks
    for size in reversed(sizes):
        expected = [
            found
            for block, hashed in enumerate(expected[:size])
            for found in _hashes(_checked(device, at + block, hashed))
        ]
        at += size
    if len(expected) < root.blocks:
        raise SlotError("the root's tree is damaged")
    for block in range(root.blocks):
        _checked(device, root.offset + block, expected[block])


def _hashes(block: bytes) -> list[bytes]:
    return [block[at : at + 32] for at in range(0, BLOCK, 32)]


def _checked(device: int, block: int, digest: bytes) -> bytes:
    data = os.pread(device, BLOCK, block * BLOCK)
    if hashlib.sha256(data).digest() != digest:
        raise SlotError(f"block {block} is damaged")
    return data
