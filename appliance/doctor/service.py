"""The running appliance: what it tells of itself, and a pause of its service while its pins and display are tested."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from appliance.core.formatting import age, legible
from appliance.doctor.context import CheckContext, Service
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.status.client import Facts, NotPermittedError, StatusError, find_appliance

UNIT = "tt-appliance.service"
RUNS = ("active", "activating", "reloading", "deactivating")
"""The states of a service that uses its parts, or may use them at any moment."""
STOP_TIMEOUT, START_TIMEOUT = 30.0, 200.0
"""Seconds for systemd to stop and to start the service: more than the unit's own TimeoutStopSec and TimeoutStartSec."""
SPARE = 5.0
"""Seconds more to wait for a call that has one of these limits itself."""
_RESUME = (
    f'trap "" INT HUP TERM; read -r _; systemctl reset-failed {UNIT}; exec systemctl start --no-ask-password {UNIT}'
)
"""Waits until its input ends, and starts the service. Otherwise it would count as one more failed start."""


class SystemdService(Service):
    """The service under systemd."""

    def __init__(self) -> None:
        self._resuming: subprocess.Popen[bytes] | None = None

    def state(self) -> str:
        """As in Service."""
        return self._systemctl("is-active", timeout=STOP_TIMEOUT).stdout.strip()

    def pause(self) -> str | None:
        """As in Service. A process of its own starts the service again, even if this one is killed."""
        self._resuming = subprocess.Popen(
            ["/bin/sh", "-c", _RESUME],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        stopped = self._systemctl("stop", "--no-ask-password", timeout=STOP_TIMEOUT)
        if stopped.returncode == 0:
            return None
        # If it stops nevertheless, it has to start again.
        self.resume()
        self.wait(SPARE)
        return stopped.stderr.strip() or "systemctl failed"

    def resume(self) -> None:
        """As in Service."""
        if self._resuming is not None and self._resuming.stdin is not None:
            self._resuming.stdin.close()

    def wait(self, within: float = START_TIMEOUT) -> None:
        """As in Service."""
        if self._resuming is not None:
            with suppress(subprocess.TimeoutExpired):
                self._resuming.wait(within)

    def _systemctl(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        command = ["systemctl", *arguments, UNIT]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 1, "", str(error))


async def check_service(context: CheckContext) -> Finding | None:
    """Report what the running appliance tells of itself; None if none is running, and none should be."""
    try:
        found = await context.blocking(lambda: find_appliance(context.config.state_dir), "read the status")
    except NotPermittedError as error:
        return not_tried(str(error))
    except StatusError as error:
        return wrong(
            str(error), "Restart it: sudo systemctl restart tt-appliance", "See why: journalctl -eu tt-appliance"
        )
    if found is not None:
        context.status = found.facts
        return ok(_described(found.facts))
    if await _state(context) == "failed":
        return wrong(
            "the service keeps failing",
            "See why: journalctl -eu tt-appliance",
            "Start it again: sudo systemctl start tt-appliance",
        )
    return None


@asynccontextmanager
async def paused_service(context: CheckContext) -> AsyncIterator[None]:
    """Pause the service, if it is running, until the block ends. Without permission it runs on."""
    service = context.service
    if service is None or await _state(context) not in RUNS:
        yield
        return
    context.console.say("  stopping the service for the tests of pins and display")
    try:
        context.paused = await context.blocking(service.pause, "stop the service", STOP_TIMEOUT + SPARE) is None
        yield
    finally:
        service.resume()


async def check_restart(context: CheckContext) -> Finding | None:
    """Check that the paused service runs again; None if it was not paused."""
    if context.service is None or not context.paused:
        return None
    context.console.say("  starting the service again")
    await context.blocking(context.service.wait, "start the service", START_TIMEOUT + SPARE)
    if await _state(context) == "active":
        return ok("the service runs again")
    return wrong(
        "the service did not start again",
        "See why: journalctl -eu tt-appliance",
        "Start it: sudo systemctl start tt-appliance",
    )


async def _state(context: CheckContext) -> str:
    if context.service is None:
        return "none"
    return await context.blocking(context.service.state, "ask for the service", STOP_TIMEOUT + SPARE)


def _described(facts: Facts) -> str:
    """A status in a line."""
    state = str(facts.get("state")).replace("_", " ") + (f" ({facts['reason']})" if facts.get("reason") else "")
    uptime, gateway = facts.get("uptime_s"), facts.get("gateway")
    running = f"running for {age(uptime)}" if isinstance(uptime, int | float) else "running"
    about = f" to {legible(str(gateway.get('name')))}" if isinstance(gateway, dict) and state == "connected" else ""
    error = f"; its last error: {legible(str(facts['last_error']), 300)}" if facts.get("last_error") else ""
    return f"{running}: {state}{about}{error}"
