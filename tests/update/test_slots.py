"""The content of slots: real FATs, and real hash trees of veritysetup."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.update import slots
from appliance.update.slots import SlotError
from tests.update.cards import FAT_KIB, LOCAL, make_fat, make_slot, run


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_slot(tmp_path_factory.mktemp("slot") / "slot", "1.2.3").read_bytes()


@pytest.fixture
def path(slot: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "slot"
    # A partition is larger than its image.
    path.write_bytes(slot + bytes(1 << 20))
    return path


@pytest.mark.parametrize("blocks", [1, 2, 128, 129, 1000])
def test_a_whole_slot(tmp_path: Path, blocks: int) -> None:
    path = make_slot(tmp_path / "slot", "1.2.3", blocks=blocks)
    assert slots.version(path) == "1.2.3"
    slots.check(path)


def test_any_damaged_block_of_root_or_tree_is_noticed(path: Path) -> None:
    start = FAT_KIB // 4
    # 300 blocks of the root, one at the top of the tree, three below it.
    for block in (start, start + 299, start + 300, start + 301, start + 303):
        with path.open("r+b") as file:
            file.seek(block * 4096 + 17)
            (byte,) = file.read(1)
            file.seek(block * 4096 + 17)
            file.write(bytes([byte ^ 1]))
        with pytest.raises(SlotError, match=f"block {block} is damaged"):
            slots.check(path)
        with path.open("r+b") as file:
            file.seek(block * 4096 + 17)
            file.write(bytes([byte]))
    slots.check(path)


def test_what_a_pc_writes_to_a_slot_does_no_harm(path: Path, tmp_path: Path) -> None:
    run("mmd", "-i", path, "::System Volume Information")
    note = tmp_path / "note"
    note.write_bytes(b"x" * 10000)
    run("mcopy", "-i", path, note, "::note.txt")
    slots.check(path)
    assert slots.version(path) == "1.2.3"


@pytest.mark.parametrize("missing", ["vmlinuz", "initrd.img", "config.txt", "cmdline.txt"])
def test_a_slot_without_a_file_of_the_loaders(path: Path, missing: str) -> None:
    run("mdel", "-i", path, f"::{missing}")
    with pytest.raises(SlotError):
        slots.check(path)


def test_an_empty_slot(tmp_path: Path) -> None:
    path = make_fat(tmp_path / "slot", 1024, {"README.txt": b"Room for an update.\n"})
    assert slots.version(path) is None
    with pytest.raises(SlotError):
        slots.check(path)
    path.write_bytes(bytes(1 << 20))
    assert slots.version(path) is None


@pytest.mark.parametrize(
    "line", [b"", b"tt.verity=1:2:3", b"tt.offset=x tt.verity=1:2:3:00", b"tt.offset=1 tt.verity=1:2:3:zz"]
)
def test_a_command_line_without_a_root(path: Path, tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "line"
    file.write_bytes(line)
    run("mcopy", "-o", "-i", path, file, "::cmdline.txt")
    with pytest.raises(SlotError):
        slots.check(path)
    assert slots.version(path) is None


@pytest.mark.parametrize(
    ("lines", "carried"),
    [(b"dtparam=speed=100000\n", True), (b"", True), (b"#" * 512, True), (b"#" * 513, False)],
)
def test_lines_for_this_box(slot: bytes, path: Path, tmp_path: Path, lines: bytes, carried: bool) -> None:
    target = tmp_path / "target"
    target.write_bytes(slot)
    file = tmp_path / "lines"
    file.write_bytes(lines)
    run("mcopy", "-o", "-i", path, file, "::local.txt")
    slots.copy_local_lines(path, target)
    expected = lines if carried else LOCAL
    assert run("mtype", "-i", target, "::local.txt").encode() == expected.ljust(512, b"\n")
    assert target.read_bytes() == slot.replace(LOCAL.ljust(512, b"\n"), expected.ljust(512, b"\n"))


def test_a_slot_without_such_lines(path: Path, tmp_path: Path, slot: bytes) -> None:
    target = tmp_path / "target"
    target.write_bytes(slot)
    run("mdel", "-i", path, "::local.txt")
    slots.copy_local_lines(path, target)
    assert target.read_bytes() == slot
    slots.copy_local_lines(target, path)
