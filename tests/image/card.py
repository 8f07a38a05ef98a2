"""The card's file: a copy of the image with a card's size, and a person's edits on a PC."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.blackbox.lab import run

FIRST_PARTITION = "@@4M"
"""Its offset, as mtools expects it."""


def copy_card(image: Path, to: Path, size: str = "1G") -> Path:
    """Copy the image to a larger card, and return it."""
    subprocess.run(["cp", "--sparse=always", image, to], check=True)
    subprocess.run(["truncate", "-s", size, to], check=True)
    return to


def partition_start(card: Path, number: int) -> int:
    """The offset of a partition in bytes, from the card's partition table."""
    with card.open("rb") as file:
        entry = file.read(512)[446 + 16 * (number - 1) :][:16]
    return int.from_bytes(entry[8:12], "little") * 512


def write_settings(card: Path, settings: Path) -> None:
    """Copy a settings file to the card, like a person on a PC."""
    run("mcopy", "-o", "-i", f"{card}{FIRST_PARTITION}", str(settings), "::tt-appliance.yaml")


def write_firmware(card: Path, name: str, firmware: Path) -> None:
    """Copy firmware to the card, like a person on a PC. name: as the driver requests it, such as brcm/x.bin."""
    run("mcopy", "-o", "-i", f"{card}{FIRST_PARTITION}", str(firmware), f"::firmware/{name}")
