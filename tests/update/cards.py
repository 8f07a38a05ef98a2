"""Small cards with real file systems: autoboot.txt on a FAT, slots with a FAT and a verified root, and the state."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from appliance.update import autoboot

MB = 1 << 20
START = {1: 1, 2: 5, 3: 45, 4: 85}
"""Where each partition begins, in MB."""
SIZE = {1: 4, 2: 40, 3: 40, 4: 16}
KIND = {1: 0x0C, 2: 0x0C, 3: 0x0C, 4: 0x83}
FAT_KIB = 2048
LOCAL = b"# Lines of config.txt for this box.\n"


def run(*command: str | Path, **options: object) -> str:
    """Run a program that must not fail; its output. Skips the test if the program is missing."""
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "MTOOLS_SKIP_CHECK": "1"}
    if shutil.which(str(command[0]), path=environment["PATH"]) is None:
        pytest.skip(f"{command[0]} is missing; .ci/setup --system installs it")
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=environment, **options
    )  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return str(done.stdout)


def make_fat(path: Path, kib: int, files: dict[str, bytes], *options: str) -> Path:
    """A FAT file system with these files in its root folder."""
    path.unlink(missing_ok=True)
    run("mkfs.vfat", "--invariant", *options, "-C", path, str(kib))
    for name, content in files.items():
        file = path.with_name("one-file")
        file.write_bytes(content)
        run("mcopy", "-i", path, file, f"::{name}")
        file.unlink()
    return path


def make_config(path: Path, *options: str) -> Path:
    """A card's first partition, with slot A committed."""
    files = {"autoboot.txt": autoboot.sector("A"), "tt-appliance.yaml": b"box: {}\n"}
    return make_fat(path, SIZE[1] * 1024, files, *options)


def make_slot(path: Path, version: str, *, blocks: int = 300) -> Path:
    """A slot's image: a FAT with what the loader reads, and a root of random blocks behind it, with its tree."""
    root, tree = path.with_suffix(".root"), path.with_suffix(".tree")
    root.write_bytes(os.urandom(blocks * 4096))
    said = run("veritysetup", "format", "--no-superblock", "--salt=-", root, tree)
    digest = next(line.split()[-1] for line in said.splitlines() if line.startswith("Root hash"))
    line = f"tt.offset={FAT_KIB // 4} tt.verity={blocks}:{blocks + 4}:{blocks + 8}:{digest} quiet\n"
    files = {
        "config.txt": b"include local.txt\n",
        "cmdline.txt": line.encode(),
        "vmlinuz": os.urandom(40000),
        "initrd.img": os.urandom(20000),
        "local.txt": LOCAL.ljust(512, b"\n"),
        "version.txt": f"{version}\n".encode(),
    }
    make_fat(path, FAT_KIB, files)
    with path.open("ab") as file:
        file.write(root.read_bytes() + tree.read_bytes())
    root.unlink()
    tree.unlink()
    return path


def make_card(path: Path, slot_a: Path) -> Path:
    """A card with this system in slot A, and none in slot B."""
    parts = {1: make_config(path.with_suffix(".config")), 2: slot_a}
    parts[3] = make_fat(path.with_suffix(".spare"), 1024, {"README.txt": b"Room for an update.\n"})
    state = path.with_suffix(".state")
    state.unlink(missing_ok=True)
    run("mke2fs", "-q", "-F", "-t", "ext4", state, f"{SIZE[4]}M")
    parts[4] = state
    table = bytearray(512)
    for number in parts:
        place = 446 + 16 * (number - 1)
        struct.pack_into(
            "<B3sB3sII",
            table,
            place,
            0,
            b"\xfe\xff\xff",
            KIND[number],
            b"\xfe\xff\xff",
            START[number] * MB // 512,
            SIZE[number] * MB // 512,
        )
    table[510:] = b"\x55\xaa"
    with path.open("wb") as card:
        card.write(table)
        for number, part in parts.items():
            card.seek(START[number] * MB)
            card.write(part.read_bytes())
        card.truncate((START[4] + SIZE[4]) * MB)
    return path


def partition(card: Path, number: int) -> bytes:
    """The content of a partition."""
    with card.open("rb") as file:
        file.seek(START[number] * MB)
        return file.read(SIZE[number] * MB)
