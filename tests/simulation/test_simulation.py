"""The simulation itself: fresh lives keep every promise, and one seed makes one life."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.simulation.scenario import Record, fresh_seed, live

SECONDS = 6.0
"""Real seconds for fresh lives; CI gives them minutes of their own."""


def test_fresh_lives_keep_every_promise() -> None:
    record, until = Record(), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        seed = fresh_seed()
        print(f"seed {seed}; once more, exactly: make simulate SEED={seed} ARGS='--days-each 1'")
        record.add(live(seed, 1), 1)
    print(record.report(SECONDS))
    assert record.faults
    assert record.counts > 1000


def test_a_seed_makes_one_life_and_another_seed_another() -> None:
    busy = ((12.0, 12.8),)
    lives = [live(seed, 1, busy=busy) for seed in (7, 7, 8)]
    first, again, other = (life.fingerprint for life in lives)
    assert first == again
    assert first != other
    assert lives[0].loop.steps == lives[1].loop.steps


def test_a_seed_makes_the_same_life_whatever_strings_hash_to() -> None:
    program = "from tests.simulation.scenario import live; print(live(11, 1, busy=((12.0, 12.5),)).fingerprint)"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
