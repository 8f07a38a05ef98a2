"""Real disks that are full or read-only: a small tmpfs, and a remounted one, in a mount namespace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.disk.syscall_trace import ROOT

CHILD = """
import errno, os, subprocess, sys
from pathlib import Path
from appliance.core.events import TokensLoaded
from appliance.history.archive import Archive
from appliance.history.schema import ArchiveError, DamagedError
from appliance.store import TokenStore
from tests.disk.store_operations import NEW, OLD, OTHER
from tests.disk.archive_batches import archive_batch, count_batches

card = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", card], check=True)
state = card / "state"
store, archive = TokenStore(state), Archive(state)
store.store(OLD)
archive_batch(archive, 1)

def fails(code):
    try:
        store.store_pending(NEW)
    except OSError as error:
        assert error.errno == code, error
    else:
        raise AssertionError("stored on a disk that rejects writes")
    try:
        archive_batch(archive, 2)
    except ArchiveError as error:
        assert not isinstance(error, DamagedError), error
        print("archive:", error)
    else:
        raise AssertionError("archived on a disk that rejects writes")
    assert TokenStore(state).load() == TokensLoaded(OLD, None)
    if code == errno.ENOSPC:
        assert count_batches(state) == 1

with (card / "filler").open("wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError as error:
        assert error.errno == errno.ENOSPC
fails(errno.ENOSPC)
assert sorted(path.name for path in state.iterdir()) == ["history.sqlite3", "token.json"], "a full disk is fuller now"
(card / "filler").unlink()
subprocess.run(["mount", "-o", "remount,ro", card], check=True)
fails(errno.EROFS)
subprocess.run(["mount", "-o", "remount,rw", card], check=True)
store.store_pending(NEW)
archive_batch(archive, 2)
assert TokenStore(state).load() == TokensLoaded(OLD, NEW)
assert count_batches(state) == 2
print("well again")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_and_a_read_only_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", CHILD, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert "well again" in done.stdout
