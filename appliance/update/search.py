"""Searches USB sticks and the card for an update, and shows on the display what it found.

Runs as root when a stick is plugged in or pulled out, at the start, and after a person has read how an update ended.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance import __version__, logs
from appliance.core.updates import NO_UPDATE, UpdatePhase, UpdateReason, UpdateSource, UpdateStatus
from appliance.update import bundle, engine, sources, state, status
from appliance.update.bundle import Bundle, Refused
from appliance.update.engine import UnavailableError
from appliance.update.places import Places
from appliance.update.sources import Offer
from appliance.update.state import Last, Outcome, State

HERE = (UpdateSource.USB, UpdateSource.CARD)
"""The sources that are searched here; what another one found is not withdrawn."""

log = logging.getLogger("appliance.update")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bundle that would not be installed. version: empty if it could not be read."""

    source: UpdateSource
    reason: UpdateReason
    version: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found. best: the bundle with the highest version of those that would be installed."""

    best: tuple[UpdateSource, Bundle] | None
    refusals: tuple[Refusal, ...]


@contextmanager
def lock(places: Places) -> Iterator[None]:
    """Wait for other searches, and for an installation that one of them began. Raises OSError."""
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(places.run / "search.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def examine(places: Places, offers: Sequence[Offer], version: str = __version__) -> Findings:
    """Check which of these bundles would be installed. version: of this system.

    Raises:
        UnavailableError, OSError: As engine.examine() does.
    """
    good: list[tuple[UpdateSource, Bundle]] = []
    refusals = []
    for source, path in offers:
        try:
            good.append((source, engine.examine(places, path, version)))
        except Refused as refused:
            log.info("%s", refused)
            refusals.append(Refusal(source, refused.reason, refused.version))
    best = max(good, key=lambda found: bundle.order(found[1].version), default=None)
    return Findings(best, tuple(refusals))


def search(places: Places, offers: Sequence[Offer], version: str = __version__) -> None:
    """Show what the display should say of updates now. The caller holds the lock.

    Raises:
        UnavailableError, OSError: As engine.examine() does.
    """
    # During a trial, its gate shows how it stands.
    if places.trial.exists():
        return
    with engine.alone(places):
        shown = status.read(places)
        wanted = _wanted(places, shown, offers, version)
    if wanted != shown:
        log.info("%s %s %s", wanted.phase, wanted.version, wanted.reason)
        status.publish(places, wanted)


def _wanted(places: Places, shown: UpdateStatus, offers: Sequence[Offer], version: str) -> UpdateStatus:
    kept = state.load(places)
    if (trial := kept.pending) is not None:
        return UpdateStatus(UpdatePhase.READY, trial.version, 100, trial.source)
    last = kept.last
    if last.outcome == Outcome.ROLLED_BACK and not last.read:
        return UpdateStatus(UpdatePhase.FAILED, last.version, 0, last.source, last.reason)
    found = examine(places, offers, version)
    if found.best is not None:
        source, best = found.best
        return UpdateStatus(UpdatePhase.FOUND, best.version, 0, source)
    if (told := _to_tell(found.refusals, kept)) is not None:
        return UpdateStatus(UpdatePhase.FAILED, told.version, 0, told.source, told.reason)
    was_found = shown.phase in (UpdatePhase.FOUND, UpdatePhase.INSTALLING) and shown.source in HERE
    return NO_UPDATE if was_found else shown


def _to_tell(refusals: Sequence[Refusal], kept: State) -> Refusal | None:
    """The refusal of the highest version, unless a stick or copy is left from the update to this version, or from one
    whose end a person has read.
    """
    if any(refusal.reason is UpdateReason.SAME_VERSION for refusal in refusals):
        return None
    told = max(refusals, key=lambda refusal: _order(refusal.version), default=None)
    return None if told is None or _was_read(told, kept.last) else told


def _was_read(refusal: Refusal, last: Last) -> bool:
    same = refusal.version == last.version and refusal.source == last.source
    return last.left and same and bool(refusal.version or refusal.reason == last.reason)


def _order(version: str) -> tuple[object, ...]:
    try:
        return (True, bundle.order(version))
    except ValueError:
        return (False,)


def stick_gone(places: Places) -> None:
    """A stick was pulled out: tell the refusal of its bundle again when it is plugged in. Raises OSError."""
    last = state.load(places).last
    if last.left and last.source == UpdateSource.USB:
        with state.changed(places) as kept:
            kept.last.left = False


def main(arguments: list[str]) -> int:
    """Search; the exit code. arguments: `gone DEVICE` if a stick was pulled out, or the system is shutting down."""
    logs.set_up(logging.INFO)
    places = Places()
    gone = Path("/sys/class/block", arguments[1]) if arguments[:1] == ["gone"] else None
    if gone is not None and gone.exists():
        return 0
    try:
        with lock(places):
            if gone is not None:
                stick_gone(places)
            with sources.offers(places) as offers:
                search(places, offers)
    except UnavailableError as error:
        log.info("%s", error)
    except OSError as error:
        log.error("can't search for updates: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
