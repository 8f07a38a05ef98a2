"""Saves a copy of a running box's state: to a file, or to a stick beside its older copy."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from appliance import __version__, atomic_file
from appliance.backup.contents import LARGEST_SECRET, PLAIN, SECRET, SECRETS
from appliance.backup.copy_file import CopyError, Index, check, write_copy
from appliance.backup.encryption import encrypt
from appliance.core.backups import BackupReason
from appliance.history.schema import FILE, ArchiveError, translated_errors

OnPercent = Callable[[int], None]


def save_to_file(
    state: Path, path: Path, passphrase: str | None, box: str, number: int = 1, on_percent: OnPercent = lambda _: None
) -> bool:
    """Save a copy in place of an older one of this name; whether it has the pairing and the SSH host key.

    A power cut leaves the old file or the new one.

    Raises:
        CopyError: Nothing was saved.
        OSError: The file can't be written.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    complete = _save(state, new, passphrase, box, number, on_percent)
    new.replace(path)
    with atomic_file.open_directory(path.parent) as folder:
        os.fsync(folder)
    return complete


def save_to_folder(
    state: Path, folder: Path, passphrase: str | None, box: str, on_percent: OnPercent = lambda _: None
) -> bool:
    """Save a copy on a stick, as save_to_file() does, and remove the box's older one when the new one is complete.

    FAT can't replace a file atomically. So the two have names of their own.
    """
    newest: tuple[Path, Index] | None = None
    for path in names(folder, box):
        with suppress(FileNotFoundError):
            try:
                index = check(path)
            except CopyError:
                # An interrupted write.
                continue
            if newest is None or index.number > newest[1].number:
                newest = path, index
    number = 1 if newest is None else newest[1].number + 1
    path = next(path for path in names(folder, box) if newest is None or path != newest[0])
    path.unlink(missing_ok=True)
    complete = _save(state, path, passphrase, box, number, on_percent)
    if newest is not None:
        newest[0].unlink()
        with atomic_file.open_directory(folder) as directory:
            os.fsync(directory)
    return complete


def names(folder: Path, box: str) -> tuple[Path, Path]:
    """The two files of which a box's copies on a stick have one in turn."""
    return folder / f"{box}.copy-1.zip", folder / f"{box}.copy-2.zip"


def _save(state: Path, path: Path, passphrase: str | None, box: str, number: int, on_percent: OnPercent) -> bool:
    with ExitStack() as stack:
        parts: dict[str, BinaryIO] = {}
        if passphrase is not None:
            parts[SECRETS] = io.BytesIO(encrypt(_secrets(state), passphrase))
        for name, place in PLAIN.items():
            with suppress(FileNotFoundError):
                if name == FILE:
                    stack.enter_context(_archive_unchanged(state / place))
                parts[name] = stack.enter_context(_readable(state / place))
        total = max(1, sum(part.seek(0, os.SEEK_END) for part in parts.values()))
        for part in parts.values():
            part.seek(0)
        write_copy(path, parts, number, box, __version__, lambda done: on_percent(done * 100 // total))
    return passphrase is not None


def _secrets(state: Path) -> bytes:
    """The secret files that there are, as JSON: each one's content by its path."""
    found: dict[str, str] = {}
    for place in SECRET:
        path = state / place
        with suppress(FileNotFoundError), atomic_file.open_directory(path.parent) as folder:
            found[place] = atomic_file.read(folder, path.name, LARGEST_SECRET).decode("latin-1")
    return json.dumps(found).encode()


def _readable(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


@contextmanager
def _archive_unchanged(path: Path) -> Iterator[None]:
    """Keep the appliance from changing its archive in the block: it waits, or updates it later."""
    if not path.exists():
        raise FileNotFoundError
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as database:
        try:
            with translated_errors():
                database.execute("BEGIN")
                # The lock begins with the first read.
                database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except ArchiveError as error:
            raise CopyError(BackupReason.FAILED, f"can't read the archive of orders: {error}") from None
        yield
