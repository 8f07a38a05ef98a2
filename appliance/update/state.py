"""What updates keep on the card: how the last one ended, which bundles failed, which slots are damaged, and the trial.

One JSON file, for root alone, replaced atomically. A damaged or lost file is an empty one: then a bundle that failed
may be tried once more, and a damaged slot is noticed when it is checked.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from appliance import atomic_file
from appliance.core.updates import UpdateReason
from appliance.update.places import Places

NAME = "state.json"
MOST_CUTS = 3
"""Trials of a bundle that a power cut may end: a box that is switched off each night must be able to update."""
MOST_BUNDLES = 20
"""Bundles that are remembered; the oldest are forgotten."""
_MOST_BYTES = 1 << 16


class Outcome(StrEnum):
    """How the last update ended."""

    NONE = "none"
    INSTALLED = "installed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"


@dataclass(slots=True)
class Last:
    """The last update. reason: an `UpdateReason`, or empty. source: an `UpdateSource`, or empty.

    read: a person has read on the display how it ended. left: since then, its bundle has not been plugged in anew.
    """

    outcome: str = Outcome.NONE
    reason: str = ""
    version: str = ""
    source: str = ""
    read: bool = False
    left: bool = False


@dataclass(slots=True)
class Tried:
    """A bundle whose trial ended without success. cuts: trials that a power cut ended. failed: an `UpdateReason`."""

    version: str = ""
    cuts: int = 0
    failed: str = ""


@dataclass(slots=True)
class Trial:
    """The trial that is to come, or under way. bundle: its hash; empty if a person goes back to the other system.

    before: the conditions that held when it was armed, for its gate. started: its slot has started.
    """

    slot: str
    version: str = ""
    bundle: str = ""
    source: str = ""
    started: bool = False
    before: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Channel:
    """The update channel. number, index: of the newest index seen, and its digest.

    failures: attempts in a row that failed. retry_at: when the next one is due, in seconds since 1970. refused: the
    reasons (`UpdateReason`) of the bundles that could not be installed, by the SHA-256 of their files.
    """

    number: int = 0
    index: str = ""
    failures: int = 0
    retry_at: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)

    def refuse(self, sha256: str, reason: str) -> None:
        """Remember that a bundle can't be installed."""
        self.refused[sha256] = reason
        for oldest in list(self.refused)[:-MOST_BUNDLES]:
            del self.refused[oldest]


@dataclass(slots=True)
class State:
    """All of it. damaged: slots that are being written, or whose system failed. more: values of other versions."""

    last: Last = field(default_factory=Last)
    bundles: dict[str, Tried] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    trial: Trial | None = None
    channel: Channel = field(default_factory=Channel)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def pending(self) -> Trial | None:
        """The trial of a system that is installed; None without one, or if its installation was interrupted."""
        return None if self.trial is None or self.trial.slot in self.damaged else self.trial

    def refusal(self, bundle: str) -> UpdateReason | None:
        """Why a bundle is not tried again; None if it may be."""
        tried = self.bundles.get(bundle, Tried())
        if tried.failed:
            return UpdateReason.TRIED_BEFORE
        return UpdateReason.CUT_THREE_TIMES if tried.cuts >= MOST_CUTS else None

    def mark_slot(self, slot: str, *, good: bool) -> None:
        """Note whether a slot has a system that may start."""
        self.damaged = [other for other in self.damaged if other != slot] + ([] if good else [slot])

    def end_trial(self, reason: UpdateReason | None) -> None:
        """The trial ended by a verdict. reason: why it failed, None if its system was committed."""
        trial, self.trial = self.trial, None
        if trial is None:
            return
        if reason is None:
            self.bundles.pop(trial.bundle, None)
            return
        self.last = Last(Outcome.ROLLED_BACK, reason, trial.version, trial.source)
        # A person may go back again: the other system was good once.
        if trial.bundle:
            self._remember(trial).failed = reason
            self.mark_slot(trial.slot, good=False)

    def cut_trial(self) -> None:
        """A power cut ended the trial without a verdict: the bundle may be tried again, but not for ever."""
        trial, self.trial = self.trial, None
        if trial is None or not trial.bundle:
            return
        tried = self._remember(trial)
        tried.cuts += 1
        if tried.cuts >= MOST_CUTS:
            self.last = Last(Outcome.ROLLED_BACK, UpdateReason.CUT_THREE_TIMES, trial.version, trial.source)

    def _remember(self, trial: Trial) -> Tried:
        tried = self.bundles.pop(trial.bundle, None) or Tried(trial.version)
        self.bundles[trial.bundle] = tried
        for oldest in list(self.bundles)[:-MOST_BUNDLES]:
            del self.bundles[oldest]
        return tried


def load(places: Places) -> State:
    """The state as it is now; the defaults where it can't be read."""
    try:
        with atomic_file.open_directory(places.state) as folder:
            return _parsed(atomic_file.read(folder, NAME, _MOST_BYTES))
    except (OSError, ValueError):
        return State()


@contextmanager
def changed(places: Places) -> Iterator[State]:
    """Yield the state to change it, and write it when the block ends without an error. Others wait meanwhile.

    Raises:
        OSError: It can't be written.
    """
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic_file.open_directory(places.state) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        atomic_file.clear_way(folder, NAME)
        try:
            state = _parsed(atomic_file.read(folder, NAME, _MOST_BYTES))
        except (FileNotFoundError, ValueError):
            state = State()
        before = _text(state)
        yield state
        if (text := _text(state)) != before or not _exists(folder):
            atomic_file.write(folder, NAME, text.encode(), 0o600)


def _exists(folder: int) -> bool:
    try:
        os.stat(NAME, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _text(state: State) -> str:
    data = asdict(state)
    return json.dumps({**data.pop("more"), **data}, indent=1) + "\n"


def _parsed(data: bytes) -> State:
    """The state in a file. What an older or a newer version wrote otherwise is skipped. Raises ValueError."""
    values = json.loads(data)
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    known = {"last", "bundles", "damaged", "trial", "channel"}
    state = State(more={key: value for key, value in values.items() if key not in known})
    state.last = Last(**_fields(values.get("last"), Last()))
    state.channel = Channel(**_fields(values.get("channel"), Channel()))
    bundles = values.get("bundles")
    for bundle, tried in bundles.items() if isinstance(bundles, dict) else ():
        state.bundles[bundle] = Tried(**_fields(tried, Tried()))
    damaged = values.get("damaged")
    state.damaged = [slot for slot in damaged if slot in ("A", "B")] if isinstance(damaged, list) else []
    trial = values.get("trial")
    if isinstance(trial, dict) and trial.get("slot") in ("A", "B"):
        state.trial = Trial(**_fields(trial, Trial("")))
    return state


def _fields(values: object, default: object) -> dict[str, Any]:
    """Those values whose names and types are the default's."""
    found = values if isinstance(values, dict) else {}
    return {
        name: found[name]
        for name, known in asdict(default).items()  # type: ignore[call-overload]
        if isinstance(found.get(name), type(known) if not isinstance(known, StrEnum) else str)
    }
