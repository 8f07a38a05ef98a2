"""Standard input, output and error that no closed descriptor, full disk or narrow encoding turns into a traceback.

`prepare` is called once, when the process starts. Afterwards a failed write to standard output raises OutputError once
and is remembered in `failure`, so that the exit code shows it wherever the error was caught; standard error drops what
it can't write.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

STDIN, STDOUT, STDERR = 0, 1, 2


class OutputError(OSError):
    """Standard output can't be written."""


class _Descriptor(io.FileIO):
    """A descriptor for writing. After its first error it discards everything: a retry would only fail again."""

    def __init__(self, descriptor: int, *, raises: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure: OutputError | None = None
        self._raises = raises

    def write(self, data: Buffer, /) -> int:
        """Write bytes. Raises OutputError, the first time only."""
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = OutputError(error.errno, error.strerror, "standard output")
                if self._raises:
                    raise self.failure from None
        return memoryview(data).nbytes


_stdout: _Descriptor | None = None


def prepare() -> None:
    """Replace Python's standard streams. The panels, which use the bare descriptors, profit from it too."""
    global _stdout
    # A file that is opened later would get the number of a closed descriptor, and output would be written into it. The
    # null device takes its place, opened for reading only where a lost write must be reported.
    for descriptor, mode in ((STDIN, os.O_RDONLY), (STDOUT, os.O_RDONLY), (STDERR, os.O_WRONLY)):
        _occupy(descriptor, mode)
    if sys.stdin is None:
        sys.stdin = open(STDIN, closefd=False)  # noqa: SIM115 - open as long as the process
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    _stdout = _Descriptor(STDOUT, raises=True)
    sys.stdout = _text(_stdout, sys.stdout)
    sys.stderr = _text(_Descriptor(STDERR, raises=False), sys.stderr)
    # Python's own is written through: a message must not wait for the end of the program.
    sys.stderr.reconfigure(line_buffering=True)


def flush() -> OutputError | None:
    """Write what is buffered; the first error of standard output since `prepare`, if there was one."""
    try:
        sys.stdout.flush()
    except OutputError as error:
        return error
    return None if _stdout is None else _stdout.failure


def _occupy(descriptor: int, mode: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, mode)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)
        os.set_inheritable(descriptor, True)


def _text(raw: _Descriptor, old: TextIO | None) -> io.TextIOWrapper:
    """A text stream like the old one, in which characters that the terminal lacks become question marks."""
    encoding, errors, line_buffering = "utf-8", "replace", raw.isatty()
    if isinstance(old, io.TextIOWrapper):
        old.flush()
        encoding, line_buffering = old.encoding, old.line_buffering
        if old.errors not in ("strict", "surrogateescape"):
            errors = old.errors or errors
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=line_buffering)
