"""Random kills of the process that writes the archive: each batch is complete or missing.

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

import pytest

from appliance.history.schema import FILE
from tests.child_process import ChildProcess
from tests.disk.archive_batches import count_batches
from tests.disk.syscall_trace import ROOT

LONGEST = 0.04
"""Longest time in seconds until a kill: enough for some batches."""
NEW_EVERY = 10
"""Kills after which a new archive begins, so that some kills hit its creation."""


@pytest.mark.parametrize("kills", [60, pytest.param(600, marks=pytest.mark.release)])
def test_a_kill_at_any_moment_leaves_each_batch_complete_or_missing(tmp_path: Path, kills: int) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    halfway = batches = there = 0
    directory = tmp_path
    with ChildProcess(
        [sys.executable, "-m", "tests.disk.archive_writer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for kill in range(kills):
            if kill % NEW_EVERY == 0:
                directory, there = tmp_path / str(kill), 0
            writer.stdin.write(f"{directory}\n")
            word, pid = writer.stdout.readline().split()
            assert word == "pid"
            time.sleep(moments.uniform(0, LONGEST))
            os.kill(int(pid), signal.SIGKILL)
            reported = there
            while (line := writer.stdout.readline()) != "gone\n":
                reported = int(line.removeprefix("done "))
            halfway += (directory / f"{FILE}-journal").exists()
            there = count_batches(directory)
            assert reported <= there <= reported + 1, f"{reported} were reported, {there} are there"
            batches += there if kill % NEW_EVERY == NEW_EVERY - 1 else 0
        writer.stdin.close()
    print(f"{kills} kills, {halfway} of them in the middle of a batch; {batches} batches, each complete")
    assert halfway > kills // 20, "the kills came at the wrong moments"
