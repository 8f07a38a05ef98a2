"""autoboot.txt on real FAT file systems: one write of one sector commits a slot, and a cut leaves either."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.update import autoboot
from appliance.update.autoboot import AutobootError
from appliance.update.fat import FatError
from tests.update.bundles import PROJECT
from tests.update.cards import make_config, make_fat, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A card's first partition, for each width of FAT and size of cluster."""
    folder = tmp_path_factory.mktemp("fats")
    sizes = {
        "12": (4096, "-F", "12", "-s", "8"),
        "16": (16384, "-F", "16", "-s", "2"),
        "32": (65536, "-F", "32", "-s", "1"),
    }
    files = {f"readme{number}.txt": b"x" * 3000 for number in range(40)} | {"autoboot.txt": autoboot.sector("A")}
    return {bits: make_fat(folder / bits, kib, files, *options) for bits, (kib, *options) in sizes.items()}


def test_a_new_card_has_what_the_engine_writes() -> None:
    lines = (PROJECT / "image/boot/config/autoboot.txt").read_bytes()
    assert lines.ljust(512, b"\n") == autoboot.sector("A")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_config(tmp_path / "config")


@pytest.mark.parametrize("bits", ["12", "16", "32"])
def test_a_slot_is_committed_in_place(made: dict[str, Path], tmp_path: Path, bits: str) -> None:
    config = Path(shutil.copy(made[bits], tmp_path))
    before = config.read_bytes()
    assert autoboot.committed(config) == "A"
    autoboot.commit(config, "B")
    assert autoboot.committed(config) == "B"
    assert config.read_bytes() == before.replace(autoboot.sector("A"), autoboot.sector("B"))
    assert run("mtype", "-i", config, "::autoboot.txt") == autoboot.sector("B").decode()
    autoboot.commit(config, "A")
    assert config.read_bytes() == before


def test_one_write_of_one_sector_and_a_flush(config: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("not installed: strace")
    code = (
        f"from pathlib import Path; from appliance.update import autoboot; autoboot.commit(Path({str(config)!r}), 'B')"
    )
    command = ["strace", "-f", "-y", "-e", "trace=write,pwrite64,pwritev,fsync,fdatasync,rename,unlink,ftruncate"]
    done = subprocess.run([*command, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "PTRACE" in done.stderr:
        pytest.skip("strace can't trace here")
    calls = [line for line in done.stderr.splitlines() if str(config) in line]
    assert [line.split("(")[0].split()[-1] for line in calls] == ["pwrite64", "fsync"], calls
    length, at = re.search(r", (\d+), (\d+)\) += 512", calls[0]).groups()  # type: ignore[union-attr]
    assert (int(length), int(at) % 512) == (512, 0)


def test_a_cut_within_the_sector_leaves_a_choice() -> None:
    """Cards write a sector whole. Should one not, each prefix of the write still names a slot with a system."""
    for old, new in (("A", "B"), ("B", "A")):
        for length in range(513):
            torn = autoboot.sector(new)[:length] + autoboot.sector(old)[length:]
            for tried in (False, True):
                assert _loaded(torn, tried) in (2, 3)


def test_loaders_that_ignore_sections_start_the_committed_slot() -> None:
    for slot, partition in autoboot.PARTITION.items():
        lines = autoboot.sector(slot).decode().splitlines()
        assert [line for line in lines if line.startswith("boot_partition=")][-1] == f"boot_partition={partition}"
        assert _loaded(autoboot.sector(slot), False) == partition
        assert _loaded(autoboot.sector(slot), True) == 5 - partition


def _loaded(text: bytes, tried: bool) -> int:
    """The partition that a board's loader takes, by Raspberry Pi's documentation of autoboot.txt."""
    partition, holds = 0, True
    for line in text.decode().splitlines():
        if line.startswith("["):
            holds = line == "[all]" or (line == "[tryboot]" and tried)
        elif holds and line.startswith("boot_partition="):
            partition = int(line.partition("=")[2])
    return partition


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        (b"", "A"),
        (b"\0" * 512, "A"),
        (b"boot_partition=3\n", "B"),
        (b"[all]\nboot_partition=3\n[tryboot]\nboot_partition=2\n", "B"),
        (b"[all]\nboot_partition=7\n", "A"),
    ],
)
def test_an_edited_file_is_read_as_the_loader_does(tmp_path: Path, text: bytes, slot: str) -> None:
    assert autoboot.committed(make_fat(tmp_path / "config", 1024, {"autoboot.txt": text})) == slot


def test_what_is_no_sector_is_not_written(tmp_path: Path) -> None:
    config = make_fat(tmp_path / "config", 1024, {"autoboot.txt": b"boot_partition=2\n"})
    before = config.read_bytes()
    with pytest.raises(AutobootError):
        autoboot.commit(config, "B")
    assert config.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\xff" * 4096, b"\0" * 510 + b"\x55\xaa"])
def test_a_partition_without_a_file_system(tmp_path: Path, content: bytes) -> None:
    config = tmp_path / "config"
    config.write_bytes(content)
    assert autoboot.committed(config) == "A"
    with pytest.raises(FatError):
        autoboot.commit(config, "B")
    assert config.read_bytes() == content


def test_damaged_file_systems_never_hang_or_crash(config: Path, tmp_path: Path) -> None:
    """Each byte of the boot sector and the first of the table, in turn."""
    whole = config.read_bytes()
    damaged = tmp_path / "damaged"
    for at in [*range(11, 64), 510, *range(512, 520)]:
        for value in (0, 1, 0xFF):
            damaged.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            assert autoboot.committed(damaged) in ("A", "B")
