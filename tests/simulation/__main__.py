"""`python -m tests.simulation`: live through as many days as are asked for, and tell what befell them.

Owns the command line, the workers and the report. Each life has a seed of its own, which is printed where it fails.
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

from tests.simulation.invariants import BrokenPromiseError
from tests.simulation.scenario import Record, fresh_seed, live

DAYS = 2
"""Days of one life: long enough for a night, short enough to be told."""
GROWTH = 24 * 1024
"""Kilobytes by which a worker may have grown at its end beyond what it needed for its first few lives."""
WARM = 5
"""Lives after which a worker has loaded and cached all that it ever will."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, help="how many days to live through; default: 100")
    parser.add_argument("--seconds", type=float, help="how long to go on, instead")
    parser.add_argument("--seed", type=int, help="live this one life again, and print its trace")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worker processes; default: one a core")
    parser.add_argument("--lines", type=int, default=200, help="lines of the trace that are printed; default: 200")
    parser.add_argument("--days-each", type=int, default=DAYS, help=f"days of one life; default: {DAYS}")
    options = parser.parse_args(argv)
    if options.seed is not None:
        return replay(options.seed, options.days_each, options.lines)
    return simulate(options.days, options.seconds, options.jobs)


def replay(seed: int, days: int, lines: int) -> int:
    """The same life once more; its trace is the story of it."""
    try:
        world = live(seed, days, trace=lines)
    except BrokenPromiseError as broken:
        print(*broken.world.trace, sep="\n")
        print(f"\nseed {seed} breaks a promise.  {broken}\nfingerprint {broken.world.fingerprint}")
        return 1
    print(*world.trace, sep="\n")
    print(f"\nseed {seed} keeps every promise; fingerprint {world.fingerprint}")
    return 0


def simulate(days: int | None, seconds: float | None, jobs: int) -> int:
    """Fresh lives until there are enough of them; 1 at the first broken promise."""
    days = days or (100 if seconds is None else sys.maxsize)
    until = time.monotonic() + (seconds if seconds is not None else float("inf"))
    began = told = time.monotonic()
    record, failed = Record(), None
    context = multiprocessing.get_context("fork")
    results: Any = context.SimpleQueue()
    wanted: Any = context.Value("q", min(days, 1 << 40))
    workers = [context.Process(target=work, args=(wanted, until, results)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    running = len(workers)
    while running:
        what, value = results.get()
        if isinstance(value, Record):
            record += value
        elif what == "broken":
            failed = failed or str(value)
            with wanted.get_lock():
                wanted.value = 0
        else:
            running -= 1
            print(f"  a worker ended: {value}")
        if time.monotonic() > told + 20:
            told = time.monotonic()
            print(f"  {told - began:5.0f} s: {record.days} days, {sum(record.faults.values())} faults", flush=True)
    for worker in workers:
        worker.join()
    print(record.report(time.monotonic() - began))
    if failed is not None:
        print(failed)
        return 1
    return 0


def work(wanted: Any, until: float, results: Any) -> None:
    """A worker: life after life, as long as more are wanted."""
    before: tuple[int, int, int] | None = None
    lives = 0
    while time.monotonic() < until:
        with wanted.get_lock():
            if wanted.value <= 0:
                break
            wanted.value -= DAYS
        seed = fresh_seed()
        record = Record()
        try:
            world = live(seed, DAYS)
        except BrokenPromiseError as broken:
            results.put(("broken", failure(seed, broken)))
            break
        record.add(world, DAYS)
        results.put(("lived", record))
        lives += 1
        if lives == WARM:
            gc.collect()
            before = held()
    gc.collect()
    after = held()
    if before is not None and (after[0] > before[0] + GROWTH or after[1:] > before[1:]):
        results.put(("broken", f"a worker of {lives} lives grew: {before} -> {after} (kB, descriptors, threads)"))
    results.put(("ended", f"{lives} lives; kB, descriptors and threads: {before or after} -> {after}"))


def failure(seed: int, broken: BrokenPromiseError) -> str:
    """What a person needs to see it again."""
    story = "\n".join(list(broken.world.trace)[-60:])
    again = f"make simulate SEED={seed}"
    return f"{story}\n\nseed {seed} breaks a promise.  {str(broken)[:2000]}\nonce more, exactly: {again}"


def held() -> tuple[int, int, int]:
    """Kilobytes of memory, descriptors and threads of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


if __name__ == "__main__":
    # The order in which sets of strings are gone through must be the same whenever a seed is lived again.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
