"""The gate of a trial in the booted image: a system that is well is committed, and one that keeps ending goes back."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from tests.image.conftest import Rig
from tests.image.loader import choose

pytestmark = [pytest.mark.image, pytest.mark.release]

SECTOR = 512
GATE = "journalctl -b -o cat --no-pager -u tt-trial"


def copy_slot(card: Path) -> None:
    """Write slot A's image into slot B, as an update does."""
    with card.open("r+b") as file:
        table = file.read(SECTOR)
        places = [struct.unpack_from("<II", table, 446 + 16 * number + 8) for number in (1, 2)]
        (source, size), (target, _) = places
        for at in range(0, size * SECTOR, 1 << 20):
            file.seek(source * SECTOR + at)
            part = file.read(1 << 20)
            file.seek(target * SECTOR + at)
            file.write(part)


@pytest.fixture
def on_trial(rig: Rig) -> Rig:
    """A box whose slot B was started for one trial."""
    copy_slot(rig.box.card)
    rig.box.flag.set()
    rig.box.start()
    rig.box.wait_ready(timeout=300)
    assert rig.box.text("cat /run/tt-slot; ls /run/tt-trial") == "B\n/run/tt-trial"
    return rig


def test_a_system_that_is_well_is_committed(on_trial: Rig) -> None:
    box = on_trial.box
    box.until(lambda: "the system is accepted" in box.text(GATE), "the verdict", 300, 3)
    # The appliance reads the status of the update every other second.
    box.until(lambda: '"updated"' in box.text("tt-appliance status --json"), "the appliance tells of it", 30)
    facts = json.loads(box.text("tt-appliance status --json"))
    assert (facts["slot"], facts["trial"]) == ("B", False)
    assert (facts["trial_conditions"]["running"], facts["trial_conditions"]["updater"]) == ("good", "good")
    assert box.text("systemctl show -P Result tt-trial") == "success"
    assert json.loads(box.text("cat /var/lib/tt-update/state.json"))["trial"] is None
    assert choose(box.card, tryboot=False)[0] == 3
    box.save("update-done", box.reads("Updated", timeout=30))


def test_a_system_whose_appliance_keeps_ending_goes_back(on_trial: Rig) -> None:
    box = on_trial.box
    box.run("echo 'while sleep 1; do pkill -KILL -f bin/tt-appliance; done' >/run/killer")
    box.send("(sh /run/killer >/dev/null 2>&1 &)")
    box.start_again(timeout=300)
    box.wait_ready(timeout=300)
    assert box.text("cat /run/tt-slot") == "A"
    kept = json.loads(box.text("cat /var/lib/tt-update/state.json"))
    assert (kept["last"]["outcome"], kept["last"]["reason"]) == ("rolled back", "crashed")
    assert "tt-appliance" in box.text("cat /var/lib/tt-update/trial.log")
    assert choose(box.card, tryboot=False)[0] == 2
