"""A program under measure, from outside: the appliance or the plain client, beside a gateway of its own.

Owns starting and ending its process, and what is asked of it. Times are those of CLOCK_MONOTONIC in seconds.
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
QUIET = 0.5
"""Seconds without a change after which a display is taken to show what it is going to show."""
LOOK = 0.02
"""Seconds between two looks at whether something happened."""
SAME_PICTURE = 0.03
"""Seconds: bytes nearer to each other than this belong to one picture; the next comes by a minute that is over."""


class BenchError(Exception):
    """A program did not do what was to be measured."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used since its start: CPU seconds, and how often one of its threads was woken."""

    cpu: float
    wakeups: int


class Program:
    """kind: `appliance` or `plain`. folder: its own, for its token and its log."""

    def __init__(self, kind: str, gateway: SimulatedGateway, folder: Path) -> None:
        self.kind = kind
        self.gateway = gateway
        self.buzzer: list[float] = []
        self.display: list[tuple[float, bool]] = []
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Start it; gives when."""
        arguments = self._arguments()
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
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
        """End it at once."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()

    async def live(self, within: float = 30.0) -> float:
        """Wait until its gateway counts its feed as live; gives a moment shortly before. Raises BenchError."""
        before = now = time.monotonic()
        until = now + within
        while not self.gateway.feeds:
            if now > until or self._process is None or self._process.returncode is not None:
                raise BenchError(self._failed("did not connect"))
            await asyncio.sleep(LOOK)
            before, now = now, time.monotonic()
        return before

    async def settled(self, after: float = 0.0, within: float = 30.0) -> None:
        """Wait until its display has changed after a moment, and then stayed for some time. Raises BenchError."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            await asyncio.sleep(QUIET / 2)
            await self.look()
            if self.display and after < self.display[-1][0] < time.monotonic() - QUIET:
                return
        raise BenchError(self._failed("shows no picture that stays"))

    async def look(self) -> None:
        """Take in what happened to its parts since the last look."""
        told = await self._ask("marks")
        self.buzzer += told["buzzer"]
        self.display += [(at, lit) for at, lit in told["display"]]

    async def usage(self) -> Usage:
        """What it has used."""
        return Usage(**await self._ask("usage"))

    def forget(self) -> None:
        """Forget what was taken in."""
        self.buzzer.clear()
        self.display.clear()

    def check_archive(self) -> None:
        """See that the appliance has filled its archive. Raises BenchError."""
        if self.kind == "appliance" and Archive(self._folder).progress(self.gateway.address).read_to is None:
            raise BenchError(self._failed("did not fill its archive"))

    def memory(self) -> float:
        """Megabytes that it takes, with its part of what it shares with other processes (PSS)."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise BenchError("this system does not tell a process's memory")

    def picture_after(self, moment: float, same: float = SAME_PICTURE) -> float:
        """When the last byte came of the first picture with a lit pixel after a moment. Raises BenchError.

        same: seconds; bytes nearer to each other than this belong to one picture.
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
        """When the buzzer went on first after a moment. Raises BenchError."""
        sounded = next((at for at in self.buzzer if at > moment), None)
        if sounded is None:
            raise BenchError(self._failed("did not sound a page"))
        return sounded

    async def _ask(self, what: str) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise BenchError(self._failed("is not running"))
        process.stdin.write(what.encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            raise BenchError(self._failed("ended by itself"))
        told: dict[str, Any] = json.loads(line)
        return told

    def _failed(self, trouble: str) -> str:
        log = (self._folder / "log").read_text(errors="replace").strip()
        return f"the {self.kind} {trouble}" + (f"; its last words:\n{log[-2000:]}" if log else "")

    def _arguments(self) -> list[str]:
        """Its command line, with a token that its gateway has already given it."""
        token, address = self.gateway.issue_token(), self.gateway.address
        if self.kind == "plain":
            file = self._folder / "token"
            file.write_text(token)
            return ["--address", address, "--token-file", str(file)]
        (self._folder / "token.json").write_text(json.dumps({"gateway": address, "token": token}))
        config = self._folder / "config.yaml"
        config.write_text(f'gateway:\n  address: "{address}"\nstate_dir: {self._folder}\n')
        return ["run", "--config", str(config)]
