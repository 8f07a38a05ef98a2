"""The archive on real files: each order once, migrations, limits and damage."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.delivery import DAY, Finished
from appliance.history import archive as module
from appliance.history import schema
from appliance.history.archive import MIB, Archive, Bounds, Progress, Query
from appliance.history.chunks import Mark
from appliance.history.schema import (
    FILE,
    LOCK,
    MIGRATIONS,
    VERSION,
    ArchiveError,
    DamagedError,
    open_archive,
    pack,
    update_lock,
)

NOW = (time.time() - 946_684_800) // DAY * DAY
"""The start of today, in the archive's epoch."""


def order(number: int, **more: object) -> Finished:
    at = NOW - number * 60.0
    base = Finished(str(UUID(int=number)), str(number % 50), "ON_PREMISE", "8", False, at, at + 200.0, 0.0)
    return replace(base, **more)  # type: ignore[arg-type]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_orders_and_progress_are_read_back_unchanged(archive: Archive) -> None:
    orders = [
        order(3, took=201.5, sat=20.0, paged=True),
        order(2, name="é\n\x00", location="", order_type="TO_GO", elapsed=None),
        order(1, uuid="Not-a-UUID", cleared=None),
        order(0, uuid=str(UUID(int=7)).upper()),
    ]
    assert archive.add("Bar", orders, Progress(5.0, Mark(200, ("a", "b")))) == 4
    assert list(archive.orders("Bar")) == orders
    assert archive.progress("Bar") == Progress(5.0, Mark(200, ("a", "b")))
    assert archive.progress("Terrace") == Progress()
    assert list(archive.orders("Terrace")) == []
    assert archive.gateways() == ["Bar"]
    assert archive.holds("Bar", ["Not-a-UUID", "other"]) == {"Not-a-UUID"}
    assert stat.S_IMODE((archive.directory / FILE).stat().st_mode) == 0o600


def test_surrogates_in_orders_are_replaced(archive: Archive) -> None:
    archive.add("Bar", [order(1, uuid="half \ud800", name="\udfff", location="\ud800")], Progress())
    assert archive.add("Bar", [order(1, uuid="half \ud800")], Progress()) == 0
    assert [(one.uuid, one.name) for one in archive.orders("Bar")] == [("half ?", "?")]


def test_surrogates_in_a_mark_are_replaced(archive: Archive) -> None:
    """JSON may contain surrogates, and an order's uuid may be any string."""
    archive.add("Bar", [], Progress(1.0, Mark(100, ("half \ud83d", "whole"))))
    assert archive.progress("Bar") == Progress(1.0, Mark(100, ("half ?", "whole")))


@pytest.mark.parametrize(
    ("column", "value"),
    [("read_to", "'late'"), ("read_to", "x'00'"), ("mark", "1"), ("id", "NULL")],
)
def test_an_invalid_row_counts_as_damage(archive: Archive, column: str, value: str) -> None:
    archive.add("Bar", [order(1)], Progress(1.0))
    with open_archive(archive.directory) as database:
        # Damage to the schema's text may remove constraints: a table of the same columns without them.
        database.execute("CREATE TABLE other (id, name, read_to, mark, tail)")
        database.execute("INSERT INTO other SELECT * FROM gateways")
        database.execute("DROP TABLE gateways")
        database.execute("ALTER TABLE other RENAME TO gateways")
        database.execute(f"UPDATE gateways SET {column} = {value}")
    for _ in range(3):
        try:
            archive.progress("Bar")
            archive.add("Bar", [order(2)], Progress(2.0))
        except ArchiveError:
            continue
        break
    assert archive.progress("Bar") == Progress(2.0)
    assert list(archive.directory.glob(f"{FILE}.damaged"))


def test_known_orders_are_not_written_again(archive: Archive) -> None:
    orders = [order(number) for number in range(50)]
    assert archive.add("Bar", orders, Progress(1.0)) == 50
    before = (archive.directory / FILE).stat().st_mtime_ns
    assert archive.add("Bar", orders, Progress(2.0)) == 0
    assert archive.add("Bar", [order(3, created=NOW - 7200.0)], Progress(2.0)) == 0, "although its times differ"
    assert (archive.directory / FILE).stat().st_mtime_ns == before
    assert archive.add("Terrace", orders, Progress(1.0)) == 50
    assert len(list(archive.orders("Bar"))) == 50


def test_measured_times_are_added_to_archived_orders(archive: Archive) -> None:
    archive.add("Bar", [order(1)], Progress())
    archive.add("Bar", [], Progress(), {order(1).uuid: order(1, took=199.0, sat=12.0)})
    archive.add("Bar", [], Progress(), {order(1).uuid: order(1, took=5.0, sat=5.0)})
    archive.add("Bar", [order(2)], Progress(), {order(2).uuid: order(2, took=150.0)})
    assert [(one.took, one.sat) for one in archive.orders("Bar")] == [(150.0, None), (199.0, 12.0)]


def test_queries_filter_by_time_type_and_table(archive: Archive) -> None:
    archive.add(
        "Bar",
        [order(n, location=str(n % 3), order_type="TO_GO" if n % 2 else "ON_PREMISE") for n in range(12)],
        Progress(),
    )

    def numbers(query: Query) -> list[int]:
        return sorted(UUID(one.uuid).int for one in archive.orders("Bar", query))

    assert numbers(Query(begin=NOW - 120.0)) == [0, 1, 2]
    assert numbers(Query(end=NOW - 9 * 60)) == [10, 11]
    assert numbers(Query(types=("TO_GO",))) == [1, 3, 5, 7, 9, 11]
    assert numbers(Query(types=("TO_GO",), tables=("0", "1"))) == [1, 3, 7, 9]
    assert len(list(archive.rows("Bar", Query(tables=("2",))))) == 4


def test_a_slow_reader_does_not_block_a_writer(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may read a report in a pager for an hour."""
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(schema, "WAIT", 0.1)
    untimed = [order(number, created=None, cleared=None) for number in range(20, 25)]
    alike = [order(number, created=NOW, cleared=NOW) for number in range(10, 17)]
    archive.add("Bar", [*untimed, *alike, *(order(number) for number in range(1, 10))], Progress())
    reading = archive.orders("Bar")
    read = [next(reading)]
    assert archive.add("Bar", [order(99)], Progress()) == 1
    read += reading
    assert sorted(UUID(one.uuid).int for one in read) == [*range(1, 17), *range(20, 25), 99]


def test_the_latest_time_ignores_a_clock_years_ahead(archive: Archive) -> None:
    ahead = [order(n, created=NOW + 3000 * DAY + n, cleared=NOW + 3000 * DAY + n + 60) for n in range(100, 130)]
    archive.add("Bar", [order(number) for number in range(100)] + ahead, Progress())
    assert archive.latest("Bar") == NOW
    assert len(list(archive.orders("Bar"))) == 130, "no order counts as too old"


def test_a_gateway_without_orders_has_no_latest_time(archive: Archive) -> None:
    archive.add("Bar", [order(1)], Progress())
    archive.add("Terrace", [], Progress(5.0, Mark(3, ("a",))))
    assert archive.progress("Terrace") != Progress(), "the gateway is known"
    assert archive.latest("Terrace") is None
    assert archive.latest("nobody") is None
    assert archive.latest("Bar") == NOW - 60.0


def test_old_orders_are_deleted(tmp_path: Path) -> None:
    archive = Archive(tmp_path, Bounds(age=30.0))
    archive.add("Bar", [order(number * 1440) for number in range(60)], Progress())
    archive.add("Bar", [order(1)], Progress())
    ages = [(NOW - (one.created or 0)) / DAY for one in archive.orders("Bar")]
    assert 29 <= max(ages) <= 30


def test_the_oldest_orders_are_deleted_at_the_size_limit(tmp_path: Path) -> None:
    archive = Archive(tmp_path, Bounds(size=1 * MIB))
    for batch in range(12):
        archive.add("Bar", [order(20_000 - batch * 1000 - n) for n in range(1000)], Progress())
        assert (tmp_path / FILE).stat().st_size <= 1 * MIB
    kept = [UUID(one.uuid).int for one in archive.orders("Bar")]
    assert min(kept) == 20_000 - 11_999, "the newest is kept"
    assert kept == list(range(max(kept), min(kept) - 1, -1)), "without a gap"
    assert len(kept) > 3000


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_file_is_renamed_and_replaced(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("archive")
    archive = Archive(directory)
    archive.add("Bar", [order(number) for number in range(300)], Progress())
    path = directory / FILE
    content = bytearray(path.read_bytes())
    begin = data.draw(st.integers(0, len(content) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=6000))
    content[begin : begin + len(damage)] = damage
    del content[data.draw(st.integers(begin + 1, len(content))) :]
    path.write_bytes(content)
    after = Archive(directory)
    for _ in range(2):
        # SQLite may miss the damage, and then the archive works; otherwise the file is renamed.
        try:
            after.add("Bar", [order(1000)], Progress())
            assert order(1000).uuid in {one.uuid for one in after.orders("Bar")}
        except DamagedError:
            assert list(directory.glob(f"{FILE}.damaged*"))
            continue
        break
    else:
        pytest.fail("the new archive is damaged as well")


def test_at_most_three_damaged_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 400)
    archive = Archive(tmp_path)
    for number in range(5):
        with pytest.raises(DamagedError):
            archive.progress("Bar")
        (tmp_path / FILE).write_bytes(f"damage {number}".encode() * 400)
    assert sorted(path.name for path in tmp_path.glob("*.damaged*")) == [
        f"{FILE}.damaged",
        f"{FILE}.damaged.1",
        f"{FILE}.damaged.2",
    ]
    assert (tmp_path / f"{FILE}.damaged").read_bytes().startswith(b"not a database")


def test_an_older_version_is_migrated(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE)
    database.executescript(MIGRATIONS[0])
    database.execute("INSERT INTO gateways (name, read_to) VALUES ('Bar', 9.0)")
    database.execute("INSERT INTO orders VALUES (1, ?, '23', 'TO_GO', '', 0, 100.0, 300.0, 0)", [pack(order(1).uuid)])
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    archive = Archive(tmp_path)
    assert [(one.name, one.cleared, one.took) for one in archive.orders("Bar")] == [("23", 300.0, None)]
    assert archive.progress("Bar").read_to == 9.0
    with open_archive(tmp_path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_newer_version_is_left_unchanged(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE)
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(ArchiveError, match="newer version") as caught:
        Archive(tmp_path).progress("Bar")
    assert not isinstance(caught.value, DamagedError)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("version", [-1, 1000, 0x61742039])
def test_an_impossible_version_counts_as_damage(tmp_path: Path, version: int) -> None:
    Archive(tmp_path).add("Bar", [order(1)], Progress())
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    archive = Archive(tmp_path)
    with pytest.raises(DamagedError):
        archive.progress("Bar")
    assert archive.add("Bar", [order(2)], Progress()) == 1


def test_a_full_disk_keeps_archived_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path, Bounds(size=1 * MIB))
    archive.add("Bar", [order(1)], Progress())
    monkeypatch.setattr(module, "ROOM", 0)
    monkeypatch.setattr(module, "SPARE", 0)
    with pytest.raises(ArchiveError, match="full") as caught:
        archive.add("Bar", [order(number) for number in range(20_000)], Progress())
    assert not isinstance(caught.value, DamagedError)
    assert [one.uuid for one in archive.orders("Bar")] == [order(1).uuid]


def test_an_unusable_directory_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArchiveError, match="file"):
        Archive(tmp_path / "file").progress("Bar")
    with pytest.raises(ArchiveError, match="file"), update_lock(tmp_path / "file"):
        pass


def test_a_read_only_archive_can_be_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worn-out card refuses every write."""
    archive.add("Bar", [order(1)], Progress())

    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(schema, "_own_file", read_only)
    assert list(archive.orders("Bar")) == [order(1)]
    with pytest.raises(ArchiveError, match="readonly"):
        archive.add("Bar", [order(2)], Progress())
    (archive.directory / FILE).unlink()
    with pytest.raises(ArchiveError, match="Read-only"):
        list(archive.orders("Bar"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create files for another user")
def test_files_created_by_root_get_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    with update_lock(tmp_path):
        Archive(tmp_path).add("Bar", [order(1)], Progress())
    found = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()}
    assert found == {FILE: (12345, 12346), LOCK: (12345, 12346)}


def test_only_one_program_updates_the_archive_at_a_time(tmp_path: Path) -> None:
    with update_lock(tmp_path), pytest.raises(ArchiveError, match="another program"), update_lock(tmp_path):
        pass
    with update_lock(tmp_path):
        pass


def test_damage_that_the_check_misses_counts_at_the_second_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error may be a failed read, which SQLite reports as damage; see tests/disk."""
    archive = Archive(tmp_path)
    archive.add("Bar", [order(1)], Progress())
    (tmp_path / FILE).write_bytes(b"not a database at all" * 400)
    monkeypatch.setattr(module, "is_intact", lambda directory: True)
    with pytest.raises(ArchiveError, match="try again") as caught:
        archive.progress("Bar")
    assert not isinstance(caught.value, DamagedError)
    assert not list(tmp_path.glob("*.damaged"))
    with pytest.raises(DamagedError):
        archive.progress("Bar")
    assert list(tmp_path.glob("*.damaged"))
    assert archive.progress("Bar") == Progress()
