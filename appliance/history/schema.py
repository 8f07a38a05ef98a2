"""The archive's file: opens it, migrates its schema, and renames it if it is damaged. Every call blocks.

Temporary errors (a full or read-only disk, a lock) are distinguished from damage and leave the file in place.
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
_BESIDE = tuple(FILE + suffix for suffix in ("-journal", "-wal", "-shm"))
"""SQLite's own files."""
LONGEST_VALUE = 1024 * 1024
"""Maximum bytes of a value, row or statement; an order has about a hundred."""
WAIT = 20.0
"""Seconds to wait for another process's write lock."""
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,
}
"""SQLite reports the last three for an invalid header or length, and for a missing table."""
_UNFINISHED = {sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY}
"""A reader found the journal of an update that a crash interrupted."""

MIGRATIONS = (
    # 1: the gateway's data. Times are local, in seconds since 2000-01-01.
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
    # 2: the box's own measurements by its monotonic clock: delivery time and time to sit.
    """
    ALTER TABLE orders ADD COLUMN took REAL;
    ALTER TABLE orders ADD COLUMN sat REAL;
    """,
)
"""The statements from each schema version to the next. Append only: released entries never change."""
VERSION = len(MIGRATIONS)
VERSIONS = 1000
"""A higher schema version is damage. A lower one may come from a newer program, and the file is left alone."""

FIELDS = "uuid, name, type, location, paged, created, cleared, elapsed, took, sat"
"""The columns of an order in its row."""

log = logging.getLogger(__name__)


class ArchiveError(Exception):
    """The archive can't be used now. No data is lost."""


class BusyError(ArchiveError):
    """Another program is updating the archive."""


class DamagedError(ArchiveError):
    """The file is damaged."""


@contextmanager
def read_archive(directory: Path) -> Iterator[sqlite3.Connection]:
    """Open the archive of a running appliance, which alone changes it. Writes nothing, whatever it finds.

    Raises:
        ArchiveError: It can't be read now.
    """
    path = directory / FILE
    try:
        with translated_errors():
            there = path.is_file()
            uri = f"{path.absolute().as_uri()}?mode=ro" if there else ":memory:"
            with closing(sqlite3.connect(uri, uri=there, timeout=WAIT, isolation_level=None)) as database:
                database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
                if not there:
                    _migrate(database)
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version != VERSION:
                    raise ArchiveError(f"the running appliance uses another version of the archive ({version})")
                yield database
    except DamagedError as damage:
        raise ArchiveError(f"{damage}; the running appliance replaces it at its next update") from None


@contextmanager
def open_archive(directory: Path, limit: int | None = None, *, check: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the archive in a directory, creating it if necessary. limit: maximum bytes. check: check it for damage.

    Uses autocommit. Opens a file that can't be written, as on a failed card, for reading.

    Raises:
        DamagedError: The caller should call `put_aside`.
        ArchiveError: It can't be used now.
    """
    with translated_errors():
        path, mode = directory / FILE, "rw"
        try:
            directory.mkdir(0o700, parents=True, exist_ok=True)
            _clear_way(directory, FILE, *_BESIDE)
            # Readable by the owner only, whatever the umask.
            os.close(_own_file(directory, FILE))
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES) or not os.access(path, os.R_OK):
                raise ArchiveError(f"{path}: {error.strerror}") from None
            mode = "ro"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)) as database:
            # SQLite would allocate as much memory as a damaged length says.
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


def file_identity(directory: Path) -> int:
    """The archive file's inode number; 0 without a file."""
    try:
        return (directory / FILE).stat().st_ino
    except OSError:
        return 0


def is_intact(directory: Path) -> bool:
    """Whether the whole file can be read. SQLite also reports a temporary read error (EIO) as damage.

    Raises:
        ArchiveError: The check failed.
    """
    try:
        with open_archive(directory) as database:
            (first,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            for table in ("gateways", "orders"):
                # The integrity check misses some damage.
                for _ in database.execute(f"SELECT * FROM {table}"):
                    pass
            return bool(first == "ok")
    except DamagedError:
        return False


def put_aside(directory: Path, damaged: int) -> str | None:
    """Rename a damaged file; its new name. damaged: its identity.

    Raises:
        ArchiveError: It can't be renamed.
    """
    path = directory / FILE
    try:
        if file_identity(directory) != damaged:
            # Another process has already renamed it.
            return None
        with atomic_file.open_directory(directory) as descriptor:
            aside = atomic_file.put_aside(descriptor, FILE)
        # Its journal would damage the new file.
        _clear_way(directory, *_BESIDE)
        for left in _BESIDE:
            path.with_name(left).unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{path} is damaged and can't be renamed: {error.strerror}") from None
    log.warning("The archive %s is damaged: renamed it to %s and started a new one", path, aside)
    return aside


@contextmanager
def update_lock(directory: Path) -> Iterator[None]:
    """Hold the lock for updating the archive.

    Raises:
        BusyError: Another process holds it.
        ArchiveError: The directory can't be used.
    """
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
        _clear_way(directory, LOCK)
        descriptor = _own_file(directory, LOCK)
    except OSError as error:
        raise ArchiveError(f"{directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise BusyError("another program is updating the archive") from None
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise DamagedError or ArchiveError instead of the library's errors."""
    try:
        yield
    except MemoryError:
        # SQLite raises this for some damaged lengths.
        raise DamagedError("the archive is damaged") from None
    except (TypeError, ValueError, AttributeError) as error:
        # A damaged row has values of other types; a damaged schema can even make SQLite's message undecodable.
        log.debug("%s", error)
        raise DamagedError("the archive is damaged") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        # Errors without a code come from Python, which could not decode a text.
        damaged = code & 0xFF in _DAMAGE if code is not None else isinstance(error, sqlite3.OperationalError)
        if damaged:
            # SQLite's message only helps developers.
            log.debug("%s", error)
            raise DamagedError("the archive is damaged") from None
        if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
            raise ArchiveError("another program is using the archive") from None
        if code in _UNFINISHED:
            # Only a writer may complete or undo it, as the appliance does at its next update.
            raise ArchiveError("the last update of the archive was interrupted; try again") from None
        raise ArchiveError(str(error)) from None


def _clear_way(directory: Path, *names: str) -> None:
    """Put aside what isn't a file: SQLite would wait for a pipe for ever, and fail on a folder. Raises OSError."""
    with atomic_file.open_directory(directory) as descriptor:
        for name in names:
            atomic_file.clear_way(descriptor, name)


def _own_file(directory: Path, name: str) -> int:
    """Open or create a file that belongs to the directory's owner.

    On the box, users run `history` as root, and the service must still be able to write the file.
    """
    descriptor = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def _migrate(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if not 0 <= version < VERSIONS:
        raise DamagedError(f"invalid schema version {version}")
    if version > VERSION:
        raise ArchiveError(
            f"a newer version of this program wrote the archive (schema {version}, not {VERSION}); update"
        )
    if version == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated it meanwhile.
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
    """The row of an order: its gateway's id, and its FIELDS. seen: the box's own measurements of it."""
    took = order.took if seen is None or seen.took is None else seen.took
    sat = order.sat if seen is None or seen.sat is None else seen.sat
    facts = (pack(order.uuid), *map(as_text, (order.name, order.order_type, order.location)), order.paged)
    return (gateway, *facts, order.created, order.cleared, order.elapsed, took, sat)


def order_of(row: tuple[Any, ...]) -> Finished:
    """The order in a row of FIELDS. Raises DamagedError if the row is invalid."""
    uuid, name, type_, location, paged, *times = row
    texts = all(isinstance(text, str) for text in (name, type_, location))
    if not texts or not all(isinstance(time_, float | None) for time_ in times):
        raise DamagedError("invalid order")
    try:
        return Finished(unpack(uuid), name, type_, location, bool(paged), *times)
    except (ValueError, TypeError) as error:
        raise DamagedError("invalid uuid of an order") from error


def pack(uuid: str) -> bytes | str:
    """A uuid as stored: 16 bytes if it is in the canonical form, else text."""
    try:
        known = UUID(uuid)
    except ValueError:
        # The gateway may use any text.
        return as_text(uuid)
    return known.bytes if str(known) == uuid else as_text(uuid)


def unpack(kept: bytes | str) -> str:
    """The reverse of `pack`."""
    return kept if isinstance(kept, str) else str(UUID(bytes=kept))


def as_text(text: str) -> str:
    """A text as stored: without lone surrogates, which JSON allows and UTF-8 does not."""
    return text.encode("utf-8", "replace").decode()
