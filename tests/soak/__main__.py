"""`make soak`: a restaurant's busy day at 100 times its speed, over real sockets, measuring the program's resources.

A simulated gateway, announced by mDNS on the loopback interface only, plays a day's orders, with a fault about every
hour of that day. The program is the real one, in its own process. The test compares its resources after warm-up and at
the end, and exits with 1 if they grew or if the program does not become idle.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from random import Random

from appliance.history.archiver import ARCHIVED
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic, visits
from tests.bench.table import write_to_docs
from tests.hostile.appliance_process import Program

SPEED_UP = 100.0
SIMULATED_HOUR = 3600.0 / SPEED_UP
"""Real seconds of a simulated hour."""
WARM_UP_SHARE = 0.3
"""The share of the time after which the program has loaded, cached and allocated everything it needs."""
FIRST_SYNC_LIMIT = 90.0
"""Seconds until the first history sync, which loads the archive's libraries, must have ended."""
MAX_GROWTH = 8.0
"""Megabytes of allowed growth: the archive's cache and the day's statistics grow with the orders."""
IDLE_SECONDS = 10.0
"""Seconds without orders at the end, in which only the heartbeat may use CPU time."""
MAX_IDLE_CPU = 0.1
"""As a share of one core."""
SPY_DUMPS, SPY_EVERY = 5, 0.37
"""Number of py-spy dumps, and seconds between them; a heartbeat coincides with at most one dump."""


FAULTS = (
    "gateway restart",
    "silent gateway",
    "lost notifications",
    "malformed message",
    "order rush",
    "all orders cleared",
)


def spinning(samples: Sequence[Set[str]]) -> list[str]:
    """Threads that are active in each dump, although there is no work.

    samples: py-spy's lines, as `Thread 1 (active): "x"`; one that also holds the interpreter's lock is `active+gil`.
    """
    busy = set.intersection(*({re.sub(r"\(active[^)]*\)", "(active)", line) for line in sample} for sample in samples))
    return [f"never idle: {line}" for line in sorted(busy) if "(active)" in line]


@dataclass(frozen=True, slots=True)
class Sample:
    """Resources of the process. at: seconds since the start. cpu: seconds used so far."""

    at: float
    megabytes: float
    descriptors: int
    threads: int
    cpu: float
    orders: int

    def row(self, name: str) -> str:
        return (
            f"{name:14s} {self.at:6.0f} s {self.megabytes:8.1f} MB {self.descriptors:7d} {self.threads:9d} "
            f"{self.cpu:8.1f} s {self.orders:8,d}"
        )


HEAD = f"{'':14s} {'time':>8s} {'memory':>11s} {'files':>7s} {'threads':>9s} {'CPU':>10s} {'orders':>8s}"


class Soak:
    """One simulated day. seconds: its real length."""

    def __init__(self, seconds: float, seed: int, folder: Path) -> None:
        self.seconds = seconds
        self.random = Random(seed)
        self.gateway = SimulatedGateway("Soak", advertise_on=["127.0.0.1"])
        changes = visits(self.random, trackers=200, per_minute=6.0, already=20)
        self.traffic = Traffic(self.gateway.restaurant, changes, pace=SPEED_UP)
        self.folder = folder
        self.began = time.monotonic()
        self.faults: list[str] = []
        self.table = ""

    async def run(self) -> list[str]:
        """Simulate the day and print the table; returns the problems found."""
        async with self.gateway:
            token = self.gateway.issue_token()
            program = Program("", self.folder, name="Soak", token=token)
            playing = asyncio.create_task(self.traffic.run())
            injecting = asyncio.create_task(self._inject_faults())
            try:
                return await self._monitor(program)
            finally:
                playing.cancel()
                injecting.cancel()
                await asyncio.to_thread(program.close)

    async def _monitor(self, program: Program) -> list[str]:
        await asyncio.to_thread(program.wait, lambda line: line["active"] is not None, 60, 0)
        warm_at = self.began + self.seconds * WARM_UP_SHARE
        async with asyncio.timeout(FIRST_SYNC_LIMIT + self.seconds * WARM_UP_SHARE):
            while ARCHIVED.partition(" %")[0] not in program.log or time.monotonic() < warm_at:  # noqa: ASYNC110
                await asyncio.sleep(1)
        print(HEAD)
        samples = [self._sample(program)]
        print(samples[0].row("after warm-up"), flush=True)
        while time.monotonic() < self.began + self.seconds:
            await asyncio.sleep(min(60.0, max(0.0, self.began + self.seconds - time.monotonic())))
            samples.append(self._sample(program))
            print(samples[-1].row(""), flush=True)
        self.traffic.paused = True
        self.idle = True
        problems = await self._check_idle(program)
        first, last = samples[0], self._sample(program)
        self.table = "\n".join((HEAD.rstrip(), first.row("after warm-up"), last.row("at the end")))
        print(last.row("idle"), flush=True)
        print(f"{len(self.faults)} faults: {', '.join(sorted(set(self.faults)))}")
        if last.megabytes > first.megabytes + MAX_GROWTH:
            problems.append(f"memory grew from {first.megabytes:.1f} to {last.megabytes:.1f} MB")
        if last.descriptors > first.descriptors or last.threads > first.threads:
            problems.append(
                f"descriptors {first.descriptors} -> {last.descriptors}, threads {first.threads} -> {last.threads}"
            )
        return problems

    async def _check_idle(self, program: Program) -> list[str]:
        """Without orders, the count must be correct, no thread active, and CPU usage low."""
        problems = []
        await asyncio.to_thread(program.wait, lambda line: line["state"] == "connected", 60, len(program.lines) - 1)
        # The last fault may have scheduled retries, which end within this time.
        await asyncio.sleep(15)
        active, shown = len(self.gateway.restaurant.active), program.lines[-1]["active"]
        if active != shown:
            problems.append(f"{shown} orders are shown, the gateway has {active}")
        before = program.cpu
        await asyncio.sleep(IDLE_SECONDS)
        if (used := (program.cpu - before) / IDLE_SECONDS) > MAX_IDLE_CPU:
            problems.append(f"idle, it uses {used:.0%} of a core")
        return problems + await self._spy(program)

    async def _spy(self, program: Program) -> list[str]:
        """Threads that py-spy finds spinning; nothing if py-spy is missing or may not attach."""
        spy = shutil.which("py-spy", path=str(Path(sys.executable).parent))
        if spy is None:
            print("py-spy is not installed: threads were not checked for spinning")
            return []
        samples: list[set[str]] = []
        for _ in range(SPY_DUMPS):
            process = await asyncio.create_subprocess_exec(
                spy,
                "dump",
                "--pid",
                str(program.process.pid),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, error = await process.communicate()
            if process.returncode:
                print(f"py-spy failed: {error.decode().strip()[-200:]}")
                return []
            samples.append({line for line in out.decode().splitlines() if line.startswith("Thread ")})
            await asyncio.sleep(SPY_EVERY)
        print("threads while idle: " + "; ".join(sorted(samples[-1])))
        return spinning(samples)

    def _sample(self, program: Program) -> Sample:
        held = program.held
        orders = sum(1 for _ in self.gateway.restaurant.history())
        descriptors, threads = int(held["descriptors"]), int(held["threads"])
        return Sample(time.monotonic() - self.began, held["MB"], descriptors, threads, program.cpu, orders)

    idle = False

    async def _inject_faults(self) -> None:
        """Inject a random fault about every simulated hour."""
        while True:
            await asyncio.sleep(SIMULATED_HOUR * self.random.uniform(0.7, 1.3))
            if self.idle:
                return
            what = self.random.choice(FAULTS)
            self.faults.append(what)
            match what:
                case "gateway restart":
                    await self.gateway.restart(self.random.uniform(0.5, 5.0))
                case "silent gateway":
                    self.gateway.silent = True
                    await asyncio.sleep(self.random.uniform(1, 25))
                    self.gateway.silent = False
                case "lost notifications":
                    self.gateway.restaurant.drop_next(3)
                case "malformed message":
                    self.gateway.send_garbage(
                        self.random.choice(("not-json", "unknown-type", "bad-order", "gap", "huge"))
                    )
                case "order rush":
                    for order in self.gateway.restaurant.create_many(100):
                        self.gateway.restaurant.clear(order.uuid)
                case _:
                    # "all orders cleared"
                    self.gateway.restaurant.clear_all()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=24 * SIMULATED_HOUR + 36, help="default: a simulated day, 15 minutes"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--docs", action="store_true", help="write the first and the last row to docs/robustness.md")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(options.seconds, options.seed, Path(folder))
        problems = await soak.run()
    if options.docs:
        write_to_docs("soak", soak.table)
    print(*problems or ["no growth, no spinning threads"], sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
