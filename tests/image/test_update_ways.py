"""Updates on sticks and on the card are found and installed by the real RAUC, in a kernel that mounts their volumes.

That kernel has no exFAT: tests/image/test_update_by_stick.py has it, in the booted image.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import __version__
from tests.image.sticks import START, make_stick
from tests.image.update_box import NEW, ROOT, Box, Lab, made, no_bundle, wrong_key
from tests.update.bundles import make_bundle
from tests.update.cards import make_slot, run

pytestmark = [pytest.mark.image, pytest.mark.release]

PROGRAM = """\
import sys
from pathlib import Path
from appliance.update import search, sources
from appliance.update.install import install_found
from appliance.update.places import Places
from appliance.update.search import search as find
places, devices = Places(Path("{root}")), [Path(word) for word in sys.argv[2:]]
with search.lock(places), sources.offers(places, lambda: devices) as offers:
    (install_found if sys.argv[1] == "install" else find)(places, offers)
"""
"""What the units run; systemd and udev say which sticks there are."""
LARGE_BLOCKS = 9000
"""Of the root of a slot that takes some seconds to write: 36 MB."""
NOTHING = {"phase": "none", "version": "", "percent": 0, "source": "", "reason": ""}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab.make(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def refused(lab: Lab) -> list[Path]:
    """Bundles that no box installs."""
    return [made(lab, "0.0.9"), no_bundle(lab), wrong_key(lab)]


@pytest.fixture
def box(lab: Lab, tmp_path: Path) -> Iterator[Box]:
    box = Box(lab, tmp_path)
    (tmp_path / "ways.py").write_text(PROGRAM.format(root=ROOT))
    yield box
    box.pull_plug()


def plug_in(box: Box, *bundles: Path, partitioned: bool = False) -> str:
    """A FAT32 stick with these bundles; its device. Before the machine starts."""
    make_stick(box.stick, "vfat", partitioned=partitioned)
    volume = f"{box.stick}@@{START}" if partitioned else str(box.stick)
    for bundle in bundles:
        run("mcopy", "-i", volume, bundle, "::")
    box.machine.check(f"mkdir -p {ROOT}/boot/firmware")
    return "/dev/ubdb1" if partitioned else "/dev/ubdb"


def command(box: Box, *words: str) -> str:
    return f"{sys.executable} -I {box.folder}/ways.py {' '.join(words)}"


def search(box: Box, *devices: str) -> dict[str, object]:
    """Search; what is shown then."""
    box.machine.check(command(box, "search", *devices))
    shown = f"{ROOT}/run/tt-update/status.json"
    return dict(json.loads(box.machine.check(f"cat {shown} 2>/dev/null || echo '{json.dumps(NOTHING)}'")))


def found(source: str) -> dict[str, object]:
    return {**NOTHING, "phase": "found", "version": NEW, "source": source}


def is_installed(box: Box) -> None:
    assert box.shown()["phase"] == "ready"
    assert (box.flag(), box.status()["other"]) == ("1", {"version": NEW, "state": "good"})
    assert box.machine.run("grep tt-stick /proc/mounts").out == ""


@pytest.mark.parametrize("partitioned", [False, True])
def test_the_highest_update_on_a_stick_is_installed(lab: Lab, refused: list[Path], box: Box, partitioned: bool) -> None:
    stick = plug_in(box, lab.good, *refused, partitioned=partitioned)
    before = box.partitions(1, 2, 3)
    assert search(box, stick) == found("usb")
    assert box.partitions(1, 2, 3) == before
    assert search(box) == NOTHING
    assert search(box, stick) == found("usb")
    box.machine.check(command(box, "install", stick))
    is_installed(box)
    assert search(box, stick)["phase"] == "ready"
    assert box.flag() == "1"


def test_sticks_without_a_good_update(lab: Lab, box: Box) -> None:
    stick = plug_in(box)
    before = box.partitions(1, 2, 3)
    assert search(box, stick, "/dev/ubdb7") == NOTHING
    put = f"mount -t vfat {stick} /media/stick; cp {{}} /media/stick; umount /media/stick"
    box.machine.check(put.format(made(lab, "0.0.9")))
    refused = {**NOTHING, "phase": "failed", "version": "0.0.9", "source": "usb", "reason": "older"}
    assert search(box, stick) == refused
    box.machine.check(f"rm {ROOT}/run/tt-update/status.json; {put.format(made(lab, __version__))}")
    assert search(box, stick) == NOTHING
    assert box.partitions(1, 2, 3) == before
    assert box.flag() == "0"


def test_a_copy_on_the_card_is_installed(lab: Lab, box: Box) -> None:
    plug_in(box)
    box.machine.check(f"cp {lab.good} {ROOT}/boot/firmware/update.raucb")
    assert search(box) == found("card")
    box.machine.check(command(box, "install"))
    is_installed(box)


def test_a_killed_installation_is_taken_up(lab: Lab, box: Box) -> None:
    slot = make_slot(lab.folder / "large.img", NEW, blocks=LARGE_BLOCKS)
    stick = plug_in(box, make_bundle(lab.rauc, lab.keys, slot, NEW, lab.folder / "large.raucb"))
    assert search(box, stick) == found("usb")
    box.machine.check(f"""
        {command(box, "install", stick)} & installation=$!
        until pidof rauc && grep -qE 'percent": [1-9]' {ROOT}/run/tt-update/status.json; do
            [ -d /proc/$installation ] || exit 9
        done
        kill -KILL $(pidof rauc) $installation
        wait $installation || true
        umount -l {ROOT}/run/tt-stick-*
    """)
    assert (box.shown()["phase"], box.flag()) == ("installing", "0")
    box.machine.check(command(box, "install", stick))
    is_installed(box)
