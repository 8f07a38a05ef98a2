"""Bundles are installed or refused by the real RAUC, on a card with real partitions, in a kernel with dm-verity."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import __version__
from appliance.update import autoboot
from appliance.update.fat import SECTOR
from tests.image.update_box import (
    NEW,
    ROOT,
    Box,
    Lab,
    corrupt,
    made,
    no_bundle,
    oversized,
    truncated,
    written,
    wrong_key,
)
from tests.update.bundles import Keys, make_bundle, use_keys, with_revocation_list
from tests.update.cards import LOCAL, make_slot, partition, run

pytestmark = [pytest.mark.image, pytest.mark.release]
LARGE_BLOCKS = 9000
"""Of the root of a slot that takes some seconds to write: 36 MB."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab.make(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def machine(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One machine for all tests; use `box`."""
    box = Box(lab, tmp_path_factory.mktemp("box"))
    yield box
    box.pull_plug()


@pytest.fixture
def box(machine: Box) -> Box:
    """A box with a new card."""
    machine.reset()
    return machine


def test_a_good_bundle_is_installed_tried_and_committed(box: Box) -> None:
    before = box.partitions(1, 2)
    assert box.update(f"install {box.lab.good}") == (0, f"{NEW} is installed; restart the box to try it.")
    assert box.status() == {
        "version": __version__,
        "slot": "A",
        "committed": "A",
        "trial": False,
        "other": {"version": NEW, "state": "good"},
        "last": {"outcome": "installed", "reason": None},
    }
    assert box.shown() == {"phase": "ready", "version": NEW, "percent": 100, "source": "", "reason": ""}
    assert box.partitions(1, 2) == before
    assert box.partitions(3)[0].startswith(box.lab.slot.read_bytes())

    box.start_other_slot()
    assert box.update(f"install {box.lab.good}")[1].endswith("this system is being tried: wait until it is accepted")
    assert box.update("rollback")[0] == 1
    assert box.status()["committed"] == "A"
    box.mark_good()
    assert box.status()["committed"] == "B"
    config = box.partitions(1)[0]
    assert autoboot.sector("B") in config
    assert config.replace(autoboot.sector("B"), autoboot.sector("A")) == before[0]


def test_a_bundle_on_a_stick_and_a_box_without_a_clock(box: Box) -> None:
    run("mcopy", "-o", "-i", box.stick, box.lab.good, "::update.raucb")
    box.machine.check("date -s 2000-01-01; blockdev --flushbufs /dev/ubdb; mount -t vfat -o ro /dev/ubdb /media/stick")
    assert box.update("install /media/stick/update.raucb")[0] == 0


REFUSED: dict[str, tuple[str, str, Callable[[Lab], Path]]] = {
    "wrong key": ("wrong-key", "is not signed by a key that this box trusts", wrong_key),
    "corrupt signature": ("corrupt", "is damaged: copy it again", lambda lab: corrupt(lab, "signature", -60)),
    "corrupt manifest": (
        "corrupt",
        "is damaged: copy it again",
        lambda lab: corrupt(lab, "manifest", b"verity-hash="),
    ),
    "no bundle": ("corrupt", "is no update for this box, or damaged", no_bundle),
    "empty": ("corrupt", "is no update for this box, or damaged", lambda lab: truncated(lab, 0)),
    "truncated": ("truncated", "is incomplete: copy it again", lambda lab: truncated(lab, 1_000_000)),
    "last byte missing": ("truncated", "is incomplete", lambda lab: truncated(lab, lab.good.stat().st_size - 1)),
    "older": ("older", f"0.0.9 is older than {__version__}, which runs", lambda lab: made(lab, "0.0.9")),
    "pre-release": ("older", "is older than", lambda lab: made(lab, f"{__version__}-rc.1")),
    "same version": ("same-version", "runs already", lambda lab: made(lab, __version__)),
    "wrong board": ("wrong-board", "is for other hardware", lambda lab: made(lab, "9.1.0", compatible="toaster")),
    "no room": ("no-room", "is larger than its place on this card", oversized),
    "needs another first": ("needs-version", "needs version 8.0.0", lambda lab: made(lab, "9.2.0", minimum="8.0.0")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_bundle_changes_nothing(lab: Lab, box: Box, case: str) -> None:
    reason, words, make = REFUSED[case]
    before = box.partitions(1, 2, 3)
    code, line = box.update(f"install {make(lab)}")
    assert code == 1
    assert words in line
    assert box.status()["last"] == {"outcome": "refused", "reason": reason}
    assert (box.shown()["phase"], box.shown()["reason"]) == ("failed", reason)
    assert box.flag() == "0"
    assert box.partitions(1, 2, 3) == before


def test_a_missing_file_is_told(box: Box) -> None:
    code, line = box.update("install /nowhere/update.raucb")
    assert (code, line) == (1, "tt-appliance update: /nowhere/update.raucb can't be read: No such file or directory")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("rm {0}/sys/kernel/tt_tryboot/flags", "flag-unsupported"),
        ("ln -sf /dev/null {0}/sys/kernel/tt_tryboot/flags", "flag-unsupported"),
        ("rm {0}/proc/device-tree/system/linux,revision", "board-unknown"),
        (f"{written('00c03130')} >{{0}}/proc/device-tree/system/linux,revision", "board-unknown"),
        (f"{written('00c03114')} >{{0}}/proc/device-tree/system/linux,revision", "eeprom-too-old"),
    ],
)
def test_a_board_that_could_not_go_back_is_refused(box: Box, change: str, reason: str) -> None:
    before = box.partitions(1, 2, 3)
    keep = f"rm -rf /opt/kept; mkdir -p /opt/kept; cd {ROOT}; cp -a --parents sys proc /opt/kept"
    box.machine.check(f"{keep}; {change.format(ROOT)}")
    try:
        assert box.update(f"install {box.lab.good}")[0] == 1
        assert box.status()["last"] == {"outcome": "refused", "reason": reason}
    finally:
        box.machine.check(f"cd {ROOT}; rm -rf sys proc; cp -a /opt/kept/sys /opt/kept/proc .")
    assert box.partitions(1, 2, 3) == before


def test_a_corrupt_payload_stops_the_installation(lab: Lab, box: Box) -> None:
    before = box.partitions(1, 2)
    code, line = box.update(f"install {corrupt(lab, 'payload', 4_000_000)}")
    assert (code, "is damaged: copy it again" in line) == (1, True), line
    status = box.status()
    assert status["last"] == {"outcome": "refused", "reason": "corrupt"}
    assert status["other"] == {"version": status["other"]["version"], "state": "bad"}  # type: ignore[index]
    assert box.flag() == "0"
    assert box.update("rollback")[1].endswith("its last installation or trial failed")
    assert box.partitions(1, 2) == before
    assert box.update(f"install {lab.good}")[0] == 0


def test_a_revoked_key_is_refused_even_with_its_own_old_list(lab: Lab, box: Box) -> None:
    """RAUC of Debian's would take the list inside the signature, where the thief of a key puts an old one."""
    keys = Keys.make(lab.folder / "stolen")
    bundle = make_bundle(lab.rauc, keys, lab.slot, NEW, lab.folder / "stolen.raucb")
    thief = lab.folder / "thief.raucb"
    with_revocation_list(bundle, (keys.root / "revoked.pem").read_bytes(), thief)
    successor = Keys(keys.root, lab.folder / "successor")
    use_keys("release", successor.root, successor.release)
    use_keys("revoke", keys.root, keys.release / "certificate.pem")
    box.trust(keys.root)
    for path in (bundle, thief):
        code, line = box.update(f"install {path}")
        assert (code, "(certificate revoked)" in line) == (1, True), line
        assert box.status()["last"] == {"outcome": "refused", "reason": "wrong-key"}
    good = make_bundle(lab.rauc, successor, lab.slot, NEW, lab.folder / "successor.raucb")
    assert box.update(f"install {good}")[0] == 0


def test_a_new_root_beside_the_old_one(lab: Lab, box: Box) -> None:
    """Rotation: boxes trust both for a while."""
    new = Keys.make(lab.folder / "rotation")
    box.trust(lab.keys.root, new.root)
    for keys in (lab.keys, new):
        assert box.update(f"install {make_bundle(lab.rauc, keys, lab.slot, NEW, lab.folder / 'r.raucb')}")[0] == 0


def test_the_certificate_of_another_use_is_refused(lab: Lab, box: Box) -> None:
    """A key by the same root, for something else than updates."""
    other = lab.folder / "other"
    other.mkdir()
    extensions = lab.folder / "extensions"
    extensions.write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n")
    key, request, root = other / "key.pem", other / "request.pem", lab.keys.root
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    run("openssl", "req", "-new", "-key", key, "-subj", "/CN=other", "-out", request)
    issuer = ("-CA", root / "certificate.pem", "-CAkey", root / "key.pem", "-set_serial", "7")
    run("openssl", "x509", "-req", "-in", request, *issuer, "-extfile", extensions, "-out", other / "certificate.pem")
    bundle = make_bundle(lab.rauc, Keys(lab.keys.root, other), lab.slot, NEW, lab.folder / "other.raucb")
    assert "unsuitable certificate purpose" in box.update(f"install {bundle}")[1]


def test_lines_for_this_box_are_carried_over(lab: Lab, box: Box) -> None:
    local, slot_a = box.folder / "local.txt", box.folder / "slot-a"
    local.write_bytes(b"dtparam=speed=100000\r\n")
    slot_a.write_bytes((lab.folder / "old.img").read_bytes())
    run("mcopy", "-o", "-i", slot_a, local, "::local.txt")
    box.machine.check(f"dd if={slot_a} of=/dev/ubda2 bs=1M conv=fsync status=none")
    assert box.update(f"install {lab.good}")[0] == 0
    slot = box.partitions(3)[0][: lab.slot.stat().st_size]
    (box.folder / "slot-b").write_bytes(slot)
    assert run("mtype", "-i", box.folder / "slot-b", "::local.txt").strip() == "dtparam=speed=100000"
    assert len(slot.replace(local.read_bytes().ljust(512, b"\n"), LOCAL.ljust(512, b"\n"))) == len(slot)
    assert slot.replace(local.read_bytes().ljust(512, b"\n"), LOCAL.ljust(512, b"\n")) == lab.slot.read_bytes()


def test_a_bundle_that_failed_is_not_tried_again(lab: Lab, box: Box) -> None:
    assert box.update(f"install {lab.good}")[0] == 0
    box.machine.check(_change_state("kept.end_trial(UpdateReason.NOT_CONNECTED)"))
    assert box.status()["last"] == {"outcome": "rolled back", "reason": "not-connected"}
    again = make_bundle(lab.rauc, lab.keys, lab.slot, NEW, lab.folder / "signed-again.raucb")
    assert box.update(f"install {again}")[1].endswith(f"{NEW} was tried, and did not work on this box")
    assert box.status()["last"] == {"outcome": "refused", "reason": "tried-before"}


def test_going_back_by_hand(lab: Lab, box: Box) -> None:
    assert box.update("rollback")[1].startswith("tt-appliance update: there is no other system to go back to")
    assert box.update(f"install {lab.good}")[0] == 0
    box.start_other_slot()
    box.mark_good()
    box.machine.check(f"rm {ROOT}/run/tt-trial")
    box.machine.check(_change_state("kept.end_trial(None)"))
    box.machine.check("printf '#!/bin/sh\\n' >/usr/bin/systemctl")
    assert box.update("rollback") == (
        0,
        f"Restarting into {__version__}; if it does not work, this version comes back.",
    )
    assert box.flag() == "1"
    # A damaged block of its root.
    box.machine.check(f"echo 0 >{ROOT}/sys/kernel/tt_tryboot/flags")
    box.machine.check("printf x | dd of=/dev/ubda2 bs=1 seek=2500000 conv=notrunc status=none")
    assert box.update("rollback")[1].endswith("is damaged")
    assert box.flag() == "0"


@pytest.fixture(scope="module")
def large(lab: Lab) -> Path:
    """A bundle whose installation takes some seconds."""
    slot = make_slot(lab.folder / "large-slot.img", NEW, blocks=LARGE_BLOCKS)
    return make_bundle(lab.rauc, lab.keys, slot, NEW, lab.folder / "large-slot.raucb")


def _begin_install(box: Box, path: Path | str, then: str) -> str:
    """Begin an installation; when a part of the slot is written, run a command. The installation's one line."""
    done = box.machine.run(f"""
        update install {path} >/tmp/said 2>&1 & installation=$!
        until grep -Eq '"percent": [6-9][0-9]' {ROOT}/run/tt-update/status.json 2>/dev/null; do
            [ -d /proc/$installation ] || exit 9
            sleep 0.05
        done
        {then}
        wait $installation
        cat /tmp/said
    """)
    assert done.code != 9, "it ended before it was disturbed"
    return done.out.strip()


KILLS = {
    "both": "kill -KILL $(pidof rauc); kill -KILL $installation",
    "the command alone": "kill -KILL $installation",
    "rauc": "kill -KILL $(pidof rauc)",
}


@pytest.mark.parametrize("kill", KILLS)
def test_a_killed_installation_is_taken_up(box: Box, large: Path, kill: str) -> None:
    before = box.partitions(1, 2)
    _begin_install(box, large, KILLS[kill])
    if kill == "the command alone":
        # RAUC goes on, and holds the lock.
        box.machine.run("while pidof rauc; do sleep 0.1; done")
    else:
        assert box.flag() == "0"
        assert box.status()["other"]["state"] == "bad"  # type: ignore[index]
    assert box.partitions(1, 2) == before
    assert box.update(f"install {large}")[0] == 0
    assert (box.flag(), box.status()["other"]) == ("1", {"version": NEW, "state": "good"})


def test_two_installations_at_once(box: Box, large: Path) -> None:
    second = _begin_install(box, large, f"update install {box.lab.good} 2>&1")
    assert "another update is being installed" in second
    assert box.status()["other"] == {"version": NEW, "state": "good"}


def test_the_plug_pulled_during_an_installation(box: Box, large: Path) -> None:
    before = box.partitions(1, 2)
    spare = box.partitions(3)[0]
    _begin_install(box, large, "kill -STOP $(pidof rauc) $installation; sync; exit 0")
    box.pull_plug()
    assert [partition(box.card, number) for number in (1, 2)] == before
    assert partition(box.card, 3) != spare, "nothing was written yet"
    assert box.status()["other"]["state"] == "bad"  # type: ignore[index]
    assert box.status()["last"] == {"outcome": "none", "reason": None}
    assert box.update(f"install {large}")[0] == 0


def test_the_stick_pulled_out_during_an_installation(box: Box, large: Path) -> None:
    run("mcopy", "-o", "-i", box.stick, large, "::update.raucb")
    size = box.stick.stat().st_size // SECTOR
    box.machine.check(f"""
        blockdev --flushbufs /dev/ubdb
        dmsetup create stick --noudevsync --table "0 {size} linear /dev/ubdb 0"
        mount -t vfat -o ro /dev/dm-0 /media/stick
    """)
    removed = f"""
        dmsetup suspend --noudevsync --nolockfs --noflush stick
        dmsetup load stick --table "0 {size} error"
        dmsetup resume --noudevsync stick
        echo 3 >/proc/sys/vm/drop_caches
    """
    line = _begin_install(box, "/media/stick/update.raucb", removed)
    assert line == "tt-appliance update: /media/stick/update.raucb can't be read any more"
    assert box.status()["last"] == {"outcome": "refused", "reason": "stick-removed"}
    assert box.flag() == "0"
    assert box.update(f"install {box.lab.good}")[0] == 0


def _change_state(change: str) -> str:
    """A command that changes the state as a trial's end does."""
    return f"""{sys.executable} -I -c '
from pathlib import Path
from appliance.core.updates import UpdateReason
from appliance.update import state
from appliance.update.places import Places
with state.changed(Places(Path("{ROOT}"))) as kept:
    {change}'"""
