"""A measured program, seen from outside: the appliance or the plain client, with its own gateway.

Owns the start and end of its process, and the requests to it. Times are CLOCK_MONOTONIC in seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.history.archive import Archive
from appliance.simulator.gateway import SimulatedGateway

ROOT = Path(__file__).parents[2]
SETTLED_AFTER = 0.5
"""Seconds without a change after which a display counts as settled."""
POLL_EVERY = 0.02
"""Seconds between two polls for events."""
PICTURE_GAP = 0.03
"""Seconds: bytes closer together than this belong to one picture; the next picture comes at most a minute later."""


BEAT_EVERY = 0.01
"""Seconds between two beats of the appliance's watchdog while stops are recorded."""


class BenchError(Exception):
    """A program did not behave as the measurement requires."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources used by a process since its start: CPU seconds, and wake-ups of its threads."""

    cpu: float
    wakeups: int


class Program:
    """kind: `appliance` or `plain`. folder: for its token and its log."""

    def __init__(self, kind: str, gateway: SimulatedGateway, folder: Path) -> None:
        self.kind = kind
        self.gateway = gateway
        self.buzzer: list[float] = []
        self.display: list[tuple[float, bool]] = []
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *, records_stops: bool = False) -> float:
        """Start the process; returns the time of the start. records_stops: for longest_stop()."""
        arguments = self._arguments()
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        if records_stops:
            environment["WATCHDOG_USEC"] = str(round(BEAT_EVERY * 3 * 1_000_000))
        self.buzzer, self.display = [], []
        with (self._folder / "log").open("wb") as log:
            began = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.bench.measured_process", self.kind, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environment,
                limit=1 << 26,
            )
        return began

    async def stop(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()

    async def wait_connected(self, within: float = 30.0) -> float:
        """Wait until the gateway has a live feed; returns a moment shortly before. Raises BenchError."""
        before = now = time.monotonic()
        until = now + within
        while not self.gateway.feeds:
            if now > until or self._process is None or self._process.returncode is not None:
                raise BenchError(self._failed("did not connect"))
            await asyncio.sleep(POLL_EVERY)
            before, now = now, time.monotonic()
        return before

    async def wait_display_settled(self, after: float = 0.0, within: float = 30.0) -> None:
        """Wait until the display has changed after a moment and then stays unchanged. Raises BenchError."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            await asyncio.sleep(SETTLED_AFTER / 2)
            await self.collect_events()
            if self.display and after < self.display[-1][0] < time.monotonic() - SETTLED_AFTER:
                return
        raise BenchError(self._failed("shows no stable picture"))

    async def collect_events(self) -> None:
        """Collect the events of the buzzer and the display since the last call."""
        reply = await self._query("events")
        self.buzzer += reply["buzzer"]
        self.display += [(at, lit) for at, lit in reply["display"]]

    async def usage(self) -> Usage:
        """Query the resources used."""
        return Usage(**await self._query("usage"))

    async def longest_stop(self) -> float:
        """The longest time in seconds for which the program could not react since its start."""
        return float((await self._query("stop"))["longest"])

    def discard_events(self) -> None:
        """Discard the collected events."""
        self.buzzer.clear()
        self.display.clear()

    def check_archive(self) -> None:
        """Check that the appliance has synced its archive. Raises BenchError."""
        if self.kind == "appliance" and Archive(self._folder).progress(self.gateway.address).read_to is None:
            raise BenchError(self._failed("did not sync its archive"))

    def memory(self) -> float:
        """Megabytes of memory, with its share of pages that it shares with other processes (PSS)."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise BenchError("/proc/PID/smaps_rollup has no Pss line")

    def picture_after(self, moment: float, same: float = PICTURE_GAP) -> float:
        """Time of the last byte of the first picture with a lit pixel after a moment. Raises BenchError.

        same: seconds; bytes closer together than this belong to one picture.
        """
        last: float | None = None
        for at, lit in self.display:
            if at <= moment or (last is None and not lit):
                continue
            if last is not None and at - last > same:
                break
            last = at
        if last is None:
            raise BenchError(self._failed("drew nothing"))
        return last

    def sound_after(self, moment: float) -> float:
        """Time of the buzzer's first sound after a moment. Raises BenchError."""
        sounded = next((at for at in self.buzzer if at > moment), None)
        if sounded is None:
            raise BenchError(self._failed("did not sound a page"))
        return sounded

    async def _query(self, what: str) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise BenchError(self._failed("is not running"))
        process.stdin.write(what.encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            raise BenchError(self._failed("ended by itself"))
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _failed(self, trouble: str) -> str:
        log = (self._folder / "log").read_text(errors="replace").strip()
        return f"the {self.kind} {trouble}" + (f"; the end of its log:\n{log[-2000:]}" if log else "")

    def _arguments(self) -> list[str]:
        """The command line, with a token that the gateway has already issued."""
        token, address = self.gateway.issue_token(), self.gateway.address
        if self.kind == "plain":
            file = self._folder / "token"
            file.write_text(token)
            return ["--address", address, "--token-file", str(file)]
        (self._folder / "token.json").write_text(json.dumps({"gateway": address, "token": token}))
        config = self._folder / "config.yaml"
        config.write_text(f'gateway:\n  address: "{address}"\nstate_dir: {self._folder}\n')
        return ["run", "--config", str(config)]
