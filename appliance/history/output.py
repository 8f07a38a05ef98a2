"""Where a report goes: to the standard output, or into a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def lines_to(path: Path | None) -> Iterator[TextIO]:
    """Text for a file, or for the standard output where none is named. Raises OSError."""
    if path is not None:
        with whole(path) as new, new.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "the standard output")
    # Whatever a name holds, it is no reason to tell nothing.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    yield sys.stdout
    sys.stdout.flush()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what is to be at `path` once it is complete. Raises OSError, which names the path."""
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe takes what comes; a file in its place would do harm.
            yield path
            return
        there = path.resolve()
        new = there.with_name(f".{there.name}.new")
        try:
            yield new
            new.replace(there)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
