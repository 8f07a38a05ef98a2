"""Atomic file writes, and renaming damaged files out of the way. Every call blocks.

Directories are passed as descriptors, so that nothing can replace the directory between two steps.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ASIDE = (".damaged", ".damaged.1", ".damaged.2")
"""Suffixes of damaged files. The first files tell most about the cause, so only the last one is ever overwritten."""


def temporary_name(name: str) -> str:
    """The temporary name of a file's new version, before the rename."""
    return name + ".new"


def write(directory: int, name: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file by an atomic, durable write: write, fsync, rename, fsync the directory.

    Raises:
        OSError: The write failed; the file is either the old or the new version.
    """
    new = temporary_name(name)
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(new, flags, mode, dir_fd=directory)
    try:
        try:
            # The umask may have removed even the owner's permissions.
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        # A temporary file must not keep a full disk full.
        with suppress(OSError):
            os.unlink(new, dir_fd=directory)
        raise
    os.fsync(directory)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes `path` when the block ends without an error.

    Devices and pipes are written directly. A symbolic link stays, and its target is replaced.

    Raises:
        OSError: Its filename is `path`.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        new = target.with_name(f".{temporary_name(target.name)}")
        try:
            yield new
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def put_aside(directory: int, name: str) -> str:
    """Rename a damaged file, durably, so that a new one can take its name; return its new name.

    Raises:
        OSError: It could not be renamed.
    """
    taken = set(os.listdir(directory))
    aside = next((name + suffix for suffix in ASIDE if name + suffix not in taken), name + ASIDE[-1])
    os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)
    return aside


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Yield a descriptor of a directory for the calls above, and close it at the end of the block. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        written = os.write(descriptor, data)
        if written == 0:
            raise OSError(errno.EIO, "write() wrote no bytes")
        data = data[written:]
