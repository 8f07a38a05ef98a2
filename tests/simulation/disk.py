"""The flash card: the system calls that the store makes, on a disk as POSIX promises it and no better.

Owns what survives a power cut: what was flushed, and of the rest any part. It can be full, read-only, failing or slow,
and the power may go between any two calls.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any


class PowerCutError(BaseException):
    """The power went inside of a system call; nothing after it was done."""


@dataclass
class Inode:
    """A file: what is flushed of it, and what it holds."""

    flushed: bytes = b""
    content: bytes = b""


@dataclass
class Disk:
    """One directory. full, read_only, failing: share of calls that fail so. cut_after: calls until the power goes."""

    random: Random
    entries: dict[str, Inode] = field(default_factory=dict)
    flushed: dict[str, Inode] = field(default_factory=dict)
    changes: list[tuple[str, str, str, Inode]] = field(default_factory=list)
    """Changes of the directory that are not flushed: what, a name, another name, and the file."""
    full: bool = False
    read_only: bool = False
    failing: float = 0.0
    cut_after: int | None = None
    calls: int = 0
    failed: int = 0
    open: dict[int, Inode | None] = field(default_factory=dict)
    _next: int = 100
    _at: dict[int, int] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        return not (self.full or self.read_only or self.failing)

    def power_cut(self) -> None:
        """Make of it what a power cut may leave."""
        entries = dict(self.flushed)
        for what, name, other, inode in self.changes:
            if self.random.random() < 0.5:
                continue
            if what != "link":
                entries.pop(name, None)
            if what != "unlink":
                entries[other or name] = inode
        for inode in {id(inode): inode for inode in entries.values()}.values():
            if inode.content != inode.flushed:
                whole, part = inode.content, self.random.randrange(len(inode.content) + 1)
                torn = (inode.flushed, whole, whole[:part], bytes(len(whole)))
                inode.content = self.random.choice(torn)
            inode.flushed = inode.content
        self.entries, self.flushed, self.changes = entries, dict(entries), []
        self.restart()

    def restart(self) -> None:
        """The process is gone, and with it what it had open."""
        self.open.clear()
        self.cut_after = None

    # The calls, as module os has them.

    def module(self) -> SimpleNamespace:
        """What stands for module os."""
        names = ("open", "close", "read", "write", "fsync", "rename", "unlink", "listdir", "fchmod", "fstat")
        calls = {name: getattr(self, f"_{name}") for name in names}
        flags = {name: value for name, value in vars(os).items() if name.startswith("O_")}
        return SimpleNamespace(**calls, **flags)

    def _enter(self, *, writes: bool = False, room: bool = False) -> None:
        self.calls += 1
        if self.cut_after is not None:
            self.cut_after -= 1
            if self.cut_after < 0:
                raise PowerCutError
        code = None
        if self.failing and self.random.random() < self.failing:
            code = errno.EIO
        elif self.read_only and writes:
            code = errno.EROFS
        elif self.full and room:
            code = errno.ENOSPC
        if code is not None:
            self.failed += 1
            raise OSError(code, os.strerror(code))

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        self._enter(writes=bool(flags & os.O_CREAT), room=bool(flags & os.O_CREAT))
        inode = None
        if not flags & os.O_DIRECTORY:
            name = str(path)
            if flags & os.O_CREAT:
                if name in self.entries:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                self.entries[name] = Inode()
                self.changes.append(("link", name, "", self.entries[name]))
            elif name not in self.entries:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            inode = self.entries[name]
        self._next += 1
        self.open[self._next] = inode
        self._at[self._next] = 0
        return self._next

    def _close(self, descriptor: int) -> None:
        self.open.pop(descriptor, None)
        self._at.pop(descriptor, None)

    def _read(self, descriptor: int, size: int) -> bytes:
        self._enter()
        inode, at = self.open[descriptor], self._at[descriptor]
        assert inode is not None
        chunk = inode.content[at : at + size]
        self._at[descriptor] = at + len(chunk)
        return chunk

    def _write(self, descriptor: int, data: bytes) -> int:
        self._enter(room=True)
        inode = self.open[descriptor]
        assert inode is not None
        part = self.random.randrange(1, len(data) + 1) if self.random.random() < 0.1 else len(data)
        inode.content += data[:part]
        return part

    def _fsync(self, descriptor: int) -> None:
        self._enter()
        inode = self.open[descriptor]
        if inode is not None:
            inode.flushed = inode.content
        else:
            self.flushed, self.changes = dict(self.entries), []

    def _rename(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        self._enter(writes=True)
        if source not in self.entries:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.entries[target] = self.entries.pop(source)
        self.changes.append(("rename", source, target, self.entries[target]))

    def _unlink(self, name: str, *, dir_fd: int) -> None:
        self._enter(writes=True)
        if name not in self.entries:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.changes.append(("unlink", name, "", self.entries.pop(name)))

    def _listdir(self, descriptor: int) -> list[str]:
        self._enter()
        return list(self.entries)

    def _fchmod(self, descriptor: int, mode: int) -> None:
        self._enter()

    def _fstat(self, descriptor: int) -> SimpleNamespace:
        self._enter()
        return SimpleNamespace(st_mode=stat.S_IFREG | 0o600)
