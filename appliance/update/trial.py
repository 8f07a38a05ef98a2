"""The gate of a trial: watches the system that was started once, and accepts it or goes back to the old one.

Runs as root in a service of its own, on a start that the loader was asked to try. Where it ends without a verdict, the
next start is the old system's again.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from appliance import __version__, atomic_file, logs
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from appliance.update import state, status
from appliance.update.bundle import PROGRAM, last_line
from appliance.update.conditions import (
    REASONS,
    Condition,
    Decision,
    Observed,
    Verdict,
    has_settled,
    held,
    judge,
    outcomes,
)
from appliance.update.observation import Service, observe, observe_service
from appliance.update.places import Places, running_slot
from appliance.update.state import Trial

LOOK_EVERY = 2.0
"""Seconds between two looks: an appliance that keeps failing does so five times within half a minute."""
SAVE_LOG_EVERY = 120.0
"""Seconds between two copies of the log: the journal is in memory, and a system that hangs saves nothing."""
LOG_LINES = 200
LOG = "trial.log"
"""The end of the last failed trial's log, beside the state; for root alone."""
OUTCOMES = "trial.json"
"""How the conditions stand, for the status; readable by everybody."""
_JOURNAL = ["journalctl", "--boot", "--no-pager", "--quiet", "--output=short-monotonic", f"--lines={LOG_LINES}"]
_LONGEST_LOG = 256 * 1024
"""Bytes of the copy: 200 lines are some 20 KB."""
_TIMEOUT = 30.0
"""Seconds for a program: the journal is in memory, and a slow card takes some for a commit."""

log = logging.getLogger("appliance.trial")


class Marks(Protocol):
    """What makes a verdict last."""

    def mark_good(self) -> None:
        """Commit the system that runs. Raises OSError."""

    def mark_bad(self, reason: UpdateReason) -> None:
        """Keep why the trial failed, so that the bundle is not tried again. Raises OSError."""


class CardMarks:
    """The verdict on the card: RAUC commits the slot that runs, and the state has the rest."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def mark_good(self) -> None:
        """As in Marks. A power cut between the two steps leaves a system that is committed, on trial no more."""
        command = [PROGRAM, "-c", str(self._places.rauc_settings), "status", "mark-good"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        if done.returncode:
            raise OSError(f"RAUC did not commit the slot: {last_line(done.stderr)}")
        with state.changed(self._places) as kept:
            kept.end_trial(None)
        # What runs is like any other system from now on, and takes the next update.
        self._places.trial.unlink(missing_ok=True)

    def mark_bad(self, reason: UpdateReason) -> None:
        """As in Marks. The old system is still the committed one."""
        with state.changed(self._places) as kept:
            kept.end_trial(reason)


@dataclass(slots=True)
class Gate:
    """Judges one trial. look_at_service, look: of what holds now; look takes whether the updater is known to work.

    began: when the appliance was first started, in monotonic seconds; the gate's own start until it was.
    """

    places: Places
    trial: Trial
    look_at_service: Callable[[], Service]
    look: Callable[[Service, bool], Observed]
    began: float
    _started: bool = False
    _settled: bool = False
    _updater: bool = False
    _told: dict[str, str] = field(default_factory=dict)
    _saved_at: float = float("-inf")

    def judge(self, now: float) -> Verdict:
        """Look once; tell how the conditions stand, and the verdict. now: monotonic seconds."""
        service = self.look_at_service()
        if service.began is not None and not self._started:
            self._started, self.began = True, service.began
        observed = self.look(service, self._updater)
        before = before_of(self.trial)
        self._updater = observed.updater
        self._settled |= has_settled(before, observed)
        self._tell(outcomes(before, observed))
        verdict = judge(before, observed, now - self.began, settled=self._settled)
        if verdict.decision is Decision.NO or now >= self._saved_at + SAVE_LOG_EVERY:
            self._saved_at = now
            save_log(self.places)
        return verdict

    def _tell(self, found: dict[str, str]) -> None:
        if found == self._told:
            return
        for name, outcome in found.items():
            if self._told.get(name) != outcome:
                log.info("%s: %s", name, outcome)
        self._told = found
        status.replace_file(self.places, OUTCOMES, {"conditions": found})


def before_of(trial: Trial) -> frozenset[Condition]:
    """The conditions that held before a trial. Those of another version that this one does not know are left out.

    Without a record it is the state: the record may be missing because the state is.
    """
    if not trial.before:
        return frozenset({Condition.STATE})
    return frozenset(condition for condition in Condition if trial.before.get(condition.value) is True)


def record_before(places: Places, service: Service | None = None) -> None:
    """Keep which conditions hold, for the trial that is pending. Blocks for some seconds. Raises OSError."""
    conditions = held(observe(places, service or observe_service()))
    with state.changed(places) as kept:
        if kept.trial is not None:
            kept.trial.before = dict.fromkeys((condition.value for condition in Condition), False)
            kept.trial.before |= dict.fromkeys((condition.value for condition in conditions), True)


def save_log(places: Places) -> None:
    """Keep the end of the log beside the state. A card that can't be written must not stop the trial."""
    try:
        done = subprocess.run(_JOURNAL, capture_output=True, timeout=_TIMEOUT, check=False)
        with atomic_file.open_directory(places.state) as folder:
            atomic_file.write(folder, LOG, done.stdout[-_LONGEST_LOG:])
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("can't save the log of the trial: %s", error)


def run(gate: Gate, marks: Marks, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Watch until the verdict, and make it last; whether the system is good."""
    places, trial = gate.places, gate.trial
    status.publish(places, UpdateStatus(UpdatePhase.TRIAL, trial.version, 100, trial.source))
    while (verdict := gate.judge(time.monotonic())).decision is Decision.WAIT:
        sleep(LOOK_EVERY)
    if verdict.decision is Decision.GOOD:
        log.info("the system is accepted")
        marks.mark_good()
        (places.state / LOG).unlink(missing_ok=True)
        status.publish(places, UpdateStatus(UpdatePhase.UPDATED, trial.version, 100, trial.source))
        return True
    assert verdict.missing is not None, "a refusal has a reason"
    reason = REASONS[verdict.missing]
    log.error("the system is given up: %s", reason)
    try:
        marks.mark_bad(reason)
    except OSError as error:
        # The old system comes back all the same.
        log.error("can't keep why: %s", error)
    return False


def begin(places: Places) -> Trial:
    """Note that the trial has started; the trial. If the state lacks it, one without a record of what held before."""
    running = running_slot(places) or ""
    try:
        with state.changed(places) as kept:
            if kept.trial is None or kept.trial.slot != running:
                kept.trial = Trial(running, __version__)
            kept.trial.started = True
            kept.trial.version = kept.trial.version or __version__
            return kept.trial
    except OSError as error:
        log.error("can't keep that the trial has started: %s", error)
        return Trial(running, __version__)


def main() -> int:
    """Judge the system that runs; go back to the old one by a restart if it is not good."""
    logs.set_up(logging.INFO)
    places = Places()
    gate = Gate(
        places,
        begin(places),
        observe_service,
        lambda service, updater: observe(places, service, updater=updater),
        time.monotonic(),
    )
    if run(gate, CardMarks(places)):
        return 0
    return subprocess.run(["systemctl", "reboot"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
