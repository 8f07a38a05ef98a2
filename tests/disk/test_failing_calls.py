"""System calls of a write fail, each once: with EIO, on a full disk, or on a read-only one.

strace makes the call fail. Afterwards the disk holds the old or the new content, and a retry on a working disk
succeeds.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from appliance.core.events import TokensLoaded
from appliance.history.archive import Archive
from appliance.store import TokenStore
from tests.disk.archive_batches import archive_batch, count_batches
from tests.disk.fault_injection import REPORTED, changer, errors_of
from tests.disk.store_operations import NEW, OLD
from tests.disk.syscall_trace import missing

EACH = 5
"""Of so many calls of one name, one fails in `make test`; all of them fail in `make release`."""


@pytest.fixture(autouse=True)
def strace() -> None:
    if (why := missing()) is not None:
        pytest.skip(why)


@pytest.fixture
def before(tmp_path: Path, work: str) -> Path:
    """A directory with a token, or with two batches of orders."""
    directory = tmp_path / "before"
    directory.mkdir(0o700)
    if work == "token":
        TokenStore(directory).store(OLD)
    else:
        for number in (1, 2):
            archive_batch(Archive(directory), number)
    return directory


def found(work: str, directory: Path) -> bool:
    """Return True if the directory has the new content, False if the old. Raises AssertionError otherwise."""
    if work == "token":
        loaded = TokenStore(directory).load()
        assert loaded in (TokensLoaded(OLD, None), TokensLoaded(NEW, None))
        return loaded.current == NEW
    done = count_batches(directory)
    assert done in (2, 3)
    return done == 3


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.release)])
@pytest.mark.parametrize("work", ["token", "archive"])
def test_a_failing_call_leaves_the_old_or_the_new(tmp_path: Path, before: Path, work: str, every: bool) -> None:
    """every: each call fails with each of its errors; otherwise the first and last of each name, and some with EIO."""
    directory = tmp_path / "state"
    shutil.copytree(before, directory)
    reported = {errno.EIO: 0, errno.ENOSPC: 0, errno.EROFS: 0}
    with changer(work) as changes:
        calls = changes.calls(directory)
        assert found(work, directory)
        failures = [
            (name, nth, code)
            for name in calls
            for nth in range(1, calls[name] + 1)
            for code in errors_of(name)
            if every or nth in (1, calls[name]) or (nth % EACH == 0 and code == errno.EIO)
        ]
        for call, nth, code in failures:
            shutil.rmtree(directory)
            shutil.copytree(before, directory)
            ended = changes.fail(directory, call, nth, code)
            there = found(work, directory)
            assert there or ended == REPORTED, f"{call} {nth}: lost without an error"
            reported[code] += ended == REPORTED
            if work == "token":
                TokenStore(directory).store(NEW)
            elif not there:
                archive_batch(Archive(directory), 3)
            assert found(work, directory), f"{call} {nth}"
    print(
        f"{work}: {calls.total()} calls; reported of { ({errno.errorcode[code]: n for code, n in reported.items()}) }"
    )
    assert all(reported.values())
