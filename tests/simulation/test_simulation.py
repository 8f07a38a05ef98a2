"""The simulation itself: new scenarios violate no invariant, and a seed reproduces its scenario."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.simulation.scenario import Statistics, new_seed, run_scenario

SECONDS = 6.0
"""Real seconds for new scenarios; CI runs more of them separately."""


def test_new_scenarios_violate_no_invariant() -> None:
    statistics, until = Statistics(), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        seed = new_seed()
        print(f"seed {seed}; to reproduce: make simulate SEED={seed} ARGS='--days-each 1'")
        statistics.add(run_scenario(seed, 1), 1)
    print(statistics.report(SECONDS))
    assert statistics.faults
    assert statistics.counts > 1000


def test_one_seed_reproduces_one_scenario() -> None:
    busy = ((12.0, 12.8),)
    runs = [run_scenario(seed, 1, busy=busy) for seed in (7, 7, 8)]
    first, again, other = (site.fingerprint for site in runs)
    assert first == again
    assert first != other
    assert runs[0].loop.steps == runs[1].loop.steps


def test_a_seed_reproduces_its_scenario_with_any_hash_seed() -> None:
    program = (
        "from tests.simulation.scenario import run_scenario; "
        "print(run_scenario(11, 1, busy=((12.0, 12.5),)).fingerprint)"
    )
    fingerprints = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(fingerprints) == 1
