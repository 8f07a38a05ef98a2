"""The archive's file: opened, brought to the present schema, and put aside where it is damaged. Every call blocks.

What only could not be done this time (a full disk, one that can't be written, a lock) is told apart from damage: such
a file stays where it is.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance import atomic_file
from appliance.core.delivery import Finished

FILE = "history.sqlite3"
LOCK = "history.lock"
LONGEST_VALUE = 1024 * 1024
"""Bytes of a value, a row or a statement; an order has some hundred."""
WAIT = 20.0
"""Seconds to wait for another process that is writing."""
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,
}
"""The last three are what SQLite says of a head or a length that make no sense, and of a table that is gone."""

MIGRATIONS = (
    # 1: what the gateway tells of an order. Times are its local ones, in seconds since 2000-01-01.
    """
    CREATE TABLE gateways (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        read_to REAL, mark INTEGER, tail TEXT
    );
    CREATE TABLE orders (
        gateway INTEGER NOT NULL REFERENCES gateways (id), uuid BLOB NOT NULL,
        name TEXT NOT NULL, type TEXT NOT NULL, location TEXT NOT NULL, paged INTEGER NOT NULL,
        created REAL, cleared REAL, elapsed REAL
    );
    CREATE UNIQUE INDEX orders_once ON orders (gateway, uuid);
    CREATE INDEX orders_by_time ON orders (gateway, coalesce(created, cleared));
    """,
    # 2: what this box saw by a clock that nobody sets: delivery time, and time to sit.
    """
    ALTER TABLE orders ADD COLUMN took REAL;
    ALTER TABLE orders ADD COLUMN sat REAL;
    """,
)
"""What makes each version of the schema of the one before it. Never changed once it was released; only added to."""
VERSION = len(MIGRATIONS)
VERSIONS = 1000
"""More than there will ever be: a number beyond is damage, and not a newer version, which is left alone."""

FIELDS = "uuid, name, type, location, paged, created, cleared, elapsed, took, sat"
"""The columns of an order, in the order of its row."""

log = logging.getLogger(__name__)


class ArchiveError(Exception):
    """The archive can't be used now; says why. Nothing is lost by it but time."""


class BusyError(ArchiveError):
    """Another program is filling the archive."""


class DamagedError(ArchiveError):
    """The file is not what was written there."""


@contextmanager
def opened(directory: Path, limit: int | None = None, *, check: bool = False) -> Iterator[sqlite3.Connection]:
    """The archive of a directory, made where there is none. limit: bytes that it may grow to. check: all of it.

    Statements are their own transactions unless one is begun. Where it can't be written, as on a card that failed, it
    can still be read.

    Raises:
        DamagedError: Put it aside.
        ArchiveError: It can't be used this time.
    """
    with told():
        path, mode = directory / FILE, "rw"
        try:
            directory.mkdir(0o700, parents=True, exist_ok=True)
            # The orders are the restaurant's own business: for the owner alone, whatever the umask.
            os.close(_own_file(directory, FILE))
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES) or not os.access(path, os.R_OK):
                raise ArchiveError(f"{path}: {error.strerror}") from None
            mode = "ro"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)) as database:
            # A length that is damaged would else be believed, and so much memory be asked for.
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
            database.execute("PRAGMA synchronous = EXTRA")
            if limit is not None:
                size = database.execute("PRAGMA page_size").fetchone()[0]
                database.execute(f"PRAGMA max_page_count = {max(64, limit // size)}")
            _migrate(database)
            if check:
                (first,) = database.execute("PRAGMA quick_check(1)").fetchone()
                if first != "ok":
                    log.debug("%s", first)
                    raise DamagedError("the archive is damaged")
            yield database


def identity(directory: Path) -> int:
    """What tells the archive's file from another that may take its place; 0 where there is none."""
    try:
        return (directory / FILE).stat().st_ino
    except OSError:
        return 0


def is_whole(directory: Path) -> bool:
    """Whether all of the file can be read after all. A read that failed once (EIO) is damage to SQLite, too.

    Raises:
        ArchiveError: That can't be told now.
    """
    try:
        with opened(directory) as database:
            (first,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            for table in ("gateways", "orders"):
                # Some damage is met only by who reads that part of it.
                for _ in database.execute(f"SELECT * FROM {table}"):
                    pass
            return bool(first == "ok")
    except DamagedError:
        return False


def put_aside(directory: Path, damaged: int) -> str | None:
    """Move a damaged file out of the way; gives its new name. damaged: its identity.

    Raises:
        ArchiveError: It can't be moved.
    """
    path = directory / FILE
    try:
        if identity(directory) != damaged:
            # Another process was quicker.
            return None
        descriptor = atomic_file.open_directory(directory)
        try:
            aside = atomic_file.put_aside(descriptor, FILE)
        finally:
            os.close(descriptor)
        # What it left half done belongs to it, and would spoil the next one.
        for left in ("-journal", "-wal", "-shm"):
            path.with_name(FILE + left).unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{path} is damaged and can't be put aside: {error.strerror}") from None
    log.warning("the archive %s is damaged; it is kept as %s, and a new one begins", path, aside)
    return aside


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep other processes from filling the same archive meanwhile.

    Raises:
        BusyError: Another one is at it.
        ArchiveError: The directory can't be used.
    """
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
        descriptor = _own_file(directory, LOCK)
    except OSError as error:
        raise ArchiveError(f"{directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise BusyError("another program is filling the archive at this moment") from None
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def told() -> Iterator[None]:
    """Tell the library's errors apart. Raises DamagedError and ArchiveError in their place."""
    try:
        yield
    except MemoryError:
        # SQLite says so of some lengths that are damaged; an order takes some hundred bytes.
        raise DamagedError("a value of it is larger than the memory") from None
    except (TypeError, ValueError, AttributeError) as error:
        # A row of a damaged schema holds what no row of ours does. SQLite's own words about it may be no text either.
        log.debug("%s", error)
        raise DamagedError("the archive is damaged") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        # Without a code it is Python that found a text to be none.
        damaged = code & 0xFF in _DAMAGE if code is not None else isinstance(error, sqlite3.OperationalError)
        if damaged:
            # What SQLite says of it is for those who look at the file.
            log.debug("%s", error)
            raise DamagedError("the archive is damaged") from None
        busy = code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
        raise ArchiveError("another program is using the archive" if busy else str(error)) from None


def _own_file(directory: Path, name: str) -> int:
    """A file in the directory, opened and made if need be, that belongs to the directory's owner.

    On the box a person asks for the history with all rights, and the service must be able to go on with it.
    """
    descriptor = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def _migrate(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if not 0 <= version < VERSIONS:
        raise DamagedError(f"there is no schema {version}")
    if version > VERSION:
        raise ArchiveError(f"it was written by a newer version of this program (schema {version}, known is {VERSION})")
    if version == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker.
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for statements in MIGRATIONS[version:]:
            for statement in statements.split(";"):
                if statement.strip():
                    database.execute(statement)
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def row_of(gateway: int, order: Finished, seen: Finished | None) -> tuple[object, ...]:
    """The row of an order: its gateway's number, and its FIELDS. seen: what this box saw of it by itself."""
    took = order.took if seen is None or seen.took is None else seen.took
    sat = order.sat if seen is None or seen.sat is None else seen.sat
    facts = (pack(order.uuid), *map(as_text, (order.name, order.order_type, order.location)), order.paged)
    return (gateway, *facts, order.created, order.cleared, order.elapsed, took, sat)


def order_of(row: tuple[Any, ...]) -> Finished:
    """The order of such FIELDS. Raises DamagedError where it is not what was put there."""
    uuid, name, type_, location, paged, *times = row
    texts = all(isinstance(text, str) for text in (name, type_, location))
    if not texts or not all(isinstance(time_, float | None) for time_ in times):
        raise DamagedError("an order is not what was kept")
    try:
        return Finished(unpack(uuid), name, type_, location, bool(paged), *times)
    except (ValueError, TypeError) as error:
        raise DamagedError("an order's identity is not what was kept") from error


def pack(uuid: str) -> bytes | str:
    """A uuid as it is kept: in 16 bytes where it is written as uuids are, else as it is."""
    try:
        known = UUID(uuid)
    except ValueError:
        # It is opaque, and may be anything.
        return as_text(uuid)
    return known.bytes if str(known) == uuid else as_text(uuid)


def unpack(kept: bytes | str) -> str:
    """The uuid again."""
    return kept if isinstance(kept, str) else str(UUID(bytes=kept))


def as_text(text: str) -> str:
    """A text as it can be kept: JSON may hold halves of characters, which are none."""
    return text.encode("utf-8", "replace").decode()
