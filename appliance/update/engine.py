"""Installs a bundle into the slot that does not run: checks it, has RAUC write it, and arms its trial.

Nothing that runs or is committed is written. An installation that was killed is taken up by the next one.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance import __version__
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateSource, UpdateStatus
from appliance.update import autoboot, bundle, requirements, slots, state, status
from appliance.update.autoboot import AutobootError
from appliance.update.bundle import Bundle, Refused
from appliance.update.fat import FatError
from appliance.update.places import OTHER, Places, running_slot
from appliance.update.slots import SlotError
from appliance.update.state import Last, Outcome, Trial

COMPATIBLE = "tt-appliance-arm64"
"""The systems that these boards can run; also in RAUC's system.conf."""
_PROGRESS = re.compile(r"\s*(\d{1,3})%")
_MISSING = {
    UpdateReason.BOARD_UNKNOWN: "this board is not one that updates were made for",
    UpdateReason.EEPROM_TOO_OLD: "the board's EEPROM is too old: update it with Raspberry Pi Imager (Bootloader)",
    UpdateReason.FLAG_UNSUPPORTED: "the board's firmware does not keep the flag for a trial start",
}


class UnavailableError(Exception):
    """Updates can't be installed now: off the card, during a trial, or beside another installation."""


def examine(places: Places, path: Path, version: str = __version__) -> Bundle:
    """Check whether a bundle would be installed. version: of this system.

    Raises:
        Refused: It would not.
        UnavailableError: No update can be installed now.
        OSError: The card can't be read.
    """
    running = _settled_slot(places)
    if (lacking := requirements.missing(places)) is not None:
        raise Refused(lacking, _MISSING[lacking])
    try:
        autoboot.check(places.config)
    except (AutobootError, FatError) as error:
        raise Refused(UpdateReason.ENGINE_FAILED, f"the volume TT-CONFIG is damaged: {error}") from None
    found = bundle.read(places, path)
    if found.compatible != COMPATIBLE:
        raise Refused(UpdateReason.WRONG_BOARD, f"{path} is for other hardware ({found.compatible})", found.version)
    try:
        offered, own = bundle.order(found.version), bundle.order(version)
        oldest = bundle.order(found.minimum) if found.minimum else own
    except ValueError as error:
        raise Refused(UpdateReason.CORRUPT, f"{path}: {error}", found.version) from None
    if offered == own:
        raise Refused(UpdateReason.SAME_VERSION, f"version {version} runs already", found.version)
    if offered < own:
        raise Refused(UpdateReason.OLDER, f"{found.version} is older than {version}, which runs", found.version)
    if own < oldest:
        raise Refused(
            UpdateReason.NEEDS_VERSION, f"{found.version} needs version {found.minimum} or newer first", found.version
        )
    if (again := state.load(places).refusal(found.digest)) is not None:
        raise Refused(again, f"{found.version} was tried, and did not work on this box", found.version)
    if found.size > _size(places.slot(OTHER[running])):
        raise Refused(UpdateReason.NO_ROOM, f"{found.version} is larger than its place on this card", found.version)
    return found


def install(places: Places, path: Path, source: UpdateSource | None = None, version: str = __version__) -> Bundle:
    """Install a bundle, and arm its trial at the next restart. Blocks for a minute or more; publishes its progress.

    source: where it came from. version: of this system.

    Raises:
        Refused: It was refused, or failed; this is kept in the state and published.
        FlagError: The firmware's flag can't be cleared.
        UnavailableError: No update can be installed now.
        OSError: The card can't be read or written.
    """
    with alone(places) as lock:
        try:
            found = examine(places, path, version)
            _write(places, found, OTHER[_settled_slot(places)], source, lock)
        except Refused as refused:
            _report(places, refused, source)
            raise
        with state.changed(places) as kept:
            kept.last = Last(Outcome.INSTALLED, "", found.version, source or "")
        status.publish(places, UpdateStatus(UpdatePhase.READY, found.version, 100, source or ""))
    return found


def roll_back(places: Places) -> str:
    """Check the other system, and arm its trial at the next restart; its version.

    Raises:
        SlotError: The other slot has no system, or a damaged one.
        FlagError: The firmware does not keep the flag.
        UnavailableError: Not now.
        OSError: The card can't be read or written.
    """
    with alone(places):
        other = OTHER[_settled_slot(places)]
        if other in state.load(places).damaged:
            raise SlotError("its last installation or trial failed")
        slots.check(places.slot(other))
        version = slots.version(places.slot(other)) or "unknown"
        with state.changed(places) as kept:
            kept.trial = Trial(other, version)
        requirements.write_flag(places, True)
    return version


def rearm(places: Places) -> Trial | None:
    """Arm a trial that is pending since an earlier start: the flag was lost with the power. None if none is pending.

    Raises:
        FlagError, UnavailableError, OSError: As in install().
    """
    with alone(places):
        _settled_slot(places)
        trial = state.load(places).pending
        if trial is None or trial.started:
            return None
        requirements.write_flag(places, True)
        return trial


def _settled_slot(places: Places) -> str:
    """The slot that runs, which is committed too. Raises UnavailableError."""
    running = _running_slot(places)
    # During a trial the other slot is the committed one, which is never written.
    if places.trial.exists() or autoboot.committed(places.config) != running:
        raise UnavailableError("this system is being tried: wait until it is accepted")
    return running


def _running_slot(places: Places) -> str:
    """The slot that runs. Raises UnavailableError."""
    running = running_slot(places)
    if running is None:
        raise UnavailableError("this machine does not run from the appliance's SD card")
    return running


@contextmanager
def alone(places: Places) -> Iterator[int]:
    """Hold the lock of the one installation; yield its descriptor. Raises UnavailableError, OSError."""
    _running_slot(places)
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    lock = os.open(places.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError("another update is being installed") from None
        yield lock
    finally:
        os.close(lock)


def _write(places: Places, found: Bundle, target: str, source: UpdateSource | None, lock: int) -> None:
    """Have RAUC write the target slot. Raises Refused and FlagError."""

    def show(percent: int) -> None:
        status.publish(places, UpdateStatus(UpdatePhase.INSTALLING, found.version, percent, source or ""))

    show(0)
    device = found.path.stat().st_dev
    # A trial that was armed must not start while its slot is written.
    requirements.write_flag(places, False)
    # Noted before RAUC arms the new one, which it does even if this process is killed.
    with state.changed(places) as kept:
        kept.mark_slot(target, good=False)
        kept.trial = Trial(target, found.version, found.digest, source or "")
    _clear_remains(places)
    returned, said = _run_rauc(places, found, lock, show)
    if returned == 0:
        return
    _clear_remains(places)
    with state.changed(places) as kept:
        kept.trial = None
    if not _readable(found.path, device):
        raise Refused(UpdateReason.STICK_REMOVED, f"{found.path} can't be read any more", found.version)
    why = bundle.last_line(said)
    if "nput/output error" in said:
        raise Refused(UpdateReason.CORRUPT, f"{found.path} is damaged: copy it again ({why})", found.version)
    raise Refused(UpdateReason.ENGINE_FAILED, f"the installation failed: {why}", found.version)


def _run_rauc(places: Places, found: Bundle, lock: int, show: Callable[[int], None]) -> tuple[int, str]:
    """Run the installation; its exit code and its messages."""
    command = [bundle.PROGRAM, "-c", str(places.rauc_settings), "install", str(found.path)]
    said: list[str] = []
    last = 0
    # It keeps the lock, should this process be killed before it.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", pass_fds=(lock,)
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _PROGRESS.match(line):
                    # RAUC counts its other steps, too: never backwards, and 100 only when all is done.
                    if last < (percent := min(int(match[1]), 99)):
                        last = percent
                        show(percent)
                else:
                    said.append(line)
        except BaseException:
            process.kill()
            raise
    return process.returncode, "".join(said)


def _clear_remains(places: Places) -> None:
    """Unmount the bundle that a killed installation left."""
    if os.path.ismount(places.bundle_mount):
        subprocess.run(["umount", str(places.bundle_mount)], capture_output=True, check=False)


def _readable(path: Path, device: int) -> bool:
    """Whether a bundle is still there, and every byte of it can be read. device: its file system's number."""
    major, minor = os.major(device), os.minor(device)
    if major and not Path(f"/sys/dev/block/{major}:{minor}").exists():
        return False
    try:
        with path.open("rb", buffering=0) as file:
            # Not from the cache: a stick that was pulled out is there still.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True


def _report(places: Places, refused: Refused, source: UpdateSource | None) -> None:
    with state.changed(places) as kept:
        kept.last = Last(Outcome.REFUSED, refused.reason, refused.version, source or "")
    status.publish(places, UpdateStatus(UpdatePhase.FAILED, refused.version, 0, source or "", refused.reason))


def _size(path: Path) -> int:
    """The size of a partition in bytes. Raises OSError."""
    device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.lseek(device, 0, os.SEEK_END)
    finally:
        os.close(device)
