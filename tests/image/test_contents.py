"""The contents of the card before its first start: layout, files, and no secrets."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.sources import sources_of
from tests.blackbox.lab import run
from tests.image.card import FIRST_PARTITION, root_offset
from tests.image.conftest import ROOT, Built
from tests.image.loader import AUTOBOOT_BYTES, Board, NoStart, load, offset, read

pytestmark = pytest.mark.image

PACKED_MB = 140
SLOT = 256 << 20
FAT32_LBA, LINUX = 0x0C, 0x83
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=]{40}")


@pytest.fixture(scope="module")
def root(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root file system, unpacked."""
    folder = tmp_path_factory.mktemp("root")
    place = ["-offset", str(root_offset(built.image)), "-dest", str(folder / "root")]
    run("unsquashfs", "-quiet", "-no-progress", *place, str(built.image))
    return folder / "root"


def files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def test_the_partitions(built: Built) -> None:
    """Settings, a system, room for another one, and the state, which is last so that it can grow."""
    starts = [offset(built.image, number) for number in (1, 2, 3, 4)]
    assert starts == sorted(starts)
    assert all(start % (4 << 20) == 0 for start in starts)
    assert starts[2] - starts[1] == starts[3] - starts[2] == SLOT
    with built.image.open("rb") as card:
        table = card.read(512)
    assert [table[446 + 16 * at + 4] for at in range(4)] == [FAT32_LBA, FAT32_LBA, FAT32_LBA, LINUX]


def test_what_a_pc_shows(built: Built) -> None:
    """Three volumes. Windows offers to format a volume without a file system, so the second slot holds a note."""
    labels = {"TT-CONFIG": 1, "TT-SYSTEM": 2, "TT-SPARE": 3}
    for label, partition in labels.items():
        assert label in run("mlabel", "-s", "-i", f"{built.image}@@{offset(built.image, partition)}", "::")
    note = read(built.image, 3, "README.txt")
    assert note is not None
    assert "next version here" in note.decode()
    assert "TT-CONFIG" in note.decode()


def test_the_choice_of_the_system_is_one_sector(built: Built) -> None:
    """It starts slot A, and tries slot B. If the file is lost, slot A starts, as no other partition has firmware."""
    choice = read(built.image, 1, "autoboot.txt")
    assert choice is not None
    assert len(choice) == AUTOBOOT_BYTES
    assert load(built.image, tryboot=False).partition == 2
    with pytest.raises(NoStart, match="partition 3"):
        load(built.image, tryboot=True)


def test_the_local_settings_of_the_loader_are_one_sector(built: Built) -> None:
    local = read(built.image, 2, "local.txt")
    assert local is not None
    assert len(local) == AUTOBOOT_BYTES


def test_the_released_files(built: Built) -> None:
    (packed,) = (ROOT / "dist").glob("*.img.xz")
    assert packed.stat().st_size <= PACKED_MB * 1_000_000
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    assert packed.with_name(packed.name + ".sha256").read_text() == f"{digest}  {packed.name}\n"
    (listed,) = (ROOT / "dist").glob("*.rpi-imager.json")
    (entry,) = json.loads(listed.read_text())["os_list"]
    # Imager does not resolve relative URLs.
    assert re.fullmatch(r"(https?|file)://.*/" + re.escape(packed.name), entry["url"])
    assert entry["image_download_sha256"] == digest
    assert entry["image_download_size"] == packed.stat().st_size
    assert entry["extract_size"] == built.image.stat().st_size
    assert entry["extract_sha256"] == hashlib.sha256(built.image.read_bytes()).hexdigest()
    assert f"<ImageSize> {built.image.stat().st_size} </ImageSize>" in next(ROOT.glob("dist/*.bmap")).read_text()


def test_the_bill_of_materials_lists_every_package_on_the_card(root: Path) -> None:
    """It has every package with its licences, and every Python library with its version. The card has the texts."""
    (path,) = (ROOT / "dist").glob("*.cdx.json")
    parts = json.loads(path.read_text())["components"]
    listed = {(part["name"].lower().replace("_", "-"), part["version"]) for part in parts}
    site = root / "usr/local/lib/python3.13/dist-packages"
    installed = {tuple(path.name.removesuffix(".dist-info").rsplit("-", 1)) for path in site.glob("*.dist-info")}
    assert len(installed) > 10
    assert {(name.lower().replace("_", "-"), version) for name, version in installed} <= listed
    # One package has a second folder under its program's name.
    names = {part["name"] for part in parts if part["purl"].startswith("pkg:deb/")} | {"wpa_supplicant"}
    assert {path.name for path in (root / "usr/share/doc").iterdir() if (path / "copyright").is_file()} <= names
    (module,) = (part for part in parts if part["name"] == "tt_tryboot")
    assert module["licenses"] == [{"license": {"id": "GPL-2.0-only"}}]
    assert list((root / "usr/lib/modules").rglob("tt_tryboot.ko"))
    for part in parts:
        assert part["licenses"], part["name"]
        if part["purl"].startswith("pkg:deb/"):
            assert (root / "usr/share/doc" / part["name"] / "copyright").is_file(), part["name"]
            assert all(version for _, version in sources_of(part)), part["name"]
            assert sources_of(part), part["name"]
    lock = (ROOT / "requirements.lock").read_text()
    for part in parts:
        if part["purl"].startswith("pkg:pypi/") and part["name"] != "lgpio":
            assert f"\n{part['name']}=={part['version']} " in lock


def test_the_boards_firmware_has_its_licence_beside_it(built: Built, tmp_path: Path) -> None:
    run("mcopy", "-i", f"{built.image}{FIRST_PARTITION}", "::LICENCE.broadcom", str(tmp_path))
    assert "may only be used for the purposes of developing for" in (tmp_path / "LICENCE.broadcom").read_text()


def test_no_key_and_no_identity(root: Path) -> None:
    assert (root / "etc/machine-id").read_bytes() == b""
    assert not (root / "etc/hostname").exists()
    assert list((root / "etc/ssh").glob("ssh_host_*")) == []
    assert list((root / "var/lib").iterdir()) == []
    for path in files(root):
        if path.is_symlink() or path.stat().st_size > 1 << 20 or path.suffix == ".py":
            continue
        assert not PRIVATE_KEY.search(path.read_bytes()), path
    passwords = [line.split(":")[1] for line in (root / "etc/shadow").read_text().splitlines()]
    assert set(passwords) <= {"*", "!", "!*", "!!"}


def test_owners_and_modes(root: Path) -> None:
    """Others can write nothing, no file is setuid, and root owns everything."""
    for folder, _, _ in os.walk(root):
        facts = Path(folder).lstat()
        assert facts.st_uid == 0, folder
        assert not facts.st_mode & (stat.S_ISUID | stat.S_ISGID), folder
        assert not facts.st_mode & stat.S_IWOTH or facts.st_mode & stat.S_ISVTX, folder
    for path in files(root):
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            continue
        assert facts.st_uid == 0, path
        assert not facts.st_mode & (stat.S_ISUID | stat.S_ISGID), path
        assert not facts.st_mode & stat.S_IWOTH, path
        assert stat.S_ISREG(facts.st_mode), f"{path} is a device"


def test_no_tools_and_no_caches(root: Path) -> None:
    commands = {path.name for folder in ("bin", "sbin") for path in (root / "usr" / folder).iterdir()}
    forbidden = {"pip", "pip3", "gcc", "cc", "make", "apt", "apt-get", "dpkg", "perl", "curl", "wget", "busybox"}
    assert not commands & forbidden
    assert not list((root / "usr/local/lib/python3.13/dist-packages").glob("pip*"))
    for folder in ("var/cache", "var/log", "tmp", "var/tmp", "root"):
        assert [path for path in files(root / folder) if not path.name.startswith(".")] == []


def test_byte_code_is_compiled_and_unchecked(root: Path) -> None:
    for folder in ("usr/lib/python3.13", "usr/local/lib/python3.13/dist-packages"):
        for source in (root / folder).rglob("*.py"):
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            assert compiled.is_file(), source
            # The flags of PEP 552: by hash, not to be checked.
            assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", source


def test_the_first_program_has_no_driver_that_needs_firmware(built: Built) -> None:
    """It runs before the card's folder with firmware is mounted."""
    packed = subprocess.run(["zstd", "-dcq", built.boot / "initrd.img"], capture_output=True, check=True).stdout
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=packed, capture_output=True, check=True).stdout.decode()
    modules = [name for name in listed.splitlines() if name.endswith(".ko")]
    assert len(modules) > 20
    for name in modules:
        file = built.base / "root/usr" / name
        assert run("modinfo", "-F", "firmware", str(file)) == "", name


def test_the_documented_firmware_has_the_names_that_the_driver_requests(built: Built, root: Path) -> None:
    """For the board's own files, the driver puts the board's name before the suffix."""
    driver = next((root / "usr/lib/modules").rglob("brcmfmac.ko"))
    requested = set(run("modinfo", "-F", "firmware", str(driver)).split())
    tree = built.boot / "zero.dtb"
    tree.write_bytes(read(built.image, 2, "bcm2837-rpi-zero-2-w.dtb") or b"")
    board = run("fdtget", str(tree), "/", "compatible").split()[0]
    names = re.findall(r"`(brcmfmac\w+-sdio)\.([\w,-]+)\.(\w+)` \|$", (ROOT / "hardware.md").read_text(), re.MULTILINE)
    assert len(names) == 5
    for chip, named, _ in names:
        assert named == board
        assert f"brcm/{chip}.bin" in requested
        assert not (root / f"usr/lib/firmware/brcm/{chip}.{board}.bin").exists(), "Debian has it now"


def test_no_symbolic_link_is_broken(root: Path) -> None:
    """Except for those to files that a start creates."""
    made = re.compile(r"(\.\./)*/?(run|dev|proc|var|tmp)(/|$)|/dev/null")
    for path in files(root):
        if path.is_symlink() and not made.match(target := str(path.readlink())):
            place = root / target.lstrip("/") if target.startswith("/") else path.parent / target
            assert place.exists() or place.is_symlink(), f"{path.relative_to(root)} -> {target}"


def settings_of(tree: Path) -> list[str]:
    """The properties of a device tree, without the names for people."""
    lines = run("dtc", "-q", "-s", "-I", "dtb", "-O", "dts", str(tree)).splitlines()
    return [line for line in lines if "gpio-line-names" not in line]


def test_the_settings_partition(built: Built, tmp_path: Path) -> None:
    """It has the default settings, a place for firmware, and what a board without an EEPROM starts with."""
    run("mcopy", "-s", "-i", f"{built.image}{FIRST_PARTITION}", "::/", str(tmp_path))
    wanted = {"autoboot.txt", "bootcode.bin", "LICENCE.broadcom", "firmware", "tt-appliance.yaml"}
    assert {path.name for path in tmp_path.iterdir()} == wanted
    assert "hardware.md" in (tmp_path / "firmware" / "README.txt").read_text()
    assert list((tmp_path / "firmware" / "brcm").iterdir()) == []
    command = [str(ROOT / ".venv/bin/python"), "-m", "appliance", "config"]
    default = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = ["--config", str(tmp_path / "tt-appliance.yaml")]
    assert subprocess.run([*command, *settings], capture_output=True, text=True, check=True).stdout == default


def test_the_files_for_the_loader(built: Built, tmp_path: Path) -> None:
    """The firmware of each board is there, and each board's device tree accepts its overlay."""
    slot = tmp_path / "slot"
    slot.mkdir()
    run("mcopy", "-s", "-i", f"{built.image}@@{offset(built.image, 2)}", "::/", str(slot))
    assert {path.name for path in slot.glob("*.elf")} == {"start_cd.elf", "start4cd.elf"}
    for board in (frozenset[str](), frozenset({"pi5"})):
        loaded = load(built.image, tryboot=False, board=Board(board))
        names = [name for name, _ in loaded.overlays]
        assert names == (["tt-i2c", "tt-i2c-pi5"] if board else ["tt-i2c"])
    trees = sorted(slot.glob("*.dtb"))
    assert len(trees) == 9
    for tree in trees:
        overlay = "tt-i2c-pi5" if "2712" in tree.name else "tt-i2c"
        changed = tmp_path / "changed.dtb"
        run("fdtoverlay", "-i", str(tree), "-o", str(changed), str(slot / "overlays" / f"{overlay}.dtbo"))
        bus = run("fdtget", str(changed), "/aliases", "i2c1").strip()
        assert run("fdtget", "-t", "i", str(changed), bus, "clock-frequency").strip() == "400000"
        assert run("fdtget", str(changed), bus, "status").strip() == "okay"
    second = (slot / "bcm2712d0-rpi-5-b.dtb").read_bytes()
    assert second == (slot / "bcm2712-d-rpi-5-b.dtb").read_bytes()
    made = tmp_path / "second.dtb"
    first, overlay = str(slot / "bcm2712-rpi-5-b.dtb"), str(slot / "overlays" / "bcm2712d0.dtbo")
    run("fdtoverlay", "-i", first, "-o", str(made), overlay)
    assert settings_of(made) == settings_of(slot / "bcm2712d0-rpi-5-b.dtb"), (
        "the overlay turns the first into the second"
    )
