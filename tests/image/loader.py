"""Plays a Raspberry Pi's loader outside QEMU: it chooses a partition of the card, and loads what config.txt names.

Sources: the boards' documentation of autoboot.txt, config.txt and its conditional filters, and measurements by others
on a Raspberry Pi 4B: a missing or garbage autoboot.txt starts partition 2 if partition 1 has no start*.elf, and the
tryboot flag is lost at power-off. An EEPROM from before 2022-11-25 ignores sections, and takes the last
`boot_partition`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PARTITIONS = (1, 2, 3, 4)
FAT_TYPES = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E)
AUTOBOOT_BYTES = 512
"""Loaders read no more of autoboot.txt."""


class NoStart(Exception):
    """The board does not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Board:
    """filters: the names of config.txt's conditional filters that hold. old_eeprom: it is from before 2022-11-25."""

    filters: frozenset[str] = frozenset()
    old_eeprom: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the kernel gets. partition: 2 or 3 for slot A or B. overlays: with their parameters, in their order."""

    partition: int
    tryboot: bool
    kernel: bytes
    initramfs: bytes
    command_line: str
    overlays: tuple[tuple[str, bytes], ...]


class Flag:
    """The firmware's tryboot flag, in a file that a virtual machine maps as memory: it outlasts a restart."""

    BYTES = 4096

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clear()

    def set(self) -> None:
        """Set it, as the system does before a restart."""
        self.path.write_bytes(b"\1" + bytes(self.BYTES - 1))

    def clear(self) -> None:
        """Lose it, as at a power cut."""
        self.path.write_bytes(bytes(self.BYTES))

    def take(self) -> bool:
        """Read and clear it, as each start does."""
        flag = any(self.path.read_bytes())
        self.clear()
        return flag


def load(card: Path, *, tryboot: bool, board: Board | None = None) -> Loaded:
    """Start from a card. tryboot: the flag is set. Raises NoStart."""
    board = board or Board()
    partition, by_partition = choose(card, tryboot=tryboot, old_eeprom=board.old_eeprom)
    if not has_firmware(card, partition):
        raise NoStart(f"partition {partition} has no start*.elf")
    # With tryboot_a_b, the partition is what is tried; without, another file on the same partition.
    name = "tryboot.txt" if tryboot and not by_partition else "config.txt"
    settings = list(_settings(card, partition, name, board.filters | ({"tryboot"} if tryboot else frozenset())))
    values = dict(settings)
    prefix = values.get("os_prefix", "")

    def part(file: str) -> bytes:
        content = read(card, partition, prefix + file)
        if content is None:
            raise NoStart(f"partition {partition} has no {prefix + file}")
        return content

    names = [value.split(",")[0] for key, value in settings if key == "dtoverlay"]
    return Loaded(
        partition,
        tryboot,
        kernel=part(values.get("kernel", "kernel8.img")),
        initramfs=part(values["initramfs"].split()[0]) if "initramfs" in values else b"",
        command_line=part(values.get("cmdline", "cmdline.txt")).decode().strip(),
        overlays=tuple((name, part(f"overlays/{name}.dtbo")) for name in names),
    )


def choose(card: Path, *, tryboot: bool, old_eeprom: bool = False) -> tuple[int, bool]:
    """The partition that the loader takes, and whether `tryboot_a_b` is on. Raises NoStart."""
    raw = read(card, 1, "autoboot.txt") or b""
    holds = {"all"} | ({"tryboot"} if tryboot else set())
    values = dict(_lines(raw[:AUTOBOOT_BYTES].decode("ascii", "replace"), None if old_eeprom else holds))
    by_partition = values.get("tryboot_a_b") == "1"
    named = values.get("boot_partition", "")
    if named.isdecimal() and int(named) in PARTITIONS:
        return int(named), by_partition
    for partition in PARTITIONS:
        if has_firmware(card, partition):
            return partition, by_partition
    raise NoStart("no partition has start*.elf")


def has_firmware(card: Path, partition: int) -> bool:
    """Whether the loader finds its second stage there."""
    return any(name.startswith("start") and name.endswith(".elf") for name in _names(card, partition))


def read(card: Path, partition: int, name: str) -> bytes | None:
    """A file of a FAT partition, None if it is not there."""
    done = _mtools("mtype", card, partition, f"::{name}")
    return done.stdout if done is not None and done.returncode == 0 else None


def offset(card: Path, partition: int) -> int:
    """Where a partition begins, in bytes."""
    return int.from_bytes(_entry(card, partition)[8:12], "little") * 512


def _entry(card: Path, partition: int) -> bytes:
    with card.open("rb") as file:
        return file.read(512)[446 + 16 * (partition - 1) :][:16]


def _names(card: Path, partition: int) -> list[str]:
    done = _mtools("mdir", card, partition, "-b", "::/")
    return [] if done is None else [line.removeprefix("::/").lower() for line in done.stdout.decode().split("\n")]


def _mtools(command: str, card: Path, partition: int, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    """Run a command of mtools on a partition; None if that is no FAT partition."""
    if _entry(card, partition)[4] not in FAT_TYPES:
        return None
    # A card has fewer heads than mtools expects.
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    image = f"{card}@@{offset(card, partition)}"
    return subprocess.run([command, "-i", image, *arguments], capture_output=True, check=False, env=environment)


def _settings(card: Path, partition: int, name: str, filters: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The settings of a file that hold, in their order, with those of the files that it includes."""
    text = (read(card, partition, name) or b"").decode("utf-8", "replace")
    for key, value in _lines(text, filters | {"all"}):
        if key == "include":
            yield from _settings(card, partition, value, filters)
        else:
            yield key, value


def _lines(text: str, filters: set[str] | frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Each `key=value` or `key value` in a section that holds. filters: those that hold; None: sections are ignored."""
    holds = True
    for line in text.splitlines():
        line = line.strip()
        if section := re.fullmatch(r"\[(.*)\]", line):
            holds = filters is None or section[1] in filters
        elif holds and (setting := re.fullmatch(r"(\w+)(?:=| +)(.*)", line)):
            yield setting[1], setting[2].strip()
