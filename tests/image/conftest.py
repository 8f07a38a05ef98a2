"""The built image, unpacked once; and for each test that asks, a site with a machine that has a fresh card of it."""

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

from tests.image import machine
from tests.image.card import copy_card
from tests.image.machine import Machine
from tests.image.site import Site

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "image"
LONGEST = ("test_card.py", "test_failing.py", "test_system.py", "test_settings.py")
"""They take minutes and begin first, so that in the end no core is without work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first."""
    order = {Path(__file__).with_name(name): at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@dataclass(frozen=True)
class Built:
    """What `make image` made. image: unpacked. boot: what a board's loader would take from it."""

    image: Path
    boot: Path
    test_disk: Path
    base: Path


@pytest.fixture(scope="session")
def built() -> Built:
    return make_built()


def make_built() -> Built:
    """The newest image in dist/. Fails where there is none, or where a tool is missing: these tests are asked for."""
    packed = sorted((ROOT / "dist").glob("tt-appliance-*.img.xz"), key=lambda path: path.stat().st_mtime)
    assert packed, "there is no image: make image"
    assert os.geteuid() == 0, "root is needed for the machine's network"
    assert not (lacking := machine.missing()), f"not installed: {', '.join(lacking)}"
    folder = _unpacked(packed[-1])
    base = subprocess.run(["image/base"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    made = subprocess.run(["tests/image/disk", base], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Built(folder / "image.img", folder, Path(made.stdout.strip()), Path(base))


def _unpacked(packed: Path) -> Path:
    """A folder with the image and what a loader takes from it. Processes that test the same image unpack it once."""
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
            machine.unpack_boot(folder / "new.img", folder)
            folder.joinpath("new.img").rename(image)
        if not (folder / machine.TREE).exists():
            machine.make_tree(folder)
    return folder


@dataclass
class Rig:
    """A site and a machine on its network."""

    site: Site
    box: Machine

    def pair(self, *words: str) -> None:
        """Press both buttons, and wait for the count, and for what else is to be read beside it."""
        self.box.press()
        self.box.reads("gateway", timeout=60)
        self.site.do("button")
        self.box.reads("orders", *words, timeout=90)


@pytest.fixture
def rig(built: Built, tmp_path: Path) -> Iterator[Rig]:
    with _rig(built, tmp_path, Site(tmp_path)) as rig:
        yield rig


@pytest.fixture
def bare_rig(built: Built, tmp_path: Path) -> Iterator[Rig]:
    """One without anybody who gives addresses."""
    with _rig(built, tmp_path, Site(tmp_path, link_local=True)) as rig:
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
