"""Atomic file writes, reads of small files, and renaming damaged files out of the way. Every call blocks.

Directories are passed as descriptors, so that nothing can replace the directory between two steps. Whatever lies in a
file's place, such as a folder or a pipe, is neither opened nor an obstacle, as long as it can be renamed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ASIDE = (".damaged", ".damaged.1", ".damaged.2")
"""Suffixes of damaged files. The first files tell most about the cause, so only the last one is ever overwritten."""
_MORE_ASIDE = tuple(f".damaged.{number}" for number in range(3, 20))
"""Further ones, because a folder can't be overwritten."""
_TEMPORARY = (".new", *(f".new.{number}" for number in range(1, 10)))
"""Suffixes of new versions before the rename. One is enough, unless something that can't be removed has its name."""
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST}
"""Errors of a rename if a folder has the new name, or would replace a file."""

_UNUSABLE = {errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EACCES}
"""Errors for a link that leads nowhere, and for a file of another user. Others, such as EIO, may be temporary."""


def temporary_names(name: str) -> tuple[str, ...]:
    """The names that a file's new version may have before the rename."""
    return tuple(name + suffix for suffix in _TEMPORARY)


def damaged_names(name: str) -> tuple[str, ...]:
    """The names that put_aside() may give to a file."""
    return tuple(name + suffix for suffix in (*ASIDE, *_MORE_ASIDE))


def read(directory: int, name: str, most: int) -> bytes:
    """The content of a file of at most so many bytes. Follows no symbolic link, and does not wait for a pipe.

    Raises:
        OSError: It can't be read.
        ValueError: It is no regular file, or larger. The text quotes nothing of it.
    """
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = b""
        while chunk := os.read(descriptor, most + 1 - len(data)):
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise ValueError("too large")
    return data


def write(directory: int, name: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file by an atomic, durable write: write, fsync, rename, fsync the directory.

    Raises:
        OSError: The write failed; the file is either the old or the new version.
    """
    new, descriptor = _create_temporary(directory, name, mode)
    try:
        try:
            # The umask may have removed even the owner's permissions.
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        rename(directory, new, name)
    except OSError:
        # A temporary file must not keep a full disk full.
        with suppress(OSError):
            os.unlink(new, dir_fd=directory)
        raise
    os.fsync(directory)


def rename(directory: int, name: str, new_name: str) -> None:
    """Rename a file, and put aside a folder that has the new name. Raises OSError."""
    try:
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=directory)
    except IsADirectoryError:
        put_aside(directory, new_name)
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=directory)


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
        new = target.with_name(f".{target.name}.new")
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
    free = [aside for aside in damaged_names(name) if aside not in taken]
    last = name + ASIDE[-1]
    candidates = free if name + ASIDE[-1] in free else [last, *free]
    for aside in candidates:
        try:
            os.rename(name, aside, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError as error:
            if error.errno not in _IN_THE_WAY or aside == candidates[-1]:
                raise
        else:
            break
    os.fsync(directory)
    return aside


def clear_way(directory: int, name: str) -> None:
    """Put aside whatever has a file's name but is no readable regular file, nor a link to one.

    Raises:
        OSError: It can't be examined at the moment, or not be renamed.
    """
    try:
        os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return
    try:
        usable = stat.S_ISREG(os.stat(name, dir_fd=directory).st_mode)
        if usable:
            os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory))
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        usable = False
    if not usable:
        put_aside(directory, name)


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Yield a descriptor of a directory for the calls above, and close it at the end of the block. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _create_temporary(directory: int, name: str, mode: int) -> tuple[str, int]:
    """Create a file under a temporary name; the name and a descriptor. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    names = temporary_names(name)
    for new in names:
        # A crash may have left it. If it can't be removed, as a folder, the next name will do.
        with suppress(OSError):
            os.unlink(new, dir_fd=directory)
        try:
            return new, os.open(new, flags, mode, dir_fd=directory)
        except FileExistsError:
            if new == names[-1]:
                raise
    raise AssertionError("the loop returns or raises")


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        written = os.write(descriptor, data)
        if written == 0:
            raise OSError(errno.EIO, "write() wrote no bytes")
        data = data[written:]
