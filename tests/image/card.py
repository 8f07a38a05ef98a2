"""The card's file: a copy of the image with a card's size, and a person's edits on a PC."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Literal

from tests.blackbox.lab import run
from tests.image.loader import load, offset

Worn = Literal["read-only", "failing"] | None

BLOCK = 4096
"""Bytes of a block of the root."""
MIB = 1 << 20
FIRST_PARTITION = "@@4M"
"""Its offset, as mtools expects it."""


def copy_card(image: Path, to: Path, size: str = "1G") -> Path:
    """Copy the image to a larger card, and return it."""
    subprocess.run(["cp", "--sparse=always", image, to], check=True)
    subprocess.run(["truncate", "-s", size, to], check=True)
    return to


def root_offset(card: Path) -> int:
    """Where the root begins in the slot that starts, in bytes."""
    loaded = load(card, tryboot=False)
    found = re.search(r"tt\.offset=(\d+) ", loaded.command_line)
    assert found is not None
    return offset(card, loaded.partition) + int(found[1]) * BLOCK


def write_settings(card: Path, settings: Path) -> None:
    """Copy a settings file to the card, like a person on a PC."""
    run("mcopy", "-o", "-i", f"{card}{FIRST_PARTITION}", str(settings), "::tt-appliance.yaml")


def write_firmware(card: Path, name: str, firmware: Path) -> None:
    """Copy firmware to the card, like a person on a PC. name: as the driver requests it, such as brcm/x.bin."""
    run("mcopy", "-o", "-i", f"{card}{FIRST_PARTITION}", str(firmware), f"::firmware/{name}")


def write_file(card: Path, partition: int, name: str, content: bytes) -> None:
    """Write a file of one of the card's FAT partitions."""
    place = f"{card}@@{offset(card, partition)}"
    done = subprocess.run(
        ["mcopy", "-o", "-i", place, "-", f"::{name}"], input=content, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def copy_slot(card: Path) -> None:
    """Write the system of slot A to slot B too."""
    size = offset(card, 3) - offset(card, 2)
    with card.open("r+b") as file:
        for at in range(0, size, MIB):
            file.seek(offset(card, 2) + at)
            block = file.read(MIB)
            file.seek(offset(card, 3) + at)
            file.write(block)


def block_device(card: Path, log: Path | None, worn: Worn, unreadable: int | None, *, again: bool = False) -> list[str]:
    """QEMU's options for the block device `card`; see Machine.start. again: append to the log."""
    refuses = ",read-only=on" if worn == "read-only" else ""
    file = ["-blockdev", f"driver=file,node-name=file,filename={card}{refuses}"]
    if worn == "failing" or unreadable is not None:
        fails = "iotype=write" if unreadable is None else f"iotype=read,inject-error.0.sector={unreadable}"
        fails = f"inject-error.0.event=none,inject-error.0.errno=5,inject-error.0.{fails}"
        return [*file, "-blockdev", f"driver=blkdebug,node-name=card,image=file,{fails}"]
    if log is None:
        return [*file, "-blockdev", f"driver=raw,node-name=card,file=file{refuses}"]
    logged = "driver=blklogwrites,node-name=card,file=file,log=log,log-sector-size=512"
    if again:
        logged += ",log-append=on"
    return [*file, "-blockdev", f"driver=file,node-name=log,filename={log}", "-blockdev", logged]
