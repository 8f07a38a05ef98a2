"""USB sticks: finds their file systems, and mounts one for a while.

The mount is seen by this process alone if its unit has a mount namespace of its own.
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = Path("/sys/class/block")
MOUNT_POINT = Path("/run/tt-stick")
FORMATS = {"vfat": "nosuid,nodev,noexec,utf8,umask=0077", "exfat": "nosuid,nodev,noexec,umask=0077"}
"""The file systems that PCs write to sticks (FAT32 and exFAT), and the options for each: readable by root alone."""
LONGEST_BUSY = 10.0
"""Seconds for which another program may use the stick."""
LONGEST_MOUNT = 60.0
"""Seconds: a large exFAT stick takes some."""


def devices(block: Path = BLOCK) -> list[Path]:
    """The partitions of all USB disks, and the disks that have none, such as /dev/sda1; the latest disk first."""
    found = []
    for entry in sorted(block.iterdir(), reverse=True):
        where = entry.resolve()
        is_usb = any(part.startswith("usb") for part in where.parts)
        partitioned = any((child / "partition").exists() for child in where.iterdir()) if is_usb else False
        if is_usb and not partitioned and _size(where) > 0:
            found.append(Path("/dev", entry.name))
    return found


def is_read_only(device: Path, block: Path = BLOCK) -> bool:
    """Whether the stick has a switch for write protection, and it is on."""
    return (block / device.name / "ro").read_text().strip() == "1"


@contextmanager
def mounted(device: Path, *, writable: bool, at: Path = MOUNT_POINT) -> Iterator[Path]:
    """Mount a file system for the block, writing through to the stick, and yield its folder.

    Raises:
        OSError: It has none of the formats, or can't be mounted.
    """
    at.mkdir(mode=0o700, exist_ok=True)
    ends = time.monotonic() + LONGEST_BUSY
    while not any(_mount(device, kind, writable, at) for kind in FORMATS):
        # The look for an update mounts it read-only, and the kernel then refuses to mount it for writing.
        if not writable or time.monotonic() > ends:
            why = f"can't mount {device}: neither FAT nor exFAT, or damaged"
            raise OSError(errno.EINVAL, why, str(at))
        time.sleep(1)
    try:
        yield at
    finally:
        # A stick that was pulled out is unmounted, too.
        subprocess.run(["umount", str(at)], capture_output=True, check=False, timeout=LONGEST_MOUNT)


def _mount(device: Path, kind: str, writable: bool, at: Path) -> bool:
    options = f"{FORMATS[kind]},{'rw,sync' if writable else 'ro'}"
    command = ["mount", "-i", "-t", kind, "-o", options, str(device), str(at)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST_MOUNT)
    return done.returncode == 0


def writable_after_mount(folder: Path) -> bool:
    """Whether the kernel let us mount it for writing: it turns a damaged FAT to read-only."""
    return not os.statvfs(folder).f_flag & os.ST_RDONLY


def _size(device: Path) -> int:
    try:
        return int((device / "size").read_text())
    except (OSError, ValueError):
        # It was pulled out meanwhile.
        return 0
