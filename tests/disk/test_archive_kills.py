"""Hundreds of random kills of the process that writes the archive: each filling is whole or missing.

SQLite guarantees the file after a power cut; these tests check that our own code may end between any two instructions.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from appliance.history.schema import FILE
from tests.disk.archive_batches import whole
from tests.disk.syscall_trace import ROOT

KILLS = 300
LONGEST = 0.04
"""Seconds until a kill at the most: some fillings."""
NEW_EVERY = 10
"""Kills after which a new archive begins, so that its making is hit, too."""


def test_killed_at_any_moment_each_filling_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    halfway = fillings = there = 0
    directory = tmp_path
    with subprocess.Popen(
        [sys.executable, "-m", "tests.disk.archive_writer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as filler:
        assert filler.stdin is not None
        assert filler.stdout is not None
        for kill in range(KILLS):
            if kill % NEW_EVERY == 0:
                directory, there = tmp_path / str(kill), 0
            filler.stdin.write(f"{directory}\n")
            word, pid = filler.stdout.readline().split()
            assert word == "pid"
            time.sleep(moments.uniform(0, LONGEST))
            os.kill(int(pid), signal.SIGKILL)
            told = there
            while (line := filler.stdout.readline()) != "gone\n":
                told = int(line.removeprefix("done "))
            halfway += (directory / f"{FILE}-journal").exists()
            there = whole(directory)
            assert told <= there <= told + 1, f"{told} were done, {there} are there"
            fillings += there if kill % NEW_EVERY == NEW_EVERY - 1 else 0
        filler.stdin.close()
    print(f"{KILLS} kills, {halfway} of them in the middle of a filling; {fillings} fillings, each whole")
    assert halfway > KILLS // 20, "the kills came at the wrong moments"
