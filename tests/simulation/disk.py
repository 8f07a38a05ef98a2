"""A simulated flash card for the store's system calls; it guarantees no more than POSIX does.

Owns the outcome of a power cut: flushed data survives, and any part of the rest. The disk can be full, read-only,
failing or slow, and the power can fail between any two calls.
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
    """The power failed during a system call; the call had no effect."""


@dataclass
class Inode:
    """A file's flushed and current content."""

    flushed: bytes = b""
    content: bytes = b""


@dataclass
class Disk:
    """One directory. failing: share of calls that fail. power_cut_after: number of calls until a power cut."""

    random: Random
    entries: dict[str, Inode] = field(default_factory=dict)
    flushed: dict[str, Inode] = field(default_factory=dict)
    changes: list[tuple[str, str, str, Inode]] = field(default_factory=list)
    """Unflushed changes of the directory: operation, name, other name and file."""
    full: bool = False
    read_only: bool = False
    failing: float = 0.0
    power_cut_after: int | None = None
    calls: int = 0
    failed: int = 0
    open: dict[int, Inode | None] = field(default_factory=dict)
    _last_descriptor: int = 100
    _offsets: dict[int, int] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        return not (self.full or self.read_only or self.failing)

    def power_cut(self) -> None:
        """Choose a state that a power cut may leave."""
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
        """The process has ended, so its files are closed."""
        self.open.clear()
        self.power_cut_after = None

    # The system calls, with the signatures of module os.

    def module(self) -> SimpleNamespace:
        """A replacement for module os."""
        names = ("open", "close", "read", "write", "fsync", "rename", "unlink", "listdir", "fchmod", "fstat")
        calls = {name: getattr(self, f"_{name}") for name in names}
        flags = {name: value for name, value in vars(os).items() if name.startswith("O_")}
        return SimpleNamespace(**calls, **flags)

    def _begin_call(self, *, writes: bool = False, room: bool = False) -> None:
        self.calls += 1
        if self.power_cut_after is not None:
            self.power_cut_after -= 1
            if self.power_cut_after < 0:
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
        self._begin_call(writes=bool(flags & os.O_CREAT), room=bool(flags & os.O_CREAT))
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
        self._last_descriptor += 1
        self.open[self._last_descriptor] = inode
        self._offsets[self._last_descriptor] = 0
        return self._last_descriptor

    def _close(self, descriptor: int) -> None:
        self.open.pop(descriptor, None)
        self._offsets.pop(descriptor, None)

    def _read(self, descriptor: int, size: int) -> bytes:
        self._begin_call()
        inode, at = self.open[descriptor], self._offsets[descriptor]
        assert inode is not None
        chunk = inode.content[at : at + size]
        self._offsets[descriptor] = at + len(chunk)
        return chunk

    def _write(self, descriptor: int, data: bytes) -> int:
        self._begin_call(room=True)
        inode = self.open[descriptor]
        assert inode is not None
        part = self.random.randrange(1, len(data) + 1) if self.random.random() < 0.1 else len(data)
        inode.content += data[:part]
        return part

    def _fsync(self, descriptor: int) -> None:
        self._begin_call()
        inode = self.open[descriptor]
        if inode is not None:
            inode.flushed = inode.content
        else:
            self.flushed, self.changes = dict(self.entries), []

    def _rename(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        self._begin_call(writes=True)
        if source not in self.entries:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.entries[target] = self.entries.pop(source)
        self.changes.append(("rename", source, target, self.entries[target]))

    def _unlink(self, name: str, *, dir_fd: int) -> None:
        self._begin_call(writes=True)
        if name not in self.entries:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.changes.append(("unlink", name, "", self.entries.pop(name)))

    def _listdir(self, descriptor: int) -> list[str]:
        self._begin_call()
        return list(self.entries)

    def _fchmod(self, descriptor: int, mode: int) -> None:
        self._begin_call()

    def _fstat(self, descriptor: int) -> SimpleNamespace:
        self._begin_call()
        return SimpleNamespace(st_mode=stat.S_IFREG | 0o600)
