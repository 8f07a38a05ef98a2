"""What becomes of a card in years: it is damaged, or full."""

from __future__ import annotations

import pytest

from tests.image import machine
from tests.image.conftest import Rig

pytestmark = pytest.mark.image


def test_a_destroyed_state_is_made_anew(rig: Rig) -> None:
    """The partition's first megabytes gone: no superblock, no groups, no journal. It is said until it is paired."""
    box, site = rig.box, rig.site
    with box.card.open("r+b") as card:
        card.seek(machine.partition_start(box.card, 4))
        card.write(b"\xa5" * (12 << 20))
    box.start()
    box.wait_ready()
    box.save("10-made-anew", box.reads("Press", "SD card was made anew", timeout=240))
    assert "ext4" in box.text("grep ' /var/lib ' /proc/self/mounts")
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    box.press()
    box.reads("gateway", timeout=60)
    site.do("button")
    box.reads("orders", timeout=90)
    box.pull_plug()
    box.start()
    box.wait_ready()
    box.reads("orders", timeout=240)
    assert box.text("ls /run/tt-appliance/state-made-anew").endswith("No such file or directory")


def test_a_worn_card_that_can_only_be_read_leaves_the_box_paired(rig: Rig) -> None:
    """And one whose settings can't be read runs without them. Either way it is said that the card is broken."""
    box, site = rig.box, rig.site
    settings = machine.partition_start(box.card, 1)
    with box.card.open("r+b") as card:
        card.seek(settings)
        sound = card.read(512)
        card.seek(settings)
        card.write(bytes(512))
    box.start()
    box.wait_ready()
    box.reads("Press", "SD card is broken", timeout=240)
    assert box.text("ls /run/tt-appliance") == "settings-lost"
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    box.press()
    box.reads("gateway", timeout=60)
    site.do("button")
    box.reads("orders", "SD card is broken", timeout=90)
    # What is in the journal alone can't be read from a card that takes no write; each start brings it to its place.
    box.run("fsfreeze --freeze /var/lib; fsfreeze --unfreeze /var/lib")
    box.pull_plug()

    with box.card.open("r+b") as card:
        card.seek(settings)
        card.write(sound)
    box.start(protected=True)
    box.wait_ready()
    box.save("10-read-only", box.reads("orders", "SD card is broken", timeout=240))
    assert "tmpfs" in box.text("grep ' /var/lib ' /proc/self/mounts")
    assert box.text("ls /run/tt-appliance") == "state-in-memory"
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""


def test_a_full_state_stops_nothing(rig: Rig) -> None:
    """Paired with no room for the token: the box works, and says that it can't keep the pairing."""
    box, site = rig.box, rig.site
    box.start()
    box.wait_ready()
    box.reads("Press", timeout=240)
    box.until(lambda: "exited" in box.text("systemctl show -P SubState tt-state-grow"), "the state is grown", 120)
    box.run("dd if=/dev/zero of=/var/lib/fill bs=64k 2>/dev/null; sync; dd if=/dev/zero of=/var/lib/fill2 bs=1", 300)
    box.press()
    box.reads("gateway", timeout=60)
    site.do("button")
    box.save("11-not-saved", box.reads("not saved", timeout=90))
    box.run("rm /var/lib/fill /var/lib/fill2")
    box.until(lambda: "token.json" in box.text("ls /var/lib/tt-appliance"), "the pairing is saved", 180)
    box.reads("orders", timeout=120)
