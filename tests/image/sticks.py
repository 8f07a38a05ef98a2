"""USB sticks for the machine: files with a FAT or an exFAT, partitioned or not, as a PC formats them."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.blackbox.lab import run

SIZE = 64 << 20
"""Bytes: the least that mkfs makes a FAT32 of."""
START = 1 << 20
"""Bytes before the partition."""
TYPES = {"vfat": 0x0C, "exfat": 0x07}


def make_stick(path: Path, kind: str, *, partitioned: bool, size: int = SIZE) -> Path:
    """Format a stick. kind: `vfat` or `exfat`. size: in bytes."""
    volume = path.with_suffix(".volume")
    with volume.open("wb") as file:
        file.truncate(size)
    run(f"mkfs.{kind}", *(["-F", "32"] if kind == "vfat" else []), str(volume))
    before = b""
    if partitioned:
        # Addresses in cylinders are not used any more.
        entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", TYPES[kind], b"\xfe\xff\xff", START // 512, size // 512)
        before = (bytes(446) + entry + bytes(48) + b"\x55\xaa").ljust(START, b"\0")
    path.write_bytes(before + volume.read_bytes())
    volume.unlink()
    return path


def read_copies(stick: Path, to: Path) -> list[Path]:
    """Copy the copies from a FAT stick without partitions to a folder."""
    run("mcopy", "-n", "-i", str(stick), "::*.zip", str(to))
    return sorted(to.glob("*.zip"))
