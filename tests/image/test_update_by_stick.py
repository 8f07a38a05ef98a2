"""A card is updated from a USB stick, by two presses: found, installed, tried, and committed; the count goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.image.conftest import ROOT, Rig
from tests.image.loader import offset
from tests.image.machine import Machine
from tests.image.sticks import START, make_stick
from tests.update.cards import run

# Not in each run yet: it was never seen to its end.
pytestmark = [pytest.mark.image, pytest.mark.release]

NEW = "9.0.0"
STICK_MB = 320
MANIFEST = f"""\
[update]
compatible=tt-appliance-arm64
version={NEW}
[bundle]
format=verity
[image.system]
filename=slot.img
"""
STATUS = "cat /run/tt-update/status.json"
ANSWER_AFTER = 3
"""Seconds: an earlier press turns to the next screen."""


def make_next(card: Path, folder: Path) -> Path:
    """A bundle with the system of the card under a higher version, signed by the key that the image trusts."""
    new = folder / "new"
    new.mkdir()
    slot = new / "slot.img"
    with card.open("rb") as file:
        file.seek(offset(card, 2))
        slot.write_bytes(file.read(offset(card, 3) - offset(card, 2)).rstrip(b"\0"))
    with slot.open("ab") as file:
        file.truncate(-(-file.tell() // 4096) * 4096)
    (new / "version.txt").write_text(f"{NEW}\n")
    run("mcopy", "-o", "-i", str(slot), str(new / "version.txt"), "::version.txt")
    (new / "version.txt").unlink()
    (new / "manifest.raucm").write_text(MANIFEST)
    rauc, keys = (run(f"image/{program}", cwd=ROOT).strip() for program in ("host-rauc", "release-keys"))
    key, certificate, _ = keys.split("|")
    bundle = folder / "update.raucb"
    options = [f"--cert={certificate}", f"--key={key}", "--mksquashfs-args=-comp zstd -Xcompression-level 1"]
    run(rauc, "bundle", *options, str(new), str(bundle), cwd=ROOT)
    slot.unlink()
    return bundle


def shown(box: Machine) -> tuple[str, str]:
    """The phase of the update, and its reason."""
    text = box.text(STATUS)
    status = json.loads(text) if text.startswith("{") else {"phase": "none", "reason": ""}
    return status["phase"], status["reason"]


def until_shown(box: Machine, phase: str, reason: str = "", timeout: float = 120) -> None:
    box.until(lambda: shown(box) == (phase, reason), f"{phase} {reason}", timeout)


def until_gone(box: Machine) -> None:
    box.until(lambda: box.text("ls /sys/class/block | grep ^sd || true") == "", "the stick is gone", 30)


def answer(rig: Rig, words: str) -> None:
    """Turn the screens until one asks this, and press there."""
    rig.press_until(words)
    rig.box.run(f"sleep {ANSWER_AFTER}")
    rig.box.press()


def test_a_stick_of_any_kind_is_searched(shared_rig: Rig, tmp_path: Path) -> None:
    """exFAT in a partition, and FAT32 without one. A refusal is told until a press; an empty stick says nothing."""
    box = shared_rig.box
    exfat = make_stick(tmp_path / "exfat", "exfat", partitioned=True)
    box.plug_in(exfat)
    box.until(lambda: box.text("systemctl is-active tt-update-stick@sda1") == "active", "an empty stick", 60)
    assert shown(box) == ("none", "")
    letter = (
        "mkdir -p /run/put && mount -t exfat /dev/sda1 /run/put && echo Dear box >/run/put/a.raucb; umount /run/put"
    )
    assert box.text(letter) == ""
    box.pull_out()
    until_gone(box)
    box.plug_in(exfat)
    until_shown(box, "failed", "corrupt")
    answer(shared_rig, "Old version kept")
    until_shown(box, "none")
    box.pull_out()
    until_gone(box)
    fat = make_stick(tmp_path / "fat", "vfat", partitioned=False)
    (tmp_path / "a.raucb").write_text("Dear box\n")
    run("mcopy", "-i", str(fat), str(tmp_path / "a.raucb"), "::")
    box.plug_in(fat)
    until_shown(box, "failed", "corrupt")
    answer(shared_rig, "Old version kept")
    box.pull_out()
    until_gone(box)


def test_a_stick_updates_the_card(shared_rig: Rig, tmp_path: Path) -> None:
    box = shared_rig.box
    stick = make_stick(tmp_path / "stick", "vfat", partitioned=True, size=STICK_MB << 20)
    bundle = make_next(box.card, tmp_path)
    run("mcopy", "-i", f"{stick}@@{START}", str(bundle), "::")
    box.plug_in(stick)
    until_shown(box, "found")
    box.pull_out()
    until_shown(box, "none")
    box.plug_in(stick)
    until_shown(box, "found")
    box.save("16-update-found", box.reads("Update", timeout=60))
    answer(shared_rig, "Install")
    box.save("17-installing", box.reads("Installing", timeout=120))
    box.until(lambda: 0 < json.loads(box.text(STATUS))["percent"] < 100, "progress", 300, every=0.3)
    until_shown(box, "ready", timeout=900)
    box.save("18-installed", box.picture())
    answer(shared_rig, "Restart")
    box.start_again()
    box.wait_ready(300)
    assert (box.loaded.partition, box.loaded.tryboot) == (3, True)
    until_shown(box, "trial", timeout=240)
    box.save("19-trying", box.picture())
    until_shown(box, "updated", timeout=900)
    box.save("20-updated", box.reads(f"Updated to {NEW}", timeout=60))
    status = json.loads(box.text("tt-appliance update status --json"))
    assert (status["slot"], status["committed"], status["trial"]) == ("B", "B", False)
    assert status["other"]["state"] == "good"
    denied = (
        "journalctl -b --no-pager -o cat -u 'tt-update-*' -u tt-request | grep -E 'not permitted|denied|SIGSYS' || true"
    )
    assert box.text(denied) == ""
    box.pull_out()
    box.pull_plug()
    box.start()
    box.wait_ready(300)
    assert (box.loaded.partition, box.loaded.tryboot) == (3, False)
