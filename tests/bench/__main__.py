"""`python -m tests.bench`: measure everything in one run and print one table. Linux only.

Exit code: 0 after a run, 1 with --strict if a goal is missed, 2 if a program could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from appliance.simulator.gateway import SimulatedGateway
from tests.bench import display, history, measures, recovery
from tests.bench.program import BenchError, Program
from tests.bench.table import DISPLAY, PROGRAMS, Row, render, write_to_docs

KINDS = ("appliance", "plain")
PAIRS = 3
"""Pairs of programs that are paged in turn, because each program may be paged only so often."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sizes of the measurements. rounds: pages for each program of each pair. idle: seconds.

    walks: how often each sequence of pictures is shown on a display. days: of 1,000 orders each in the archive.
    """

    starts: int
    rounds: int
    notifications: int
    idle: float
    orders: int
    walks: int
    days: int


FULL = Amounts(starts=7, rounds=34, notifications=20_000, idle=60.0, orders=100_000, walks=10, days=395)
QUICK = Amounts(starts=2, rounds=4, notifications=1_000, idle=4.0, orders=20_000, walks=3, days=40)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="The appliance beside a plain client.")
    parser.add_argument("--quick", action="store_true", help="a minute instead of five, with less precision")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a goal is missed")
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--display", action="store_true", help="only the display path")
    alone.add_argument("--history", action="store_true", help="only the archive")
    alone.add_argument("--recovery", action="store_true", help="only the time from a fault's end to a live count")
    parser.add_argument("--docs", action="store_true", help="write the tables to docs/")
    options = parser.parse_args()
    amounts = QUICK if options.quick else FULL
    began = time.monotonic()
    every = not (options.display or options.history or options.recovery)
    tables: list[tuple[str, list[Row], tuple[str, str, str]]] = []
    try:
        if every:
            tables.append(("programs", asyncio.run(bench(amounts)), PROGRAMS))
        if every or options.recovery:
            _log("faults, some at a time")
            tables.append(("recovery", recovery.measure(), recovery.NAMES))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if every or options.display:
        _log("pictures on a display")
        tables.append(("display", display.measure(amounts.walks), DISPLAY))
    if every or options.history:
        _log(f"{amounts.days * history.ORDERS_PER_DAY:,} orders in an archive")
        tables.append(("history", history.measure(amounts.days), history.NAMES))
    for what, table, names in tables:
        print(f"\n{render(table, names)}")
        if options.docs:
            write_to_docs(what, render(table, names))
    rows = [row for _, table, _ in tables for row in table]
    missed = sum(row.reached is False for row in rows)
    print()
    print(
        f"MISSED: {missed} of {sum(row.reached is not None for row in rows)} goals" if missed else "all goals reached",
        f"({time.monotonic() - began:.0f} s)",
    )
    return 1 if missed and options.strict else 0


async def bench(amounts: Amounts) -> list[Row]:
    """Measure the programs."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        programs = [await _program(stack, kind, folder / f"{kind}-{pair}") for pair in range(PAIRS) for kind in KINDS]
        pair = programs[: len(KINDS)]
        starts = await _measure_starts(pair, amounts.starts)
        _log(f"{measures.SYNCED_AFTER:.0f} s for the archive sync, and {amounts.idle:.0f} s idle")
        for program in programs:
            # An order to archive.
            program.gateway.restaurant.clear(program.gateway.restaurant.create("TO_GO").uuid)
            await program.start()
        for program in programs:
            await program.wait_connected()
            await program.wait_display_settled()
        idle = await measures.idle(programs, amounts.idle)
        _log(f"{amounts.rounds * PAIRS} pages each")
        paged = await measures.pages(programs, amounts.rounds)
        for program in programs[len(KINDS) :]:
            await program.stop()
        bursts = await _measure_bursts(pair, amounts.notifications)
        _log(f"{amounts.orders:,} orders")
        held = await measures.memory_with_orders(pair, amounts.orders)
        stops = await measures.longest_stop(pair, amounts.orders - measures.STEADY_SECONDS)
    rows: list[Row] = []
    for what, name in (("buzzer", "page to buzzer"), ("display", "page to last display byte")):
        for words, of in (("median", statistics.median), ("p99", _p99)):
            times = {kind: of([getattr(page, what) * 1000 for page in paged[kind]]) for kind in KINDS}
            rows.append(Row(f"{name}, {words}", "ms", **times, at_most=1.5))
    rows += [*bursts, *starts]
    rows.append(Row(f"memory with {amounts.orders:,} orders", "MB", **held, at_most=1.3))
    rows.append(Row(f"longest stop with {amounts.orders:,} orders", "ms", **stops, at_most=0.5))
    rows.append(Row("idle: CPU per minute", "s", **{kind: idle[kind].cpu for kind in KINDS}))
    rows.append(
        Row(
            "idle: wake-ups, with archive syncs", "/s", **{kind: idle[kind].hourly_wakeups for kind in KINDS}, limit=2.0
        )
    )
    rows.append(Row("wake-ups per archive sync", "", idle["appliance"].wakeups_per_sync))
    return rows


async def _program(stack: AsyncExitStack, kind: str, folder: Path) -> Program:
    folder.mkdir()
    gateway = await stack.enter_async_context(SimulatedGateway(folder.name))
    gateway.restaurant.create_many(12)
    program = Program(kind, gateway, folder)
    stack.push_async_callback(program.stop)
    return program


async def _measure_starts(pair: Sequence[Program], times: int) -> list[Row]:
    _log(f"{times} starts each")
    found: dict[str, list[measures.Start]] = {kind: [] for kind in KINDS}
    for turn in range(times + 1):
        for program in pair:
            start = await measures.start(program)
            await program.stop()
            if turn:  # the first start reads from disk and compiles
                found[program.kind].append(start)

    def median(field: str) -> dict[str, float]:
        return {kind: statistics.median(getattr(start, field) for start in found[kind]) for kind in KINDS}

    return [
        Row("start to first picture", "s", **median("picture"), at_most=1.2),
        Row("start to first count", "s", **median("count")),
        Row("memory after start", "MB", **median("memory"), at_most=1.3),
    ]


async def _measure_bursts(pair: Sequence[Program], notifications: int) -> list[Row]:
    _log(f"{notifications:,} notifications in a burst")
    rates = {program.kind: await measures.burst(program, notifications) for program in pair}
    return [Row(f"burst of {notifications:,} notifications", "/s", **rates, at_least=1.0)]


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def _log(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
