"""Observes what the trial of a system asks for: what systemd, the appliance, the card and the updater say."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from appliance.status.client import Facts, StatusError, find_appliance
from appliance.update import requirements
from appliance.update.bundle import PROGRAM
from appliance.update.conditions import Observed
from appliance.update.places import Places

UNIT = "tt-appliance.service"
STATE_DIR = Path("/var/lib/tt-appliance")
"""The appliance's state directory on the card's image."""
_PROPERTIES = {
    "ActiveState",
    "NRestarts",
    "ExecMainStartTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
    "WatchdogTimestampMonotonic",
}
_TIMEOUT = 30.0
"""Seconds for a program: systemd and RAUC answer at once, but a card may be slow."""
_FED_WITHIN = 20.0
"""Seconds within which the appliance feeds its watchdog (WatchdogSec of its unit)."""


@dataclass(frozen=True, slots=True)
class Service:
    """The appliance's service. began: when its program was last started, in monotonic seconds, or None before that.

    running_for: seconds for which it has been ready, and has fed its watchdog; 0 if it does not.
    """

    began: float | None = None
    running_for: float = 0.0
    restarts: int = 0
    failed: bool = False


def observe_service() -> Service:
    """What systemd says of the appliance; the defaults if it does not answer. Blocks for some milliseconds."""
    command = ["systemctl", "show", f"--property={','.join(sorted(_PROPERTIES))}", UNIT]
    lines = _output(command) or ""
    return service_of(lines, time.monotonic())


def service_of(lines: str, now: float) -> Service:
    """The service from the lines of `systemctl show`. now: monotonic seconds, the clock of its microseconds."""
    values = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
    began, ready, fed = (_moment(values, name) for name in ("ExecMainStart", "ActiveEnter", "Watchdog"))
    active = values.get("ActiveState") == "active"
    runs = active and ready is not None and fed is not None and now - fed <= _FED_WITHIN
    restarts = values.get("NRestarts", "")
    return Service(
        began,
        max(0.0, now - ready) if runs and ready is not None else 0.0,
        int(restarts) if restarts.isdecimal() else 0,
        values.get("ActiveState") == "failed",
    )


def observe(places: Places, service: Service, state_dir: Path = STATE_DIR, *, updater: bool = False) -> Observed:
    """What holds now. updater: it is known to work, and is not asked again. Blocks for some seconds at most."""
    facts = _facts(state_dir)
    return Observed(
        running_for=service.running_for,
        restarts=service.restarts,
        failed=service.failed,
        updater=updater or updater_works(places),
        state=state_is_on_card(places),
        settings=facts.get("settings_read") is True,
        picture=facts.get("display_works") is True,
        gateway=facts.get("state") == "connected",
    )


def updater_works(places: Places) -> bool:
    """Whether the next update could be installed: the board has what it takes, and RAUC answers."""
    command = [PROGRAM, "-c", str(places.rauc_settings), "status", "--output-format=shell"]
    return requirements.missing(places) is None and _output(command) is not None


def state_is_on_card(places: Places) -> bool:
    """Whether the folder of the state is the card's partition, and can be written."""
    folder = places.state.parent
    try:
        # It may be a copy in memory, or the root below a missing mount.
        on_card = folder.stat().st_dev == (places.root / "dev/tt/state").stat().st_rdev
        return on_card and not os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError:
        return False


def _facts(state_dir: Path) -> Facts:
    try:
        found = find_appliance(state_dir)
    except StatusError:
        # It does not respond, or not yet.
        return {}
    return {} if found is None else found.facts


def _moment(values: dict[str, str], name: str) -> float | None:
    """A moment of systemd's in seconds; None if it has not come."""
    text = values.get(f"{name}TimestampMonotonic", "")
    return int(text) / 1e6 if text.isdecimal() and int(text) else None


def _output(command: list[str]) -> str | None:
    """What a program prints; None if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
