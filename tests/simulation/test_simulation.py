"""The simulation itself: a new scenario violates no invariant, and a seed reproduces its scenario."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.simulation.scenario import Statistics, new_seed, run_scenario


def test_a_new_scenario_violates_no_invariant() -> None:
    """CI runs more of them separately."""
    statistics, seed = Statistics(), new_seed()
    print(f"seed {seed}; to reproduce: make simulate SEED={seed} ARGS='--days-each 1'")
    statistics.add(run_scenario(seed, 1), 1)
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
