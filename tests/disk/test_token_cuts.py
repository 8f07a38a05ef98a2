"""A power cut at any instant of a call to the token store leaves the old or the new token.

The system calls are those of a real process. The test creates each directory that a cut may leave, and reads it with
the real store.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.events import TokensLoaded
from appliance.store import TokenStore
from tests.disk.power_cut_model import Call, Disk, Leftover, leftovers
from tests.disk.store_operations import CHANGES, NEW, OLD, fresh
from tests.disk.syscall_trace import missing, record

MOST_CALLS = 12


@pytest.fixture(autouse=True)
def strace() -> None:
    if (why := missing()) is not None:
        pytest.skip(why)


def contents(directory: Path) -> Leftover:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def loads(directory: Path, leftover: Leftover) -> TokensLoaded:
    directory.mkdir()
    for name, content in leftover.items():
        (directory / name).write_bytes(content)
    return TokenStore(directory).load()


def recorded(change: str, directory: Path) -> tuple[Leftover, list[Call]]:
    """The contents before a change, and its calls; checks the model against the real directory."""
    fresh(directory, *CHANGES[change].before).load()
    before = contents(directory)
    calls = record(change, directory)
    assert 0 < len(calls) <= MOST_CALLS, calls
    disk = Disk(before)
    for call in calls:
        disk.do(call)
    assert disk.now() == contents(directory), "the model is wrong"
    return before, calls


@pytest.mark.parametrize("name", CHANGES)
def test_a_power_cut_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    change = CHANGES[name]
    before, calls = recorded(name, tmp_path / "state")
    disk = Disk(before)
    may_be = leftovers(disk, calls)
    print(f"{name}: {len(calls)} calls, {len(may_be)} directories that a cut may leave")
    assert len(may_be) >= 2
    for number, leftover in enumerate(may_be):
        assert loads(tmp_path / str(number), leftover) in (*change.allowed, change.done), leftover
    # Once the call has returned, a cut changes nothing.
    left = list(disk.after_a_cut())
    assert [loads(tmp_path / f"end{i}", leftover) for i, leftover in enumerate(left)] == [change.done]


def test_a_pairing_survives_a_cut_at_any_instant(tmp_path: Path) -> None:
    """From the write of the pending token to its confirmation there is always a token, and never a damaged file."""
    before, pending = recorded("pend", tmp_path / "state")
    proven = record("promote", tmp_path / "state")
    disk = Disk(before)
    pended = leftovers(disk, pending)
    for number, leftover in enumerate([*pended, *leftovers(disk, proven)]):
        found = loads(tmp_path / str(number), leftover)
        assert not found.damaged
        assert found.current in (OLD, NEW)
        if number >= len(pended):
            assert NEW in (found.current, found.pending)


@pytest.mark.parametrize("without", ["fsync", "flush"])
def test_a_missing_flush_is_found(tmp_path: Path, without: str) -> None:
    before, calls = recorded("replace", tmp_path / "state")
    disk = Disk(before, files_are_flushed=without != "fsync")
    may_be = leftovers(disk, [call for call in calls if call.what != without])
    if without == "fsync":
        assert any(loads(tmp_path / str(i), leftover).damaged for i, leftover in enumerate(may_be))
    else:
        end = [loads(tmp_path / f"end{i}", leftover) for i, leftover in enumerate(disk.after_a_cut())]
        assert TokensLoaded(OLD, None) in end, "a token that counts as stored may be gone"


def test_the_model_knows_each_order_of_two_changes() -> None:
    disk = Disk({"a": b"1"})
    may_be = leftovers(disk, [Call("create", "b"), Call("rename", "a", target="b")])
    assert {frozenset(leftover) for leftover in may_be} == {frozenset("a"), frozenset("ab"), frozenset("b")}
    assert {leftover["b"] for leftover in may_be if "b" in leftover} == {b"", b"1"}
