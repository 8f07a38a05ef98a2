"""What the display shows of the updates on sticks and card, what a press does, and what the next start tells."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from appliance.core.updates import NO_UPDATE, UpdatePhase, UpdateReason, UpdateSource, UpdateStatus
from appliance.update import boot_choice, search, sources, start, state, status
from appliance.update.acknowledge import acknowledge
from appliance.update.install import install_found
from appliance.update.places import Places
from appliance.update.sources import Offer
from appliance.update.state import Last, Outcome, Trial
from tests.update.cards import make_config
from tests.update.programs import program

OWN = "1.1.0"
SUPERBLOCK = struct.pack("<4s36xQ", b"hsqs", 48)
RAUC = """\
for file; do :; done
case $3 in
info)
    tail -c +49 "$file" | grep -q RAUC || { echo 'Verify error: unknown' >&2; exit 1; }
    tail -c +49 "$file" ;;
install) [ ! -e "{folder}/fails" ] || exit 1; echo ' 50% writing'; echo "$file" >>"{folder}/installed" ;;
esac
"""
"""It verifies nothing: the real one does so in tests/image/test_update_ways.py."""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A card that runs slot A."""
    root = tmp_path / "root"
    for folder in ("proc/device-tree/system", "run", "dev/tt", "var/lib", "boot/firmware"):
        (root / folder).mkdir(parents=True)
    (root / "proc/device-tree/system/linux,revision").write_bytes(struct.pack(">I", 0xA02082))
    (root / "run/tt-slot").write_text("A\n")
    make_config(root / "dev/tt/config")
    for name in ("slot-a", "slot-b"):
        (root / "dev/tt" / name).write_bytes(bytes(4096))
    flag = Places(root).flag
    flag.parent.mkdir(parents=True)
    flag.write_text("0\n")
    program(tmp_path / "bin", "rauc", RAUC.replace("{folder}", str(tmp_path)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Places(root)


def offer(
    tmp_path: Path, version: str, source: UpdateSource = UpdateSource.USB, *, compatible: str = "tt-appliance-arm64"
) -> Offer:
    """A bundle; without a version one that nobody has signed."""
    path = tmp_path / f"{version or 'unsigned'}.raucb"
    lines = (
        f"RAUC_MF_VERSION={version}\nRAUC_MF_COMPATIBLE={compatible}\n"
        f"RAUC_IMAGE_DIGEST_0=digest-{version}\nRAUC_IMAGE_SIZE_0=4096\n"
    )
    path.write_bytes(SUPERBLOCK + (lines if version else "nobody\n").encode())
    return source, path


def shown(places: Places, *offers: Offer) -> UpdateStatus:
    """The status after a search."""
    search.search(places, offers, OWN)
    return status.read(places)


def failed(reason: UpdateReason, version: str = "") -> UpdateStatus:
    return UpdateStatus(UpdatePhase.FAILED, version, 0, "usb", reason)


FOUND = UpdateStatus(UpdatePhase.FOUND, "1.10.0", 0, "usb")


def test_the_highest_version_is_found_beside_others(places: Places, tmp_path: Path) -> None:
    names = ("1.9.0", "1.10.0", "1.0.0", "")
    assert shown(places, *(offer(tmp_path, name) for name in names)) == FOUND
    on_card = shown(places, offer(tmp_path, "1.9.0"), offer(tmp_path, "1.11.0", UpdateSource.CARD))
    assert on_card == UpdateStatus(UpdatePhase.FOUND, "1.11.0", 0, "card")


def test_a_stick_without_an_update_changes_nothing(places: Places) -> None:
    assert shown(places) == NO_UPDATE
    assert not (places.run / status.NAME).exists()
    for phase in (UpdatePhase.UPDATED, UpdatePhase.FAILED):
        status.publish(places, before := UpdateStatus(phase, "1.1.0", 0, "usb"))
        assert shown(places) == before


def test_pulling_the_stick_out_withdraws_what_was_found_on_it(places: Places, tmp_path: Path) -> None:
    assert shown(places, offer(tmp_path, "1.10.0")) == FOUND
    assert shown(places) == NO_UPDATE


def test_what_the_channel_found_is_not_withdrawn(places: Places) -> None:
    status.publish(places, found := UpdateStatus(UpdatePhase.FOUND, "1.2.0", 0, UpdateSource.CHANNEL))
    assert shown(places) == found


def test_unacceptable_bundles_alone_are_told_by_the_highest(places: Places, tmp_path: Path) -> None:
    assert shown(places, offer(tmp_path, "")) == failed(UpdateReason.WRONG_KEY)
    assert shown(places, offer(tmp_path, ""), offer(tmp_path, "1.0.0")) == failed(UpdateReason.OLDER, "1.0.0")
    other = offer(tmp_path, "1.5.0", compatible="toaster")
    assert shown(places, other, offer(tmp_path, "1.0.0")) == failed(UpdateReason.WRONG_BOARD, "1.5.0")


def test_a_stick_that_is_left_after_the_update_says_nothing(places: Places, tmp_path: Path) -> None:
    assert shown(places, offer(tmp_path, OWN)) == NO_UPDATE
    assert shown(places, offer(tmp_path, OWN), offer(tmp_path, "1.0.0")) == NO_UPDATE


def test_a_refusal_that_was_read_is_told_again_only_if_plugged_in_again(places: Places, tmp_path: Path) -> None:
    older = offer(tmp_path, "1.0.0")
    told = shown(places, older)
    acknowledge(places)
    assert status.read(places) == NO_UPDATE
    assert state.load(places).last == Last(Outcome.REFUSED, told.reason, "1.0.0", "usb", read=True, left=True)
    assert shown(places, older) == NO_UPDATE
    assert shown(places, offer(tmp_path, "1.10.0"), older) == FOUND
    search.stick_gone(places)
    assert shown(places, older) == told


def test_a_press_installs_what_is_shown(places: Places, tmp_path: Path) -> None:
    offers = [offer(tmp_path, "1.9.0"), offer(tmp_path, "1.10.0")]
    shown(places, *offers)
    assert install_found(places, offers, OWN)
    assert status.read(places) == UpdateStatus(UpdatePhase.READY, "1.10.0", 100, "usb")
    assert (tmp_path / "installed").read_text() == f"{offers[1][1]}\n"
    # As RAUC does, which the program above is not.
    assert boot_choice.main(["set-primary", "B"], places) == 0
    assert shown(places, offer(tmp_path, "1.11.0")).phase is UpdatePhase.READY
    assert places.flag.read_text() == "1\n", "no search clears the flag of a trial"


def test_a_killed_installation_is_taken_up(places: Places, tmp_path: Path) -> None:
    status.publish(places, UpdateStatus(UpdatePhase.INSTALLING, "1.10.0", 40, "usb"))
    assert install_found(places, [offer(tmp_path, "1.10.0")], OWN)
    assert status.read(places).phase is UpdatePhase.READY


def test_one_that_is_not_taken_up_is_found_again(places: Places, tmp_path: Path) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.10.0", "digest-1.10.0", "usb")
        kept.mark_slot("B", good=False)
    start.resume_trial(places)
    status.publish(places, UpdateStatus(UpdatePhase.INSTALLING, "1.10.0", 40, "usb"))
    assert shown(places, offer(tmp_path, "1.10.0")) == FOUND


def test_an_installation_that_fails_is_told_and_another_search_does_not_hide_it(places: Places, tmp_path: Path) -> None:
    offers = [offer(tmp_path, "1.10.0")]
    shown(places, *offers)
    (tmp_path / "fails").touch()
    assert not install_found(places, offers, OWN)
    assert status.read(places) == failed(UpdateReason.ENGINE_FAILED, "1.10.0")
    assert shown(places) == failed(UpdateReason.ENGINE_FAILED, "1.10.0")


def test_a_press_after_the_stick_was_pulled_out(places: Places, tmp_path: Path) -> None:
    shown(places, offer(tmp_path, "1.10.0"))
    assert not install_found(places, [offer(tmp_path, "1.11.0", UpdateSource.CARD)], OWN)
    assert status.read(places) == failed(UpdateReason.STICK_REMOVED, "1.10.0")


def test_a_press_on_one_update_installs_no_other(places: Places, tmp_path: Path) -> None:
    shown(places, offer(tmp_path, "1.9.0"))
    assert not install_found(places, [offer(tmp_path, "1.10.0")], OWN)
    assert status.read(places) == FOUND
    assert not (tmp_path / "installed").exists()


def test_a_request_without_an_update_installs_nothing(places: Places, tmp_path: Path) -> None:
    assert not install_found(places, [offer(tmp_path, "1.10.0")], OWN)
    assert status.read(places) == NO_UPDATE


def test_a_rollback_is_told_at_each_start_until_it_is_read(places: Places, tmp_path: Path) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.10.0", "digest-1.10.0", "usb", started=True)
        kept.end_trial(UpdateReason.NOT_CONNECTED)
    stick = offer(tmp_path, "1.10.0")
    assert shown(places, stick) == failed(UpdateReason.NOT_CONNECTED, "1.10.0")
    acknowledge(places)
    assert shown(places, stick) == NO_UPDATE
    search.stick_gone(places)
    assert shown(places) == NO_UPDATE
    assert shown(places, stick) == failed(UpdateReason.TRIED_BEFORE, "1.10.0")


def test_the_gate_alone_shows_a_trial(places: Places, tmp_path: Path) -> None:
    places.trial.touch()
    assert shown(places, offer(tmp_path, "1.10.0")) == NO_UPDATE


def test_an_installed_update_waits_for_the_restart_after_the_power_was_cut(places: Places) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.10.0", "digest", "usb")
    start.resume_trial(places)
    assert shown(places) == UpdateStatus(UpdatePhase.READY, "1.10.0", 100, "usb")


@pytest.mark.parametrize(
    ("started", "reason"), [(True, UpdateReason.CUT_THREE_TIMES), (False, UpdateReason.BOOT_FAILED)]
)
def test_a_trial_without_a_verdict_comes_again_twice(places: Places, started: bool, reason: UpdateReason) -> None:
    def restart_into_it() -> UpdateStatus:
        with state.changed(places) as kept:
            assert kept.trial is not None
            kept.trial.before, kept.trial.started = {"picture": True}, started
        start.resume_trial(places)
        return shown(places)

    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.10.0", "digest", "usb")
    for _ in range(2):
        assert restart_into_it().phase is UpdatePhase.READY
        assert state.load(places).trial == Trial("B", "1.10.0", "digest", "usb")
    assert restart_into_it() == failed(reason, "1.10.0")


def test_going_back_by_hand_without_a_verdict_ends(places: Places) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.0.0", started=True)
    start.resume_trial(places)
    assert state.load(places).trial is None


def test_what_counts_as_a_bundle(places: Places, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    (folder / "folder.raucb").mkdir(parents=True)
    (folder / "below").mkdir()
    for name in ("a.raucb", "B.RAUCB", "._a.raucb", "a.raucb.part", "below/c.raucb"):
        (folder / name).touch()
    assert {path.name for path in sources.bundles(folder)} == {"a.raucb", "B.RAUCB"}
    assert sources.bundles(tmp_path / "nowhere") == []


def test_an_unmountable_stick_hides_no_copy_on_the_card(places: Places, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (places.config_folder / "update.raucb").touch()
    no_device = tmp_path / "empty"
    no_device.touch()
    with sources.offers(places, lambda: [no_device]) as found:
        assert found == [(UpdateSource.CARD, places.config_folder / "update.raucb")]
