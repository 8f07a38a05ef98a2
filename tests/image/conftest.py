"""The unpacked image, and a site with a machine and a fresh card, for one test or several."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.image import board, loader
from tests.image.card import copy_card, write_firmware, write_settings
from tests.image.machine import Machine
from tests.image.picture import says
from tests.image.site import Site

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "image"
SHARED = ("test_firmware.py", "test_system.py", "test_story.py", "test_settings.py", "test_update_by_stick.py")
"""Their tests run in this order on one machine, each in the state that the previous one left; none runs alone."""
SHARING = {"shared_rig", "bare_rig"}
"""The fixtures whose machine several tests share."""
RADIO_FIRMWARE = "brcm/brcmfmac43430b0-sdio.raspberrypi,model-zero-2-w.bin"
"""A file that Debian lacks, by the name that its driver requests; on the shared machine's card."""
_broken: dict[str, str] = {}
"""The first failed test of each shared machine; later tests on that machine are meaningless."""


class Scheduling(LoadFileScheduling):
    """Hands a worker all tests that share a machine or a file, or one test if each has its own machine."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.split("::")[0]).name
        return "shared machine" if file in SHARED else nodeid if file == "test_card.py" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the shared machine's tests first, for they take longest."""
    order = {Path(__file__).with_name(name): at for at, name in enumerate((*SHARED, "test_network.py"))}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail the tests on a shared machine after the first failure."""
    for fixture in _shared_by(item) & set(_broken):
        pytest.fail(f"not run, because {_broken[fixture]} failed on the same machine")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember which test broke a shared machine."""
    if call.excinfo is not None:
        for fixture in _shared_by(item):
            _broken.setdefault(fixture, item.name)


def _shared_by(item: pytest.Item) -> set[str]:
    return SHARING & set(getattr(item, "fixturenames", ()))


@dataclass(frozen=True)
class Built:
    """The output of `make image`. image: unpacked. boot: the files that a board's loader reads from it."""

    image: Path
    boot: Path
    test_disk: Path
    base: Path


@pytest.fixture(scope="session")
def built() -> Built:
    return make_built()


def make_built() -> Built:
    """Prepare the newest image in dist/. Fails without an image or a tool instead of skipping."""
    packed = sorted((ROOT / "dist").glob("tt-appliance-*.img.xz"), key=lambda path: path.stat().st_mtime)
    assert packed, "no image in dist/: run make image"
    assert os.geteuid() == 0, "root is needed for the machine's network"
    assert not (lacking := board.missing()), f"not installed: {', '.join(lacking)}"
    folder = _unpacked(packed[-1])
    base = subprocess.run(["image/base"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    made = subprocess.run(["tests/image/disk", base], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Built(folder / "image.img", folder, Path(made.stdout.strip()), Path(base))


def _unpacked(packed: Path) -> Path:
    """A folder with the image and the loader's files. Processes that test the same image unpack it once."""
    digest = packed.with_name(packed.name + ".sha256").read_text()[:16]
    folder = WORK / "unpacked" / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image = folder / "image.img"
        if not image.exists():
            for old in folder.parent.glob("*/image.img"):
                shutil.rmtree(old.parent)
            folder.mkdir(exist_ok=True)
            with folder.joinpath("new.img").open("wb") as file:
                subprocess.run(["xz", "-dc", "-T", "2", packed], stdout=file, check=True)
            _unpack_slot(folder / "new.img", folder)
            folder.joinpath("new.img").rename(image)
        if not (folder / board.TREE).exists():
            board.make_tree(folder)
    return folder


def _unpack_slot(image: Path, to: Path) -> None:
    """Copy the files that the loader takes from an unchanged card."""
    loaded = loader.load(image, tryboot=False)
    (to / "vmlinuz").write_bytes(loaded.kernel)
    (to / "initrd.img").write_bytes(loaded.initramfs)
    (to / "cmdline.txt").write_text(loaded.command_line)


@dataclass
class Rig:
    """A site and a machine on its network."""

    site: Site
    box: Machine

    def write_settings(self, text: str, encoding: str = "utf-8") -> None:
        """Write these settings to the card."""
        path = self.box.card.with_name("settings.yaml")
        path.write_text(text, encoding=encoding)
        write_settings(self.box.card, path)

    def pair(self, *words: str) -> None:
        """Press both buttons, and wait for the count and these words beside it."""
        self.box.press()
        self.box.reads("gateway", timeout=60)
        self.site.do("button")
        self.box.reads("orders", *words, timeout=90)

    def press_until(self, words: str) -> None:
        """Turn the screens until one says this."""
        for _ in range(20):
            self.box.press()
            if says(self.box.picture(), words):
                return
        raise AssertionError(f"no screen says {words}")

    def started(self) -> bool:
        """Return True if the machine has started completely."""
        return self.box.text("systemctl is-system-running") in ("running", "degraded")


@pytest.fixture(scope="session")
def shared_rig(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A machine that shows the pairing screen after its first start; see SHARED."""
    folder = tmp_path_factory.mktemp("shared")
    with _rig(built, folder, Site(folder)) as rig:
        firmware = folder / "firmware.bin"
        firmware.write_bytes(b"firmware from the card")
        write_firmware(rig.box.card, RADIO_FIRMWARE, firmware)
        rig.box.start()
        rig.box.wait_ready()
        rig.box.until(lambda: rig.box.facts()["first_us"] > 0, "a first picture")
        rig.box.save("1-first", rig.box.picture())
        rig.box.save("2-gateway-found", rig.box.reads("Press", timeout=240))
        rig.box.until(rig.started, "the start is over", 240)
        yield rig


@pytest.fixture
def rig(built: Built, tmp_path: Path) -> Iterator[Rig]:
    """A machine that is not started yet, for this test only."""
    with _rig(built, tmp_path, Site(tmp_path)) as rig:
        yield rig


@pytest.fixture(scope="module")
def bare_rig(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A machine that is not started yet, without a DHCP server; the tests of a file share it."""
    folder = tmp_path_factory.mktemp("bare")
    with _rig(built, folder, Site(folder, link_local=True)) as rig:
        yield rig


@contextmanager
def _rig(built: Built, tmp_path: Path, site: Site) -> Iterator[Rig]:
    card = copy_card(built.image, tmp_path / "card.img")
    box = Machine(site.lab, card, built.test_disk, tmp_path, boot=built.boot)
    try:
        yield Rig(site, box)
    finally:
        box.pull_plug()
        site.close()
        card.unlink()
