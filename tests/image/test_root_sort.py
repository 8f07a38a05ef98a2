"""The order of the files in the root: two versions differ at its end. Needs no image, only mksquashfs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.image.conftest import ROOT

pytestmark = pytest.mark.image

SUPERBLOCK = 96
FILES, SIZE, PACK = 30, 100_000, 256 << 10
"""The files that stay; small ones are packed together, and one pack may have files of both kinds."""
PACKING = ("-comp", "zstd", "-b", "256K", "-noappend", "-quiet", "-no-progress", "-no-exports", "-all-time", "1")
SORTED = tuple(line.split()[0] for line in (ROOT / "image/root-sort").read_text().splitlines())


def packed(folder: Path, version: str, *options: str) -> bytes:
    """A root of files that stay, and of those that change with the version."""
    root = folder / "root"
    for at in range(FILES):
        write(root / f"usr/lib/python3.13/{at}", Random(at).randbytes(SIZE))
    for name in SORTED:
        file = name if Path(name).suffix or "bin" in name or "os-release" in name else f"{name}/file"
        write(root / file, Random(version + name).randbytes(10_000 + len(version)))
    image = folder / "root.img"
    subprocess.run(["mksquashfs", root, image, *PACKING, "-mkfs-time", "1", *options], check=True)
    return image.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def first_difference(one: bytes, other: bytes) -> int:
    return next(at for at in range(SUPERBLOCK, len(one)) if one[at] != other[at])


def test_two_versions_share_the_data_of_the_files_that_stay(tmp_path: Path) -> None:
    options = ("-sort", str(ROOT / "image/root-sort"))
    shared = FILES * SIZE - PACK
    assert first_difference(packed(tmp_path, "1.0", *options), packed(tmp_path, "1.10", *options)) > shared
    assert first_difference(packed(tmp_path, "1.0"), packed(tmp_path, "1.10")) < shared, "unsorted, all data moves"
