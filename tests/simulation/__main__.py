"""`python -m tests.simulation`: simulate a number of days and report the faults and any invariant violation.

Owns the command line, the workers and the report. Each scenario has its own seed, which is printed if it fails.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.simulation.invariants import InvariantViolationError
from tests.simulation.scenario import Statistics, new_seed, run_scenario

DAYS = 2
"""Days of one scenario: long enough for a night, short enough for a readable trace."""
MAX_GROWTH = 24 * 1024
"""Kilobytes by which a worker may grow after its first scenarios."""
WARM_UP_RUNS = 5
"""Scenarios after which a worker has loaded and cached everything it needs."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, help="number of days to simulate; default: 100")
    parser.add_argument("--seconds", type=float, help="run for so many seconds instead")
    parser.add_argument("--seed", type=int, help="reproduce the scenario of this seed and print its trace")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worker processes; default: one per core")
    parser.add_argument("--lines", type=int, default=200, help="lines of the trace to print; default: 200")
    parser.add_argument("--days-each", type=int, default=DAYS, help=f"days of one scenario; default: {DAYS}")
    options = parser.parse_args(argv)
    if options.seed is not None:
        return replay(options.seed, options.days_each, options.lines)
    return simulate(options.days, options.seconds, options.jobs)


def replay(seed: int, days: int, lines: int) -> int:
    """Run the scenario of a seed again and print its trace."""
    try:
        site = run_scenario(seed, days, trace=lines)
    except InvariantViolationError as violation:
        print(*violation.site.trace, sep="\n")
        print(f"\nseed {seed} violates an invariant.  {violation}\nfingerprint {violation.site.fingerprint}")
        return 1
    print(*site.trace, sep="\n")
    print(f"\nseed {seed} violates no invariant; fingerprint {site.fingerprint}")
    return 0


def simulate(days: int | None, seconds: float | None, jobs: int) -> int:
    """Run new scenarios until the days are simulated; 1 at the first violated invariant."""
    days = days or (100 if seconds is None else sys.maxsize)
    until = time.monotonic() + (seconds if seconds is not None else float("inf"))
    began = reported = time.monotonic()
    statistics, failed = Statistics(), None
    context = multiprocessing.get_context("fork")
    results: Any = context.SimpleQueue()
    wanted: Any = context.Value("q", min(days, 1 << 40))
    workers = [context.Process(target=work, args=(wanted, until, results)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    running = len(workers)
    while running:
        what, value = results.get()
        if isinstance(value, Statistics):
            statistics += value
        elif what == "violation":
            failed = failed or str(value)
            with wanted.get_lock():
                wanted.value = 0
        else:
            running -= 1
            print(f"  a worker ended: {value}")
        if time.monotonic() > reported + 20:
            reported = time.monotonic()
            faults = sum(statistics.faults.values())
            print(f"  {reported - began:5.0f} s: {statistics.days} days, {faults} faults", flush=True)
    for worker in workers:
        worker.join()
    print(statistics.report(time.monotonic() - began))
    if failed is not None:
        print(failed)
        return 1
    return 0


def work(wanted: Any, until: float, results: Any) -> None:
    """Worker process: run scenarios as long as more days are wanted."""
    before: tuple[int, int, int] | None = None
    runs = 0
    while time.monotonic() < until:
        with wanted.get_lock():
            if wanted.value <= 0:
                break
            wanted.value -= DAYS
        seed = new_seed()
        statistics = Statistics()
        try:
            site = run_scenario(seed, DAYS)
        except InvariantViolationError as violation:
            results.put(("violation", failure(seed, violation)))
            break
        statistics.add(site, DAYS)
        results.put(("lived", statistics))
        runs += 1
        if runs == WARM_UP_RUNS:
            gc.collect()
            before = process_resources()
    gc.collect()
    after = process_resources()
    if before is not None and (after[0] > before[0] + MAX_GROWTH or after[1:] > before[1:]):
        results.put(("violation", f"a worker of {runs} runs grew: {before} -> {after} (kB, descriptors, threads)"))
    results.put(("ended", f"{runs} runs; kB, descriptors and threads: {before or after} -> {after}"))


def failure(seed: int, violation: InvariantViolationError) -> str:
    """The end of the trace, the violation and the command that reproduces it."""
    trace = "\n".join(list(violation.site.trace)[-60:])
    again = f"make simulate SEED={seed}"
    return f"{trace}\n\nseed {seed} violates an invariant.  {str(violation)[:2000]}\nto reproduce: {again}"


def process_resources() -> tuple[int, int, int]:
    """Kilobytes of memory, descriptors and threads that this process uses now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


if __name__ == "__main__":
    # Sets of strings must iterate in the same order each time a seed is run.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
