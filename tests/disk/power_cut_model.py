"""The possible states of a disk after a power cut during system calls, by the guarantees of POSIX alone.

Unflushed data of a file may be complete, cut at any byte, zeros or missing. Unflushed changes of the directory may be
applied in any combination: flushing a file does not flush its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Leftover = Mapping[str, bytes]
"""A directory after the cut: names and contents."""


@dataclass(frozen=True, slots=True)
class Call:
    """A successful system call in one directory.

    what: `create`, `write`, `fsync`, `rename`, `unlink`, or `flush` for the directory's own fsync. target: a rename's.
    """

    what: str
    name: str = ""
    data: bytes = b""
    target: str = ""


@dataclass
class Inode:
    """A file: its flushed content, and the writes since."""

    flushed: bytes = b""
    written: list[bytes] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        """The whole content."""
        return self.flushed + b"".join(self.written)

    def may_be(self) -> set[bytes]:
        """Its possible contents after a cut."""
        now = self.content
        lengths = range(len(self.flushed), len(now) + 1)
        torn = {now[:length] for length in lengths} | {self.flushed + bytes(length) for length in (1, len(now))}
        # A later write may survive without the earlier ones.
        holes = {
            self.flushed
            + b"".join(one if kept else bytes(len(one)) for one, kept in zip(self.written, keep, strict=True))
            for keep in itertools.product((False, True), repeat=len(self.written))
        }
        return (torn | holes) if self.written else {now}


class Disk:
    """One directory with these flushed files. files_are_flushed: False for a card that ignores fsync."""

    def __init__(self, files: Leftover, *, files_are_flushed: bool = True) -> None:
        self.entries = {name: Inode(content) for name, content in files.items()}
        self._flushed = dict(self.entries)
        self._changes: list[tuple[str, str, str, Inode]] = []
        self._files_are_flushed = files_are_flushed

    def do(self, call: Call) -> None:
        """Apply a call."""
        match call.what:
            case "create":
                self.entries[call.name] = Inode()
                self._changes.append(("link", call.name, "", self.entries[call.name]))
            case "write":
                self.entries[call.name].written.append(call.data)
            case "fsync":
                inode = self.entries[call.name]
                if self._files_are_flushed:
                    inode.flushed, inode.written = inode.content, []
            case "rename":
                inode = self.entries[call.target] = self.entries.pop(call.name)
                self._changes.append(("rename", call.name, call.target, inode))
            case "unlink":
                self._changes.append(("unlink", call.name, "", self.entries.pop(call.name)))
            case "flush":
                self._flushed, self._changes = dict(self.entries), []
            case _:
                raise AssertionError(f"the model does not know the effect of {call}")

    def now(self) -> Leftover:
        """The contents while the power is on."""
        return {name: inode.content for name, inode in self.entries.items()}

    def after_a_cut(self) -> Iterator[Leftover]:
        """The possible directories after a cut at this moment, with repetitions."""
        for number in range(len(self._changes) + 1):
            for changes in itertools.permutations(self._changes, number):
                entries = dict(self._flushed)
                for what, name, target, inode in changes:
                    if what != "link":
                        entries.pop(name, None)
                    if what != "unlink":
                        entries[target or name] = inode
                contents = [inode.may_be() for inode in entries.values()]
                for choice in itertools.product(*contents):
                    yield dict(zip(entries, choice, strict=True))


def leftovers(disk: Disk, calls: list[Call]) -> list[Leftover]:
    """The possible directories after a cut before, between or after these calls: each once, the final ones last."""
    found: dict[tuple[tuple[str, bytes], ...], Leftover] = {}
    for call in (None, *calls):
        if call is not None:
            disk.do(call)
        for leftover in disk.after_a_cut():
            found.setdefault(tuple(sorted(leftover.items())), leftover)
    return list(found.values())
