"""The archive of finished orders, within bounds of age and size. Every call blocks.

Each call of `add` is one transaction, so a power cut leaves all of its orders or none.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from appliance.core.delivery import DAY, Finished
from appliance.core.values import name_key
from appliance.gateway.order_json import EPOCH
from appliance.history.chunks import Mark
from appliance.history.report import Row
from appliance.history.schema import (
    FIELDS,
    ArchiveError,
    DamagedError,
    as_text,
    file_identity,
    is_intact,
    open_archive,
    order_of,
    pack,
    put_aside,
    read_archive,
    row_of,
    translated_errors,
)

MONTH = 365.25 / 12
"""Days."""
MIB = 1024 * 1024
LATEST = 200
"""The number of newest orders that determine the current time: more than a wrong clock could have dated."""
CLOSED = 60 * DAY
"""Longest closure of a restaurant; a longer gap between two orders comes from a wrong clock."""
ROOM, SPARE = 400, 64 * 4096
"""Bytes per order including indexes, and a reserve for page splits."""
AT_ONCE = 20_000
"""Orders per query. The file is unlocked between queries, because a user may read a report in a pager for an hour."""
FREED = 20
"""One in so many orders is deleted when the file is full, so that the next write has room too."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the archive. age: days. size: bytes of the file."""

    age: float = 13 * MONTH
    size: int = 256 * MIB


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a gateway's history was read. read_to: up to this local time of the gateway; None if never.

    mark: where an incomplete reading resumes.
    """

    read_to: float | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A selection of orders. begin (inclusive), end (exclusive): the gateway's local times.

    types, tables: the allowed ones; empty for all.
    """

    begin: float | None = None
    end: float | None = None
    types: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


class Archive:
    """The archive in a directory. A damaged file is renamed when it is found, and the next call creates a new one.

    of_another: a running appliance owns it; then this only reads, and leaves damage to the owner.
    """

    def __init__(self, directory: Path, bounds: Bounds | None = None, *, of_another: bool = False) -> None:
        self.directory = directory
        self._of_another = of_another
        self._bounds = bounds or Bounds()
        self._checked = False
        self._doubted = 0

    def progress(self, gateway: str) -> Progress:
        """How far a gateway's history was read. Raises ArchiveError."""
        with self._open() as database:
            number = _known(database, gateway)
            row = database.execute("SELECT read_to, mark, tail FROM gateways WHERE id = ?", [number]).fetchone()
            if row is None:
                return Progress()
            read_to, mark, tail = row
            if not isinstance(read_to, float | None) or not isinstance(mark, int | None):
                raise DamagedError("invalid progress")
            return Progress(read_to, None if mark is None else Mark(mark, tuple(tail.split("\n"))))

    def add(
        self,
        gateway: str,
        orders: Iterable[Finished],
        progress: Progress,
        seen: Mapping[str, Finished] | None = None,
    ) -> int:
        """Add orders that are not archived yet, in one transaction; their number.

        seen: the box's own measurements of orders, by uuid. Raises ArchiveError.
        """
        own = seen or {}
        with self._open() as database, _transaction(database):
            number = _number(database, gateway)
            rows = [row_of(number, order, own.get(order.uuid)) for order in orders]
            self._make_room(database, len(rows))
            before = database.total_changes
            database.executemany(
                f"INSERT INTO orders (gateway, {FIELDS}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows
            )
            new = database.total_changes - before
            # Another program may have archived an order before the box's measurements of it.
            measures = [(one.took, one.sat, number, pack(uuid)) for uuid, one in own.items() if one.is_measured]
            database.executemany(
                "UPDATE orders SET took = ?, sat = ? WHERE gateway = ? AND uuid = ? AND took IS NULL AND sat IS NULL",
                measures,
            )
            mark = progress.mark
            old = self._progress_row(database, number)
            row = (progress.read_to, mark and mark.offset, mark and as_text("\n".join(mark.tail)))
            # Do not write if only read_to changed.
            if new or row[1:] != old[1:]:
                database.execute("UPDATE gateways SET read_to = ?, mark = ?, tail = ? WHERE id = ?", (*row, number))
            if new:
                self._forget(database, number)
        return new

    def orders(self, gateway: str, query: Query | None = None) -> Iterator[Finished]:
        """The orders of a gateway, sorted by start. Raises ArchiveError."""
        return self._select(gateway, FIELDS, query or Query(), order_of)

    def rows(self, gateway: str, query: Query | None = None) -> Iterator[Row]:
        """The columns for reports, which is faster than `orders`. Raises ArchiveError."""
        return self._select(gateway, "type, location, created, cleared, elapsed, took", query or Query())

    def holds(self, gateway: str, uuids: Iterable[str]) -> frozenset[str]:
        """The archived ones of some uuids. Raises ArchiveError."""
        with self._open() as database:
            number = _known(database, gateway)
            statement = "SELECT 1 FROM orders WHERE gateway = ? AND uuid = ?"
            return frozenset(u for u in uuids if database.execute(statement, (number, pack(u))).fetchone())

    def distinct(self, gateway: str, column: Literal["type", "location"]) -> frozenset[str]:
        """Every order type or table that occurred. Raises ArchiveError."""
        with self._open() as database:
            statement = f"SELECT DISTINCT {column} FROM orders WHERE gateway = ?"
            return frozenset(value for (value,) in database.execute(statement, [_known(database, gateway)]))

    def latest(self, gateway: str) -> float | None:
        """When the newest order started, in the gateway's local time; None without orders.

        Ignores orders dated by a clock that was far ahead. Raises ArchiveError.
        """
        with self._open() as database:
            return _present(database, _known(database, gateway))

    def gateways(self) -> list[str]:
        """The gateways with archived orders, the most recently archived last. Raises ArchiveError."""
        with self._open() as database:
            statement = (
                "SELECT g.name FROM gateways g JOIN orders o ON o.gateway = g.id GROUP BY g.id ORDER BY max(o.rowid)"
            )
            return [name for (name,) in database.execute(statement)]

    def _select(
        self, gateway: str, fields: str, query: Query, made: Callable[[Any], Any] = lambda row: row
    ) -> Iterator[Any]:
        at = "coalesce(created, cleared)"
        wanted: list[str] = ["gateway = ?"]
        values: list[float | str] = []
        for condition, value in ((f"{at} >= ?", query.begin), (f"{at} < ?", query.end)):
            if value is not None:
                wanted.append(condition)
                values.append(value)
        for column, some in (("type", query.types), ("location", query.tables)):
            if some:
                wanted.append(f"{column} IN ({','.join('?' * len(some))})")
                values.extend(some)
        following = "1"
        after: list[float | int] = []
        while True:
            where = " AND ".join([*wanted, following])
            statement = f"SELECT {at}, rowid, {fields} FROM orders WHERE {where} ORDER BY {at}, rowid LIMIT {AT_ONCE}"
            with self._open() as database:
                rows = database.execute(statement, (_known(database, gateway), *values, *after)).fetchall()
                found = [made(row[2:]) for row in rows]
            yield from found
            if len(rows) < AT_ONCE:
                return
            last, rowid = rows[-1][:2]
            if last is None:
                following, after = f"({at} IS NOT NULL OR rowid > ?)", [rowid]
            else:
                following, after = f"{at} >= ? AND ({at} > ? OR rowid > ?)", [last, last, rowid]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self._of_another:
            with read_archive(self.directory) as database, translated_errors():
                yield database
            return
        check, self._checked = not self._checked, True
        met = file_identity(self.directory)
        try:
            with open_archive(self.directory, self._bounds.size, check=check) as database, translated_errors():
                yield database
        except DamagedError as damage:
            file = met or file_identity(self.directory)
            # Give the file one more chance if a full check finds no damage.
            if file != self._doubted and is_intact(self.directory):
                self._doubted = file
                raise ArchiveError(f"could not read the archive: {damage}; try again") from None
            put_aside(self.directory, file)
            raise

    def _progress_row(self, database: sqlite3.Connection, number: int) -> tuple[object, ...]:
        row: tuple[object, ...] = database.execute(
            "SELECT read_to, mark, tail FROM gateways WHERE id = ?", [number]
        ).fetchone()
        return row

    def _make_room(self, database: sqlite3.Connection, coming: int) -> None:
        """Delete the oldest orders of all gateways if the file would exceed its bound."""
        size, pages, free = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        if not coming or (pages - free) * size + coming * ROOM + SPARE < self._bounds.size:
            return
        (held,) = database.execute("SELECT count(*) FROM orders").fetchone()
        oldest = "SELECT rowid FROM orders ORDER BY coalesce(created, cleared) LIMIT ?"
        database.execute(f"DELETE FROM orders WHERE rowid IN ({oldest})", [max(held // FREED, coming)])

    def _forget(self, database: sqlite3.Connection, number: int) -> None:
        """Delete orders past the maximum age according to both the gateway's clock and this machine's.

        A single clock that is wrong by years must not delete everything.
        """
        present = _present(database, number)
        if present is None:
            return
        own = (datetime.fromtimestamp(time.time()) - EPOCH).total_seconds()
        oldest = min(present, own) - self._bounds.age * DAY
        at = "coalesce(created, cleared)"
        database.execute(f"DELETE FROM orders WHERE gateway = ? AND {at} < ?", (number, oldest))


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _known(database: sqlite3.Connection, gateway: str) -> int:
    """A gateway's number in the archive, whatever the spelling of its name; 0 if it has none."""
    key = name_key(gateway)
    rows = database.execute("SELECT id, name FROM gateways").fetchall()
    return next((int(number) for number, name in rows if name_key(name) == key), 0)


def _number(database: sqlite3.Connection, gateway: str) -> int:
    number = _known(database, gateway)
    if not number:
        number = int(database.execute("INSERT INTO gateways (name) VALUES (?)", [gateway]).lastrowid or 0)
    return number


def _present(database: sqlite3.Connection, number: int) -> float | None:
    at = "coalesce(created, cleared)"
    statement = f"SELECT {at} FROM orders WHERE gateway = ? ORDER BY {at} DESC LIMIT ?"
    newest = [float(time_) for (time_,) in database.execute(statement, (number, LATEST)) if time_ is not None]
    if not newest:
        return None
    times = newest[::-1]
    present = times[len(times) // 2]
    for time_ in times[len(times) // 2 :]:
        if time_ - present > CLOSED:
            break
        present = time_
    return present
