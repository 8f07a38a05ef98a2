"""`make fuzz`: a million messages, then each parser for some time under atheris, if this Python has it."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from random import SystemRandom

from tests.hostile.flood import flood
from tests.hostile.parsers import PARSERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60, help="for each parser; default: 60")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = SystemRandom().getrandbits(32) if options.seed is None else options.seed
    began = time.monotonic()
    counts = flood(options.messages, seed)
    print(f"seed {seed}: {counts} in {time.monotonic() - began:.0f} s", flush=True)
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no release for this Python and machine; the tests' own hypothesis has to do")
        return 0
    return max(guided(name, options.seconds) for name in PARSERS)


def guided(name: str, seconds: int) -> int:
    """Fuzz a parser with atheris; return 1 if it finds a bug."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        command = [sys.executable, "-m", "tests.hostile.atheris_run", name, str(seconds), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    runs = re.findall(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    if done.returncode:
        print(f"{name}: broken\n{done.stdout[-3000:]}{done.stderr[-4000:]}", flush=True)
        return 1
    print(f"{name}: {int(runs[0]) if runs else 0:,} inputs, led by coverage; none breaks it", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
