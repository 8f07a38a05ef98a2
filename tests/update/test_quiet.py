"""The hour of quiet: when a downloaded bundle is installed, and what becomes of it."""

from __future__ import annotations

import json
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from appliance.update import autoboot, downloads, state, status
from appliance.update.channel import Settings
from appliance.update.install import install_downloaded
from appliance.update.places import Places
from appliance.update.quiet import install_if_quiet, is_quiet
from appliance.update.state import Outcome, Trial
from appliance.update.watch import read_update

SETTINGS = Settings("https://a.org/index", 23.5 * 3600)
QUIET, BUSY = time(0, 10), time(19, 0)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A card with a downloaded bundle, on a board that can't be updated."""
    found = Places(tmp_path)
    for folder in ("run", "var/lib", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run/tt-slot").write_text("A\n")
    (tmp_path / "dev/tt").mkdir(parents=True)
    (tmp_path / "dev/tt/config").write_bytes(bytes(512))
    found.channel.mkdir(parents=True)
    (found.channel / downloads.BUNDLE).write_bytes(b"a bundle")
    note = {"version": "1.2.0", "sha256": "a" * 64, "system": "b" * 64, "etag": ""}
    (found.channel / downloads.NOTE).write_text(json.dumps(note))
    return found


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [(time(23, 29, 59), False), (time(23, 30), True), (time(0, 29, 59), True), (time(0, 30), False), (None, False)],
)
def test_the_hour_of_quiet(clock: time | None, quiet: bool) -> None:
    assert is_quiet(clock, SETTINGS.at) is quiet


@given(st.integers(0, 86399))
def test_each_day_has_one_hour_of_quiet(at: int) -> None:
    assert sum(is_quiet(time(minute // 60, minute % 60), at) for minute in range(24 * 60)) == 60


@pytest.mark.parametrize("clock", [BUSY, None])
def test_a_bundle_waits_for_its_hour(clock: time | None, places: Places) -> None:
    """It is shown meanwhile, also after a restart of the box: a person may install it at once."""
    assert not install_if_quiet(places, SETTINGS, clock)
    assert read_update(places.run / status.NAME) == UpdateStatus(UpdatePhase.FOUND, "1.2.0", 0, "channel")
    assert downloads.downloaded(places) is not None


def test_nothing_is_installed_over_an_update_that_waits_for_its_restart(places: Places) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.1.0", "c" * 64, "usb")
    assert not install_if_quiet(places, SETTINGS, QUIET)
    assert not (places.run / status.NAME).exists()
    assert downloads.downloaded(places) is not None
    assert state.load(places).trial is not None


def test_an_installation_that_was_killed_is_taken_up(places: Places) -> None:
    """Nothing waits for a restart if the slot was not written to its end."""
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.2.0", "b" * 64, "channel")
        kept.mark_slot("B", good=False)
    assert not install_if_quiet(places, SETTINGS, BUSY)
    assert read_update(places.run / status.NAME).phase is UpdatePhase.FOUND


def test_a_refused_bundle_is_removed_and_remembered(places: Places) -> None:
    (places.config).write_bytes(b"[all]\nboot_partition=2\n".ljust(512, b"\n"))
    assert not install_if_quiet(places, SETTINGS, QUIET)
    kept = state.load(places)
    assert kept.channel.refused.keys() == {"a" * 64}
    assert UpdateReason(kept.channel.refused["a" * 64]) is UpdateReason.BOARD_UNKNOWN
    assert kept.last.outcome == Outcome.REFUSED
    assert (downloads.downloaded(places), places.channel.exists()) == (None, False)
    assert read_update(places.run / status.NAME).reason == UpdateReason.BOARD_UNKNOWN


def test_a_press_installs_what_is_shown_at_any_time(places: Places) -> None:
    """Here it is refused, because of the board; and what is not shown is not installed."""
    places.config.write_bytes(autoboot.sector("A"))
    shown = UpdateStatus(UpdatePhase.FOUND, "1.2.0", 0, "channel")
    status.publish(places, UpdateStatus(UpdatePhase.FOUND, "1.1.0", 0, "channel"))
    note = (places.channel / downloads.NOTE).read_bytes()
    assert not install_downloaded(places)
    assert (places.channel.exists(), read_update(places.run / status.NAME)) == (False, UpdateStatus())
    places.channel.mkdir()
    (places.channel / downloads.BUNDLE).write_bytes(b"a bundle")
    (places.channel / downloads.NOTE).write_bytes(note)
    status.publish(places, shown)
    assert not install_downloaded(places)
    assert state.load(places).channel.refused == {"a" * 64: UpdateReason.BOARD_UNKNOWN}


def test_a_damaged_note_is_no_bundle(places: Places) -> None:
    (places.channel / downloads.NOTE).write_text("{")
    assert not install_if_quiet(places, SETTINGS, QUIET)
    assert downloads.downloaded(places) is None
