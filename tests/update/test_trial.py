"""The gate of a trial: from what it sees to a verdict that lasts."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import __version__
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from appliance.update import state, trial
from appliance.update.conditions import GATEWAY_LIMIT, LIMIT, Condition, Decision, Observed
from appliance.update.observation import Service
from appliance.update.places import Places
from appliance.update.state import Outcome, Trial
from appliance.update.trial import LOG, SAVE_LOG_EVERY, CardMarks, Gate, before_of, begin, record_before, run
from appliance.update.watch import read_update
from tests.update.programs import program

WELL = Observed(70.0, updater=True, state=True, settings=True, picture=True, gateway=True)
BEGAN = 240.0
"""When the appliance was started, in monotonic seconds: on a slow host long after the kernel."""
EVERYTHING = {condition.value: True for condition in Condition}
RUNNING = Service(BEGAN, 70.0)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A card whose slot B runs on trial."""
    for folder in ("run/tt-update", "var/lib", "etc/rauc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run/tt-slot").write_text("B\n")
    found = Places(tmp_path)
    with state.changed(found) as kept:
        kept.trial = Trial("B", "1.2.0", "digest", "usb", before=EVERYTHING)
        kept.last.outcome = Outcome.INSTALLED
    return found


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal of a few lines, and a RAUC that notes its calls."""
    folder = tmp_path / "bin"
    program(folder, "journalctl", 'echo "the end of the log"')
    program(folder, "rauc", f'echo "$*" >>{folder}/log')
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


class Marks:
    """Notes the verdicts."""

    def __init__(self) -> None:
        self.verdicts: list[UpdateReason | None] = []

    def mark_good(self) -> None:
        self.verdicts.append(None)

    def mark_bad(self, reason: UpdateReason) -> None:
        self.verdicts.append(reason)


def gate(places: Places, looks: Iterator[Observed] | Observed, service: Service = RUNNING) -> Gate:
    """A gate that sees one thing after the other, or always the same."""
    known = state.load(places).trial
    assert known is not None
    return gate_of(places, known, looks, service)


def gate_of(places: Places, known: Trial, looks: Iterator[Observed] | Observed, service: Service = RUNNING) -> Gate:
    """As gate(), for a trial that the state may lack."""
    seen = itertools.repeat(looks) if isinstance(looks, Observed) else looks
    return Gate(places, known, lambda: service, lambda _, updater: next(seen), 5.0)


def told(places: Places) -> dict[str, str]:
    found: dict[str, str] = json.loads((places.run / "trial.json").read_text())["conditions"]
    return found


def test_a_good_system_is_committed_and_told(places: Places) -> None:
    marks = Marks()
    assert run(gate(places, WELL), marks)
    assert marks.verdicts == [None]
    assert read_update(places.run / "status.json") == UpdateStatus(UpdatePhase.UPDATED, "1.2.0", 100, "usb")
    assert not (places.state / LOG).exists(), "there is nothing to look up"
    assert set(told(places).values()) == {"good"}
    assert (places.run / "trial.json").stat().st_mode & 0o777 == 0o644


def test_while_it_waits_the_trial_is_told_with_each_condition(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    phases: list[UpdatePhase] = []
    outcomes: list[str] = []

    def sleep(seconds: float) -> None:
        phases.append(read_update(places.run / "status.json").phase)
        outcomes.append(told(places)["gateway"])

    looks = iter([replace(WELL, gateway=False), replace(WELL, gateway=False), WELL])
    watching = gate(places, looks, Service(time.monotonic()))
    assert run(watching, Marks(), sleep)
    assert phases == [UpdatePhase.TRIAL] * 2
    assert outcomes == ["waiting"] * 2
    said = [message for message in caplog.messages if message.startswith("gateway")]
    assert said == ["gateway: waiting", "gateway: good"], "each change once"
    assert "running: good" in caplog.messages


def test_a_bad_system_is_given_up_with_its_reason_and_the_log(places: Places) -> None:
    marks = Marks()
    assert not run(gate(places, replace(WELL, running_for=0.0, restarts=3)), marks)
    assert marks.verdicts == [UpdateReason.CRASHED]
    assert (places.state / LOG).read_text() == "the end of the log\n"
    assert (places.state / LOG).stat().st_mode & 0o777 == 0o600
    assert read_update(places.run / "status.json").phase is UpdatePhase.TRIAL


def test_its_time_runs_from_the_appliances_start(places: Places) -> None:
    watching = gate(places, replace(WELL, picture=False))
    assert watching.judge(BEGAN + LIMIT - 1).decision is Decision.WAIT
    assert watching.judge(BEGAN + LIMIT).decision is Decision.NO
    # A restart of the appliance is no new start.
    watching = gate(places, replace(WELL, picture=False))
    watching.judge(BEGAN + 1)
    watching.look_at_service = lambda: Service(BEGAN + 500)
    assert watching.judge(BEGAN + LIMIT).decision is Decision.NO
    # An appliance that is never started.
    watching = gate(places, Observed(), Service())
    assert watching.judge(5.0 + LIMIT - 1).decision is Decision.WAIT
    assert watching.judge(5.0 + LIMIT).decision is Decision.NO


def test_a_gateway_that_is_off_is_waited_for_even_if_something_else_fails_meanwhile(places: Places) -> None:
    alone = replace(WELL, gateway=False)
    watching = gate(places, iter([alone, replace(alone, picture=False), alone]))
    assert watching.judge(BEGAN + 70).decision is Decision.WAIT
    assert watching.judge(BEGAN + LIMIT + 1).decision is Decision.WAIT
    assert watching.judge(BEGAN + GATEWAY_LIMIT).decision is Decision.GOOD


def test_an_updater_that_works_is_not_asked_again(places: Places) -> None:
    known: list[bool] = []

    def look(_: Service, updater: bool) -> Observed:
        known.append(updater)
        return replace(WELL, gateway=False, updater=updater or len(known) == 2)

    watching = gate(places, WELL)
    watching.look = look
    for second in range(4):
        watching.judge(BEGAN + second)
    assert known == [False, False, True, True]


def test_the_log_is_saved_now_and_then_because_a_hang_saves_nothing(places: Places, programs: Path) -> None:
    watching = gate(places, replace(WELL, gateway=False))
    kept = places.state / LOG
    watching.judge(BEGAN)
    assert kept.read_text() == "the end of the log\n"
    program(programs, "journalctl", "echo more")
    watching.judge(BEGAN + SAVE_LOG_EVERY - 1)
    assert kept.read_text() == "the end of the log\n"
    watching.judge(BEGAN + SAVE_LOG_EVERY)
    assert kept.read_text() == "more\n"
    # A card that can't be written, or a journal that can't be read.
    program(programs, "journalctl", "exit 1")
    kept.unlink()
    kept.with_suffix(".moved").write_text("")
    places.state.rename(places.state.with_name("moved"))
    assert watching.judge(BEGAN + 2 * SAVE_LOG_EVERY).decision is Decision.WAIT


def test_the_state_has_the_verdict(places: Places, programs: Path) -> None:
    begin(places)
    places.trial.touch()
    CardMarks(places).mark_good()
    assert not places.trial.exists(), "the next update may come in the same start"
    assert (programs / "log").read_text() == f"-c {places.rauc_settings} status mark-good\n"
    kept = state.load(places)
    assert (kept.trial, kept.last.outcome) == (None, Outcome.INSTALLED)
    assert kept.refusal("digest") is None


def test_a_failure_is_kept_with_its_reason(places: Places, programs: Path) -> None:
    begin(places)
    CardMarks(places).mark_bad(UpdateReason.NO_PICTURE)
    kept = state.load(places)
    assert (kept.last.outcome, kept.last.reason, kept.last.version) == (Outcome.ROLLED_BACK, "no-picture", "1.2.0")
    assert kept.trial is None
    assert kept.refusal("digest") is UpdateReason.TRIED_BEFORE
    assert not (programs / "log").exists(), "the old system is committed still"


def test_a_slot_that_is_not_committed_stays_on_trial(places: Places, programs: Path) -> None:
    program(programs, "rauc", "echo 'boot-choice: the card did not keep it' >&2; exit 1")
    with pytest.raises(OSError, match="the card did not keep it"):
        run(gate(places, WELL), CardMarks(places))
    assert state.load(places).trial is not None
    assert read_update(places.run / "status.json").phase is UpdatePhase.TRIAL


def test_the_start_of_a_trial_is_noted(places: Places) -> None:
    assert state.load(places).trial == Trial("B", "1.2.0", "digest", "usb", before=EVERYTHING)
    begun = begin(places)
    assert begun == state.load(places).trial == Trial("B", "1.2.0", "digest", "usb", started=True, before=EVERYTHING)
    assert begin(places) == begun


def test_a_verdict_that_cannot_be_kept_brings_the_old_system_back(places: Places) -> None:
    noted = begin(places)
    # A file where the folder of the state should be.
    places.state.rename(places.state.with_name("moved"))
    places.state.write_text("")
    assert begin(places) == Trial("B", __version__)
    watching = gate_of(places, noted, replace(WELL, running_for=0.0, failed=True))
    assert not run(watching, CardMarks(places))


def test_a_trial_that_nobody_noted_is_judged_by_what_no_box_lacks(places: Places) -> None:
    for noted in (None, Trial("A", "9.9.9", before=EVERYTHING)):
        with state.changed(places) as kept:
            kept.trial = noted
        begun = begin(places)
        assert (begun.slot, begun.version, before_of(begun)) == ("B", __version__, frozenset({Condition.STATE}))
        assert run(gate(places, Observed(70.0, updater=True, state=True)), Marks())
        lost = gate(places, Observed(70.0, updater=True))
        assert lost.judge(BEGAN + 1).missing is Condition.STATE, "the note may be lost because the state is"


@pytest.mark.parametrize(
    ("before", "conditions"),
    [
        ({}, {Condition.STATE}),
        ({"state": False}, set()),
        ({"picture": True, "gateway": False}, {Condition.PICTURE}),
        ({"picture": "yes", "new": True, "state": True}, {Condition.STATE}),
    ],
)
def test_the_conditions_of_another_version_are_read_with_care(before: dict[str, object], conditions: set[str]) -> None:
    assert before_of(Trial("B", before=before)) == conditions


def test_what_works_is_recorded_before_the_restart(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        trial, "observe", lambda places, service: replace(WELL, running_for=service.running_for, picture=False)
    )
    record_before(places, Service(BEGAN, 1000.0))
    kept = state.load(places).trial
    assert kept is not None
    assert kept.before == EVERYTHING | {"picture": False}
    assert before_of(kept) == set(Condition) - {Condition.PICTURE}
    with state.changed(places) as changing:
        changing.trial = None
    record_before(places, Service(BEGAN, 1000.0))
    assert state.load(places).trial is None
