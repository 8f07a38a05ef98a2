"""What updates remember: which bundles are tried again, which slots are damaged, and how the last update ended."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from appliance.core.updates import UpdateReason
from appliance.update import state
from appliance.update.places import Places
from appliance.update.state import Channel, Last, State, Trial, Tried


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def trial(bundle: str = "f00d") -> Trial:
    return Trial("B", "1.2.0", bundle, "usb", before={"gateway": True})


def test_it_is_kept_for_root_alone(places: Places) -> None:
    with state.changed(places) as kept:
        kept.last = Last("installed", "", "1.2.0", "usb")
        kept.trial = trial()
        kept.mark_slot("B", good=False)
        kept.bundles["beef"] = Tried("1.1.0", 2)
    assert state.load(places) == State(
        Last("installed", "", "1.2.0", "usb"), {"beef": Tried("1.1.0", 2)}, ["B"], trial()
    )
    assert stat.S_IMODE(places.state.stat().st_mode) == 0o700
    assert stat.S_IMODE((places.state / "state.json").stat().st_mode) == 0o600


def test_a_bundle_whose_trial_failed_is_not_tried_again() -> None:
    kept = State(trial=trial())
    kept.end_trial(UpdateReason.NOT_CONNECTED)
    assert kept.last == Last("rolled back", "not-connected", "1.2.0", "usb")
    assert (kept.trial, kept.damaged) == (None, ["B"])
    assert kept.refusal("f00d") is UpdateReason.TRIED_BEFORE
    assert kept.refusal("beef") is None


def test_a_power_cut_is_no_failure_but_three_are() -> None:
    kept = State(last=Last("installed"))
    for cuts in (1, 2):
        kept.trial = trial()
        kept.cut_trial()
        assert kept.refusal("f00d") is None, cuts
        assert kept.last.outcome == "installed"
    kept.trial = trial()
    kept.cut_trial()
    assert kept.refusal("f00d") is UpdateReason.CUT_THREE_TIMES
    assert kept.last == Last("rolled back", "cut-three-times", "1.2.0", "usb")
    assert kept.damaged == []


def test_success_forgets_earlier_cuts() -> None:
    kept = State(trial=trial(), bundles={"f00d": Tried("1.2.0", 2)})
    kept.end_trial(None)
    assert (kept.bundles, kept.trial) == ({}, None)


def test_going_back_by_hand_blames_no_bundle() -> None:
    kept = State(trial=trial(bundle=""))
    kept.end_trial(UpdateReason.NO_PICTURE)
    assert (kept.bundles, kept.damaged) == ({}, [])
    kept.trial = trial(bundle="")
    kept.cut_trial()
    assert kept.bundles == {}
    kept.end_trial(UpdateReason.NO_PICTURE)
    kept.cut_trial()


def test_only_the_newest_bundles_are_remembered() -> None:
    kept = State()
    for number in range(30):
        kept.trial = trial(str(number))
        kept.end_trial(UpdateReason.CRASHED)
    assert list(kept.bundles) == [str(number) for number in range(10, 30)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"last": 3, "bundles": [], "damaged": "A", "trial": {"slot": "C"}}',
        b" " * 70000,
    ],
)
def test_a_damaged_file_is_an_empty_one(places: Places, content: bytes) -> None:
    places.state.mkdir(parents=True)
    (places.state / "state.json").write_bytes(content)
    assert state.load(places) == State()
    with state.changed(places) as kept:
        kept.mark_slot("B", good=False)
    assert state.load(places).damaged == ["B"]


def test_values_of_another_version_are_kept_or_skipped(places: Places) -> None:
    places.state.mkdir(parents=True)
    written = {
        "later": {"number": 7},
        "channel": {"number": 9, "failures": "many", "other": 1},
        "last": {"outcome": "refused", "reason": "older", "new": 1},
        "bundles": {"a": {"cuts": "many"}},
    }
    (places.state / "state.json").write_text(json.dumps(written))
    with state.changed(places) as kept:
        assert kept.last == Last("refused", "older")
        assert kept.bundles == {"a": Tried()}
        kept.mark_slot("A", good=False)
    assert state.load(places).more == {"later": {"number": 7}}
    assert state.load(places).channel == Channel(9)


def test_no_state_on_a_new_box(places: Places) -> None:
    assert state.load(places) == State()


def test_an_error_in_the_block_changes_nothing(places: Places) -> None:
    def fail() -> None:
        with state.changed(places) as kept:
            kept.mark_slot("A", good=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert state.load(places) == State()
