"""A copy on a USB stick, made by the button, moves a pairing to a new card; a factory reset leaves nothing of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from appliance.backup.contents import SECRETS
from appliance.backup.copy_file import check
from tests.image.card import copy_card
from tests.image.conftest import Built, Rig
from tests.image.sticks import make_stick, read_copies

pytestmark = [pytest.mark.image, pytest.mark.release]

SETTINGS = 'backup:\n  secret: "four quiet kitchen words"\n'
TOKEN = "cat /var/lib/tt-appliance/token.json"


def request(rig: Rig, action: str) -> None:
    """Ask root as the appliance does."""
    rig.box.write("/run/new-request", json.dumps({"action": action}))
    rig.box.run("mv /run/new-request /run/tt-appliance/request")


def ends(rig: Rig, *outcomes: str) -> None:
    """Wait for the status of a copy."""

    def ended() -> bool:
        status = rig.box.text("cat /run/tt-update/keep.json")
        assert "failed" in outcomes or '"failed"' not in status, f"{status}\n{rig.box.text('journalctl -b -n 30')}"
        return any(f'"{outcome}"' in status for outcome in outcomes)

    rig.box.until(ended, f"a copy is {outcomes}", 120)


def test_a_copy_moves_to_a_new_card_and_a_reset_leaves_nothing(rig: Rig, built: Built, tmp_path: Path) -> None:
    box = rig.box
    rig.write_settings(SETTINGS)
    box.start()
    box.wait_ready()
    box.reads("Press", timeout=240)
    rig.pair()
    token = box.text(TOKEN)

    rig.press_until("Save a copy")
    time.sleep(3)
    box.press()
    box.save("13-no-stick", box.reads("No USB stick", timeout=60))
    fat = make_stick(tmp_path / "fat", "vfat", partitioned=False)
    exfat = make_stick(tmp_path / "exfat", "exfat", partitioned=True)
    for stick in (fat, exfat):
        box.plug_in(stick)
        box.until(lambda: "sd" in box.text("ls /sys/class/block"), "the stick is there", 30)
        box.run("rm /run/tt-update/keep.json")
        request(rig, "backup")
        ends(rig, "saved")
        box.pull_out()
        box.until(lambda: "sd" not in box.text("ls /sys/class/block"), "the stick is gone", 30)
    (copy,) = read_copies(fat, tmp_path)
    index = check(copy)
    assert {SECRETS, "history.sqlite3"} <= {*index.parts}
    assert copy.name == f"{index.box}.copy-1.zip"

    request(rig, "poweroff")
    box.until(lambda: "ignored a request" in box.text("journalctl -b -u tt-request"), "it is ignored", 30)
    assert box.text("ls /run/tt-appliance/request 2>&1").endswith("No such file or directory")

    request(rig, "reset")
    box.start_again()
    box.wait_ready()
    box.save("14-erased", box.reads("Press", timeout=240))
    assert box.text("ls /var/lib/tt-appliance/token.json /var/lib/tt-reset 2>/dev/null") == ""
    assert box.text("ls /var/lib/tt-no-restore") == "/var/lib/tt-no-restore"
    box.plug_in(exfat)
    assert box.text("systemctl is-active tt-restore.service") == "inactive", "the stick brings nothing back"

    box.pull_plug()
    copy_card(built.image, box.card)
    rig.write_settings(SETTINGS)
    box.start()
    box.plug_in(exfat)
    box.wait_ready()
    box.until(lambda: box.text(TOKEN) == token, "the pairing is on the new card", 240)
    box.save("15-restored", box.reads("orders", timeout=240))
    ends(rig, "restored")
    assert box.text("stat -c %U:%a /var/lib/tt-appliance/token.json") == "tt-appliance:600"
