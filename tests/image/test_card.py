"""Damaged cards: a destroyed state, unreadable settings, a card that rejects writes."""

from __future__ import annotations

import pytest

from tests.blackbox.lab import run
from tests.image.card import Worn
from tests.image.conftest import Rig
from tests.image.loader import offset
from tests.image.machine import Machine

pytestmark = [pytest.mark.image, pytest.mark.release]

BLOCK = 4096
JOURNAL_FEATURES = 0x28
"""Offset of the journal's field of required features; e2fsck rejects an unknown bit in it."""
WORN: tuple[Worn, ...] = ("failing", "read-only")


def test_a_destroyed_state_is_reset_and_a_read_only_card_is_reported(rig: Rig) -> None:
    """The partition's first megabytes are lost: superblock, groups and journal. The display says so until the pairing.

    Then the card rejects writes: the display says so, and the box stays paired.
    """
    box = rig.box
    with box.card.open("r+b") as card:
        card.seek(offset(box.card, 4))
        card.write(b"\xa5" * (12 << 20))
    box.start()
    box.wait_ready()
    box.save("10-reset", box.reads("Press", "SD card was reset", timeout=240))
    assert "ext4" in box.text("grep ' /var/lib ' /proc/self/mounts")
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    rig.pair()
    pull_plug_later(box)

    for worn in WORN:
        box.start(worn=worn)
        box.wait_ready()
        box.save(f"10-{worn}", box.reads("orders", "SD card is broken", timeout=240))
        assert "tmpfs" in box.text("grep ' /var/lib ' /proc/self/mounts")
        assert box.text("ls /run/tt-appliance") == "state-in-memory"
        assert box.text("systemctl list-units --failed --no-legend --plain") == ""
        box.pull_plug()


def test_unreadable_settings_and_an_unrepairable_state(rig: Rig) -> None:
    """The display reports the settings, but not the reset of the state, because the pairing was saved."""
    box = rig.box
    settings = offset(box.card, 1)
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
    rig.pair("SD card is broken")
    pull_plug_later(box)
    with box.card.open("r+b") as card:
        card.seek(settings)
        card.write(sound)

    state = offset(box.card, 4)
    journal = int(run("debugfs", "-R", "bmap <8> 0", f"{box.card}?offset={state}"))
    with box.card.open("r+b") as card:
        card.seek(state + journal * BLOCK + JOURNAL_FEATURES)
        card.write(b"\x80")
    box.start()
    box.wait_ready()
    box.reads("orders", timeout=240)
    assert box.text("ls /run/tt-appliance") == "state-reset"
    assert "ext4" in box.text("grep ' /var/lib ' /proc/self/mounts")


def pull_plug_later(box: Machine) -> None:
    """Pull the plug after the checkpoint of the journal, which each start and some megabytes of changes cause."""
    box.run("fsfreeze --freeze /var/lib; fsfreeze --unfreeze /var/lib")
    box.pull_plug()
