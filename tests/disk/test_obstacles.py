"""A folder, a pipe or another thing in the place of a file costs no pairing and no history, and blocks nothing.

As root the tests run as another user, because root may read and write everything.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from appliance.core.events import TokensLoaded
from appliance.history.archive import Archive, Query
from appliance.history.schema import ArchiveError, BusyError, update_lock
from appliance.store import TokenStore
from tests.disk.archive_batches import GATEWAY, archive_batch, batch
from tests.disk.obstacles import OBSTACLES, Make
from tests.disk.store_operations import NEW, OLD, OTHER

NOBODY = 65534
TOKENS = [
    f"{name}{suffix}"
    for name in ("token.json", "token.pending.json")
    for suffix in ("", ".new", ".damaged", ".damaged.2")
]
ARCHIVE = ["history.sqlite3" + suffix for suffix in ("", "-journal", "-wal", "-shm", ".damaged")]


@contextmanager
def as_another_user() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def state() -> Iterator[Path]:
    """A directory of the user who runs the appliance. Not below tmp_path, which that user can't enter."""
    directory = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(directory, NOBODY, NOBODY)
    try:
        yield directory
    finally:
        directory.chmod(0o700)
        shutil.rmtree(directory, ignore_errors=os.geteuid() != 0)


def put(make: Make, path: Path) -> None:
    try:
        make(path)
    except PermissionError:
        pytest.skip("only root can create it")
    if os.geteuid() == 0 and make is not OBSTACLES["closed file"]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("make", OBSTACLES.values(), ids=OBSTACLES)
def test_nothing_in_a_files_place_costs_a_pairing(state: Path, make: Make, name: str) -> None:
    store = TokenStore(state)
    with as_another_user():
        store.store(OLD)
        store.store_pending(OTHER)
        (state / name).unlink(missing_ok=True)
    put(make, state / name)
    with as_another_user():
        expected = {
            "token.json": TokensLoaded(None, OTHER, damaged=True),
            "token.pending.json": TokensLoaded(OLD, None, damaged=True),
        }
        assert store.load() == expected.get(name, TokensLoaded(OLD, OTHER))
        store.store_pending(NEW)
        assert store.load().pending == NEW
        store.store(NEW)
        assert store.load() == TokensLoaded(NEW, None)
        store.forget()
        assert store.load() == TokensLoaded(None, None)


@pytest.mark.parametrize("name", ["token.json", "token.pending.json"])
@pytest.mark.parametrize("make", OBSTACLES.values(), ids=OBSTACLES)
def test_what_comes_while_the_box_runs_costs_no_pairing(state: Path, make: Make, name: str) -> None:
    store = TokenStore(state)
    put(make, state / name)
    with as_another_user():
        store.store_pending(NEW)
        store.store(NEW)
        assert store.load().current == NEW


@pytest.mark.parametrize("name", ["token.json", "token.pending.json"])
@pytest.mark.parametrize("make", OBSTACLES.values(), ids=OBSTACLES)
def test_all_tokens_are_forgotten_despite_it(state: Path, make: Make, name: str) -> None:
    with as_another_user():
        TokenStore(state).store(OLD)
        TokenStore(state).store_pending(NEW)
        (state / name).unlink()
    put(make, state / name)
    with as_another_user():
        with suppress(OSError):
            TokenStore(state).forget()
        left = TokenStore(state).load(tidy=False)
    assert (left.current, left.pending) == (None, None)


def test_any_number_of_folders_is_put_aside(state: Path) -> None:
    with as_another_user():
        for number in range(8):
            (state / "token.json").mkdir()
            (state / "token.json" / str(number)).touch()
            TokenStore(state).store(NEW)
            assert TokenStore(state).load() == TokensLoaded(NEW, None)
            (state / "token.json").unlink()


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_directory_without_rights_is_reported(state: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    store = TokenStore(state)
    state.chmod(mode)
    with as_another_user():
        assert store.load() == TokensLoaded(None, None)
        with pytest.raises(PermissionError):
            store.store_pending(NEW)


@pytest.mark.parametrize(
    "make", [make for name, make in OBSTACLES.items() if not name.startswith(("folder", "link to a folder"))]
)
def test_another_thing_in_place_of_the_directory_is_reported(
    state: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    put(make, state / "state")
    with as_another_user():
        store = TokenStore(state / "state")
        assert store.load() == TokensLoaded(None, None)
        assert "can't use the state directory" in caplog.text
        with pytest.raises(OSError):  # noqa: PT011
            store.store_pending(NEW)


@pytest.mark.parametrize("name", ARCHIVE)
@pytest.mark.parametrize("make", OBSTACLES.values(), ids=OBSTACLES)
def test_nothing_in_a_files_place_costs_the_history(state: Path, make: Make, name: str) -> None:
    put(make, state / name)
    with as_another_user():
        archive = Archive(state)
        # The first attempt finds a damaged file.
        with suppress(ArchiveError):
            archive_batch(archive, 1)
        archive_batch(archive, 1)
        assert [order.uuid for order in archive.orders(GATEWAY, Query())] == [order.uuid for order in batch(1)]


@pytest.mark.parametrize("make", OBSTACLES.values(), ids=OBSTACLES)
def test_nothing_in_the_locks_place_stops_an_update(state: Path, make: Make) -> None:
    put(make, state / "history.lock")
    with as_another_user(), update_lock(state), pytest.raises(BusyError), update_lock(state):
        pass
