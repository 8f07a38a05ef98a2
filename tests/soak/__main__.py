"""`make soak`: a day of a busy place at 100 times its pace, over real sockets, and what the program takes meanwhile.

A simulated gateway that is announced by mDNS (on the loopback interface alone) plays a day's orders; every hour of that
day something befalls it. The program is the real one, in a process of its own. What it takes once it has warmed up is
held against what it takes at the end: 1 where anything has grown, or where it does not rest when nothing happens.
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

from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic, visits
from tests.bench.table import write_to_docs
from tests.hostile.appliance_process import Program

PACE = 100.0
HOUR = 3600.0 / PACE
"""Seconds of ours for an hour of theirs."""
WARM = 0.3
"""The part of the time after which the program has loaded, cached and allocated what it ever will."""
GROWTH = 8.0
"""Megabytes by which it may be larger at the end: the archive's and the day's tally grow with the orders."""
RESTING = 10.0
"""Seconds of rest at the end, in which it may use as much CPU as a heartbeat takes."""
MOST_CPU_AT_REST = 0.1
"""Of one core."""
SPY_LOOKS, SPY_EVERY = 5, 0.37
"""How often py-spy looks at the threads, and seconds between; a heartbeat is in the way of one look at the most."""


def spinning(looks: Sequence[Set[str]]) -> list[str]:
    """The threads that each look met at work, while there is none.

    looks: py-spy's lines, as `Thread 1 (active): "x"`; one that also holds the interpreter's lock is `active+gil`.
    """
    busy = set.intersection(*({re.sub(r"\(active[^)]*\)", "(active)", line) for line in look} for look in looks))
    return [f"it never rests: {line}" for line in sorted(busy) if "(active)" in line]


@dataclass(frozen=True, slots=True)
class Look:
    """What the process takes at a moment. at: seconds since the start. cpu: seconds used so far."""

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
    """One day. seconds: how long it is for us."""

    def __init__(self, seconds: float, seed: int, folder: Path) -> None:
        self.seconds = seconds
        self.random = Random(seed)
        self.gateway = SimulatedGateway("Soak", advertise_on=["127.0.0.1"])
        changes = visits(self.random, trackers=200, per_minute=6.0, already=20)
        self.traffic = Traffic(self.gateway.restaurant, changes, pace=PACE)
        self.folder = folder
        self.began = time.monotonic()
        self.befallen: list[str] = []
        self.table = ""

    async def run(self) -> list[str]:
        """Live through it, and print the table; gives what is wrong."""
        async with self.gateway:
            token = self.gateway.issue_token()
            program = Program("", self.folder, name="Soak", token=token)
            playing = asyncio.create_task(self.traffic.run())
            befalling = asyncio.create_task(self._befall())
            try:
                return await self._watch(program)
            finally:
                playing.cancel()
                befalling.cancel()
                await asyncio.to_thread(program.close)

    async def _watch(self, program: Program) -> list[str]:
        await asyncio.to_thread(program.wait, lambda line: line["active"] is not None, 60, 0)
        while "orders are kept" not in program.log or time.monotonic() < self.began + self.seconds * WARM:  # noqa: ASYNC110
            await asyncio.sleep(1)
        print(HEAD)
        looks = [self._look(program)]
        print(looks[0].row("warm"), flush=True)
        while time.monotonic() < self.began + self.seconds:
            await asyncio.sleep(min(60.0, max(0.0, self.began + self.seconds - time.monotonic())))
            looks.append(self._look(program))
            print(looks[-1].row(""), flush=True)
        self.traffic.paused = True
        self.resting = True
        wrong = await self._rest(program)
        first, last = looks[0], self._look(program)
        self.table = "\n".join((HEAD.rstrip(), first.row("warm"), last.row("at the end")))
        print(last.row("at rest"), flush=True)
        print(f"{len(self.befallen)} things befell it: {', '.join(sorted(set(self.befallen)))}")
        if last.megabytes > first.megabytes + GROWTH:
            wrong.append(f"memory grew from {first.megabytes:.1f} to {last.megabytes:.1f} MB")
        if last.descriptors > first.descriptors or last.threads > first.threads:
            wrong.append(
                f"descriptors {first.descriptors} -> {last.descriptors}, threads {first.threads} -> {last.threads}"
            )
        return wrong

    async def _rest(self, program: Program) -> list[str]:
        """Nothing happens any more: the count is true, nothing runs, and nothing is left over."""
        wrong = []
        await asyncio.to_thread(program.wait, lambda line: line["state"] == "connected", 60, len(program.lines) - 1)
        # What befell it last may have left something to be looked at once more, which takes as long as this.
        await asyncio.sleep(15)
        active, shown = len(self.gateway.restaurant.active), program.lines[-1]["active"]
        if active != shown:
            wrong.append(f"{shown} are shown, and there are {active}")
        before = program.cpu
        await asyncio.sleep(RESTING)
        if (used := (program.cpu - before) / RESTING) > MOST_CPU_AT_REST:
            wrong.append(f"it uses {used:.0%} of a core at rest")
        return wrong + await self._spy(program)

    async def _spy(self, program: Program) -> list[str]:
        """What is wrong with what each thread is at, as py-spy sees it, where it is installed and may look."""
        spy = shutil.which("py-spy", path=str(Path(sys.executable).parent))
        if spy is None:
            print("py-spy is not installed: nobody looked at what the threads are at")
            return []
        looks: list[set[str]] = []
        for _ in range(SPY_LOOKS):
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
                print(f"py-spy could not look: {error.decode().strip()[-200:]}")
                return []
            looks.append({line for line in out.decode().splitlines() if line.startswith("Thread ")})
            await asyncio.sleep(SPY_EVERY)
        print("py-spy at rest: " + "; ".join(sorted(looks[-1])))
        return spinning(looks)

    def _look(self, program: Program) -> Look:
        held = program.held
        orders = sum(1 for _ in self.gateway.restaurant.history())
        descriptors, threads = int(held["descriptors"]), int(held["threads"])
        return Look(time.monotonic() - self.began, held["MB"], descriptors, threads, program.cpu, orders)

    resting = False

    async def _befall(self) -> None:
        """Something each hour: a restart, lost feeds, notifications that get lost, garbage, silence."""
        while True:
            await asyncio.sleep(HOUR * self.random.uniform(0.7, 1.3))
            if self.resting:
                return
            what = self.random.choice(("restart", "silence", "lose", "garbage", "flood", "renew"))
            self.befallen.append(what)
            match what:
                case "restart":
                    await self.gateway.restart(self.random.uniform(0.5, 5.0))
                case "silence":
                    self.gateway.silent = True
                    await asyncio.sleep(self.random.uniform(1, 25))
                    self.gateway.silent = False
                case "lose":
                    self.gateway.restaurant.drop_next(3)
                case "garbage":
                    self.gateway.send_garbage(
                        self.random.choice(("not-json", "unknown-type", "bad-order", "gap", "huge"))
                    )
                case "flood":
                    for order in self.gateway.restaurant.create_many(100):
                        self.gateway.restaurant.clear(order.uuid)
                case _:
                    self.gateway.restaurant.clear_all()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=24 * HOUR + 36, help="default: a day of theirs, 15 minutes")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--docs", action="store_true", help="write the first and the last row to docs/robustness.md")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(options.seconds, options.seed, Path(folder))
        wrong = await soak.run()
    if options.docs:
        write_to_docs("soak", soak.table)
    print(*wrong or ["nothing grew, nothing spins"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
