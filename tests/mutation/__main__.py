"""`make mutate`: how many changes of the core the tests notice. Prints the score and each change that survives."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.mutation import trial
from tests.mutation.equivalents import is_equivalent
from tests.mutation.mutants import Mutant, edits_of
from tests.mutation.trial import Outcome, Trial

ROOT = Path(__file__).parents[2]
LEAST = 95.0
"""Percent of the mutants that must be killed."""
NOT_MUTATED = ("texts.py",)
"""The catalogue of texts: tests of each would repeat it, and tests/test_pictures.py compares them all."""


def main() -> int:
    options = _options()
    trial.prepare()
    groups = trial.stages(ROOT)
    random.seed(options.seed)
    core = sorted((ROOT / "appliance" / "core").rglob(f"{options.only or '*'}.py"))
    edits = [edit for path in core if path.name not in NOT_MUTATED for edit in edits_of(path)]
    random.shuffle(edits)
    began = time.monotonic()
    found = 0
    results: Counter[Outcome] = Counter()
    survivors: list[Mutant] = []
    equivalent = 0

    def chosen() -> Iterator[Mutant]:
        nonlocal equivalent, found
        for edit in edits[: options.most]:
            if time.monotonic() - began >= options.seconds:
                return
            mutant = edit.mutant(ROOT)
            if mutant is None:
                continue
            found += 1
            if is_equivalent(mutant):
                equivalent += 1
            else:
                yield mutant

    for done, outcome in _outcomes(chosen(), groups):
        results[outcome] += 1
        if outcome is Outcome.SURVIVED:
            survivors.append(done)
            print(done, flush=True)
    killed = results[Outcome.KILLED] + results[Outcome.TIMED_OUT]
    counted = killed + len(survivors)
    score = 100 * killed / counted if counted else 100.0
    print(
        f"seed {options.seed}: tried {found} of some {len(edits)} mutants in {time.monotonic() - began:.0f} s; "
        f"not counted: {equivalent} equivalent, {results[Outcome.BROKEN_IMPORT]} that can't be imported"
    )
    print(
        f"killed {killed} of {counted} ({results[Outcome.TIMED_OUT]} by the time limit), survived {len(survivors)}: "
        f"{score:.1f} %, at least {LEAST:.0f} % is wanted"
    )
    return 0 if score >= LEAST else 1


def _outcomes(mutants: Iterator[Mutant], groups: list[list[str]]) -> Iterator[tuple[Mutant, Outcome]]:
    """Try the mutants, one on each core at a time."""
    running: dict[int, Trial] = {}
    cores = os.cpu_count() or 1
    for mutant in mutants:
        started = trial.start(mutant, groups)
        running[started.pid] = started
        if len(running) >= cores:
            yield _next_outcome(running)
    while running:
        yield _next_outcome(running)


def _next_outcome(running: dict[int, Trial]) -> tuple[Mutant, Outcome]:
    pid, status = os.waitpid(-1, 0)
    ended = running.pop(pid)
    return ended.mutant, ended.outcome(status)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="which sample is tried; by default from the commit")
    parser.add_argument("--seconds", type=float, default=540.0, help="after which no other mutant is begun")
    parser.add_argument("--most", type=int, default=None, help="how many mutants are tried at the most")
    parser.add_argument("--only", default=None, help="one module of the core, such as orders")
    options = parser.parse_args()
    if options.seed is None:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        options.seed = int(commit.stdout[:6], 16)
    return options


if __name__ == "__main__":
    sys.exit(main())
