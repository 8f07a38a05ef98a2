"""A worn card: the kernel verifies and repairs the root on each read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from random import SystemRandom

import pytest

from tests.image.card import BLOCK, root_offset
from tests.image.conftest import Built, Rig

pytestmark = [pytest.mark.image, pytest.mark.release]

MIB = 1 << 20
INODES_AT = 64
"""Offset of the squashfs field with the start of the inodes, which follow the files' data."""
NEEDED, UNUSED = "usr/bin/python3.13", "usr/bin/ssh"
"""A file that each start reads, and one that none does; both are larger than a compressed block."""
PACKED = 256 << 10
"""Bytes of a file in one compressed block."""
SECTOR = 512


def test_damaged_blocks_are_repaired_or_reported(rig: Rig, built: Built, tmp_path: Path) -> None:
    """Lose eight kilobytes of each two megabytes, and a sector; then more than the spare symbols can repair."""
    box = rig.box
    start, (blocks, covered, spare) = root_offset(box.card), _verity(built)
    places = [at + SystemRandom().randrange(2 * MIB - 2 * BLOCK) for at in range(0, covered * BLOCK, 2 * MIB)]
    # The last one is the root of the hash tree.
    places = [at for at in places if at < (blocks - 2) * BLOCK] + [blocks * BLOCK]
    with box.card.open("r+b") as card:
        for at in places:
            card.seek(start + at)
            card.write(SystemRandom().randbytes(2 * BLOCK))
    box.start(unreadable=(start + _where(built, tmp_path, NEEDED)) // SECTOR)
    box.wait_ready(300)
    box.reads("Press", timeout=240)
    assert "corrected" in box.text("dmesg | grep verity")
    assert "I/O error" in box.text("dmesg")
    assert box.text("ls /run/tt-appliance") == ""
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    rig.pair()
    box.pull_plug()

    at = _where(built, tmp_path, UNUSED)
    with built.image.open("rb") as image, box.card.open("r+b") as card:
        image.seek(start)
        card.seek(start)
        card.write(image.read(covered * BLOCK))
        card.seek(start + at)
        card.write(SystemRandom().randbytes(BLOCK))
        card.seek(start + spare * BLOCK)
        card.write(bytes(8 * MIB))
    box.start()
    box.wait_ready(300)
    box.reads("orders", timeout=240)
    assert box.text("ls /run/tt-appliance") == "", "nothing has read the damaged file"
    assert "error" in box.text(f"cat /{UNUSED} >/dev/null")
    box.save("10-system-damaged", box.reads("orders", "SD card is broken", timeout=120))
    assert box.text("ls /run/tt-appliance") == "system-damaged"


def _verity(built: Built) -> tuple[int, int, int]:
    """The number of blocks of the root, the number with its hash tree, and the first block of the spare symbols."""
    found = re.search(r"tt\.verity=(\d+):(\d+):(\d+):", (built.boot / "cmdline.txt").read_text())
    assert found is not None
    return int(found[1]), int(found[2]), int(found[3])


def _where(built: Built, folder: Path, name: str) -> int:
    """The offset of a file's data in the root's image, in bytes."""
    root = folder / "root.img"
    with built.image.open("rb") as image, root.open("w+b") as file:
        image.seek(root_offset(built.image))
        file.write(image.read(_verity(built)[0] * BLOCK))
        file.seek(INODES_AT)
        end = int.from_bytes(file.read(8), "little") // BLOCK
    sound = _content(root, name)
    assert len(sound) == PACKED
    first = 1
    while end - first > 1:
        half = (first + end) // 2
        with root.open("r+b") as file:
            file.seek(first * BLOCK)
            was = file.read((half - first) * BLOCK)
            file.seek(first * BLOCK)
            file.write(bytes(len(was)))
            file.flush()
            in_first = _content(root, name) != sound
            file.seek(first * BLOCK)
            file.write(was)
        first, end = (first, half) if in_first else (half, end)
    root.unlink()
    return first * BLOCK


def _content(root: Path, name: str) -> bytes:
    done = subprocess.run(["unsquashfs", "-quiet", "-cat", root, name], capture_output=True, check=False)
    return done.stdout[:PACKED]
