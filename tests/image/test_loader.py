"""The boards' loader, played on small cards. Needs no image, only the tools that make FAT file systems."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.blackbox.lab import run
from tests.image.loader import Board, Flag, Loaded, NoStart, choose, load

pytestmark = pytest.mark.image

MIB = 1 << 20
FAT16, LINUX = 0x0E, 0x83
FIRMWARE = {"start_cd.elf": ""}
CHOICE = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n[none]\nboot_partition=2\n"
"""What the box writes."""
SWAPPED = CHOICE.translate(str.maketrans("23", "32"))
OLD = Board(old_eeprom=True)


def slot(name: str, config: str = "", **files: str) -> dict[str, str]:
    """A slot's files, whose contents tell the slot."""
    config = f"kernel=vmlinuz\ninitramfs initrd.img followkernel\n{config}"
    own = {"config.txt": config, "vmlinuz": f"kernel {name}", "initrd.img": f"initramfs {name}", "cmdline.txt": name}
    return {**FIRMWARE, **own, **files}


def card(folder: Path, *partitions: dict[str, str]) -> Path:
    """A card with these files on its first partitions; a FAT file system on each."""
    path = folder / "card.img"
    table = bytearray(512)
    with path.open("wb") as file:
        file.truncate(MIB * (1 + 4 * len(partitions)))
    for at, files in enumerate(partitions):
        start = MIB * (1 + 4 * at)
        struct.pack_into("<B3xB3xII", table, 446 + 16 * at, 0, FAT16, start // 512, 4 * MIB // 512)
        run("mkfs.vfat", "--offset", str(start // 512), str(path), "4096")
        for parent in {str(Path(name).parent) for name in files} - {"."}:
            run("mmd", "-i", f"{path}@@{start}", f"::{parent}")
        for name, content in files.items():
            source = folder / "file"
            source.write_text(content)
            run("mcopy", "-i", f"{path}@@{start}", str(source), f"::{name}")
    with path.open("r+b") as file:
        file.write(table)
    return path


def two_slots(folder: Path, choice: str | None = CHOICE) -> Path:
    return card(folder, {} if choice is None else {"autoboot.txt": choice}, slot("A"), slot("B"))


def started(path: Path, *, tryboot: bool = False, board: Board | None = None) -> tuple[int, str]:
    """The partition and the command line, which tells the slot."""
    loaded = load(path, tryboot=tryboot, board=board)
    return loaded.partition, loaded.command_line


def test_the_flag_chooses_the_other_slot_once(tmp_path: Path) -> None:
    path, flag = two_slots(tmp_path), Flag(tmp_path / "flag")
    flag.set()
    starts = [load(path, tryboot=flag.take()) for _ in range(2)]
    assert starts == [
        Loaded(3, True, b"kernel B", b"initramfs B", "B", ()),
        Loaded(2, False, b"kernel A", b"initramfs A", "A", ()),
    ]


def test_a_power_cut_loses_the_flag(tmp_path: Path) -> None:
    flag = Flag(tmp_path / "flag")
    flag.set()
    flag.clear()
    assert not flag.take()


def test_a_committed_slot_stays(tmp_path: Path) -> None:
    path = two_slots(tmp_path, SWAPPED)
    assert started(path) == (3, "B")
    assert started(path, tryboot=True) == (2, "A")


@pytest.mark.parametrize("choice", [None, "", "\0" * 512, "\xfe" * 512, "boot_partition=9\n", "#" * 512 + CHOICE])
def test_without_a_readable_choice_the_first_partition_with_firmware_starts(tmp_path: Path, choice: str | None) -> None:
    assert started(two_slots(tmp_path, choice)) == (2, "A")


def test_an_old_eeprom_ignores_sections(tmp_path: Path) -> None:
    """The last line wins, so that it starts the committed slot, even with the flag."""
    path = two_slots(tmp_path, SWAPPED)
    assert [choose(path, tryboot=tryboot, old_eeprom=True) for tryboot in (False, True)] == [(3, True), (3, True)]
    assert started(path, tryboot=True, board=OLD) == (3, "B")


def test_without_tryboot_a_b_the_flag_chooses_another_file(tmp_path: Path) -> None:
    tried = {"tryboot.txt": "os_prefix=new/\nkernel=vmlinuz\n", "new/vmlinuz": "new", "new/cmdline.txt": "tried"}
    path = card(tmp_path, {"autoboot.txt": "boot_partition=2\n"}, slot("A", **tried))
    assert started(path) == (2, "A")
    assert load(path, tryboot=True) == Loaded(2, True, b"new", b"", "tried", ())


def test_a_slot_that_is_not_whole_does_not_start(tmp_path: Path) -> None:
    without_kernel = slot("B")
    del without_kernel["vmlinuz"]
    path = card(tmp_path, {"autoboot.txt": CHOICE}, {"README.txt": "free"}, without_kernel)
    with pytest.raises(NoStart, match=r"partition 2 has no start\*.elf"):
        load(path, tryboot=False)
    with pytest.raises(NoStart, match="partition 3 has no vmlinuz"):
        load(path, tryboot=True)
    with pytest.raises(NoStart, match="no partition"):
        load(card(tmp_path, {"autoboot.txt": ""}), tryboot=False)


def test_a_partition_of_another_type_is_no_choice(tmp_path: Path) -> None:
    path = two_slots(tmp_path, None)
    with path.open("r+b") as file:
        file.seek(446 + 16 + 4)
        file.write(bytes([LINUX]))
    assert started(path) == (3, "B")


def test_filters_includes_and_overlays(tmp_path: Path) -> None:
    config = "dtoverlay=bus\n[pi5]\ndtoverlay=bus-pi5,speed=1\n[tryboot]\ncmdline=tried.txt\n[all]\ninclude local.txt\n"
    files = {"overlays/bus.dtbo": "bus", "overlays/bus-pi5.dtbo": "pi5", "tried.txt": "tried"}
    files |= {"local.txt": "cmdline=own.txt\n", "own.txt": "own"}
    path = card(tmp_path, {"autoboot.txt": CHOICE}, slot("A", config, **files))
    other = load(path, tryboot=False)
    assert (other.overlays, other.command_line) == ((("bus", b"bus"),), "own")
    pi5 = load(path, tryboot=False, board=Board(frozenset({"pi5"})))
    assert pi5.overlays == (("bus", b"bus"), ("bus-pi5", b"pi5"))
