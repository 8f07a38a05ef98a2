"""The card's file: a copy of the image with a card's size, and a person's edits to it at a PC."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.blackbox.lab import run

FIRST_PARTITION = "@@4M"
"""Where it begins, in the words of mtools."""


def copy_card(image: Path, to: Path, size: str = "1G") -> Path:
    """A card, larger than the image, with the image on it."""
    subprocess.run(["cp", "--sparse=always", image, to], check=True)
    subprocess.run(["truncate", "-s", size, to], check=True)
    return to


def partition_start(card: Path, number: int) -> int:
    """Where a partition begins, in bytes, as the card's own table says."""
    with card.open("rb") as file:
        entry = file.read(512)[446 + 16 * (number - 1) :][:16]
    return int.from_bytes(entry[8:12], "little") * 512


def write_settings(card: Path, settings: Path) -> None:
    """Put a settings file on the card, as a person at a PC does."""
    run("mcopy", "-o", "-i", f"{card}{FIRST_PARTITION}", str(settings), "::tt-appliance.yaml")
