"""Disk operations, each in a child process in which strace makes the nth call of one system call fail.

`token` replaces the proven token with NEW; `archive` writes the next batch. The child exits with 0 on success, and
with 75 when it reports the failure as it should. Python starts much more slowly than an operation, so one process
imports everything and forks a child for each operation, and strace attaches to that child.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.child_process import ChildProcess
from tests.disk.syscall_trace import ROOT, TRACED

REPORTED = 75
FILES = {
    "token": ("token.json", "token.json.new"),
    "archive": ("history.sqlite3", "history.sqlite3-journal"),
}
_NAME = re.compile(r"^(?:\d+ +)?(\w+)\(")
MAKES = {"openat", "mkdir", "rename", "renameat", "renameat2"}
WRITES = {"write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate"}
CHANGES = {"unlink", "unlinkat", "fchmod", "chmod", "fchown"}


PR_SET_PTRACER, ANY_PROCESS = 0x59616D61, -1


def errors_of(call: str) -> list[int]:
    """Which of ENOSPC, EROFS and EIO a call of this name can fail with (its manual in section 2)."""
    full = call in MAKES | WRITES
    read_only = call in MAKES | CHANGES
    return [errno.EIO, *([errno.ENOSPC] if full else []), *([errno.EROFS] if read_only else [])]


class Changer:
    """Makes a change in one child after another, each under strace. work: `token` or `archive`."""

    def __init__(self, work: str, requests: IO[str], replies: IO[str]) -> None:
        self._files = FILES[work]
        self._requests = requests
        self._replies = replies

    def calls(self, directory: Path) -> Counter[str]:
        """Count the system calls of each name that a successful change makes on its files."""
        log = directory.parent / "calls.log"
        code = self._run(directory, TRACED, log)
        assert code == 0, f"code {code}"
        names = [found[1] for line in log.read_text().splitlines() if (found := _NAME.match(line))]
        # The kernel closes a descriptor even when its close fails, and no program checks for that failure.
        return Counter(name for name in names if name != "close")

    def fail(self, directory: Path, call: str, nth: int, code: int) -> int:
        """Make the change while the nth call of this name fails; return the child's exit code.

        Raises AssertionError.
        """
        log = directory.parent / "injected.log"
        inject = f"{call}:error={errno.errorcode[code]}:when={nth}"
        ended = self._run(directory, call, log, "-e", f"inject={inject}")
        assert "(INJECTED)" in log.read_text(), f"the change did not reach {inject}"
        assert ended in (0, REPORTED), f"{inject}: code {ended}"
        return ended

    def _run(self, directory: Path, traced: str, log: Path, *more: str) -> int:
        child = self._ask(str(directory))
        paths = [
            part for path in (directory, *(directory / name for name in self._files)) for part in ("-P", str(path))
        ]
        trace = ["strace", "-p", child, "-e", f"trace={traced}", *more, *paths, "-o", str(log)]
        with ChildProcess(trace, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            # From this line on the child can't run without strace.
            attached = strace.stderr.readline()
            assert "attached" in attached, attached
            return int(self._ask("go"))

    def _ask(self, line: str) -> str:
        self._requests.write(f"{line}\n")
        self._requests.flush()
        return self._replies.readline().rstrip("\n")


@contextmanager
def changer(work: str) -> Iterator[Changer]:
    """Start the forking process, and end it afterwards."""
    command = [sys.executable, "-m", "tests.disk.fault_injection", work]
    with ChildProcess(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Changer(work, process.stdin, process.stdout)
        process.stdin.close()


def _fork_children(change: Callable[[Path], int]) -> None:
    """Serve a Changer: for each directory on a line of the input, print a child's pid and then its exit code."""
    while directory := sys.stdin.readline().rstrip("\n"):
        if (child := os.fork()) == 0:
            code = 1
            try:
                code = _change_once_traced(change, Path(directory))
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _change_once_traced(change: Callable[[Path], int], directory: Path) -> int:
    # strace is not an ancestor of this process, so Yama may forbid it to attach without this.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY_PROCESS), 0, 0, 0)
    sys.stdin.readline()
    try:
        return change(directory)
    except Exception:
        traceback.print_exc()
        raise


def _change(work: str) -> Callable[[Path], int]:
    """The change as a function, after all imports."""
    if work == "token":
        from appliance.store import TokenStore
        from tests.disk.store_operations import NEW

        def token(directory: Path) -> int:
            try:
                TokenStore(directory).store(NEW)
            except OSError as error:
                return 1 if NEW.token.reveal() in repr(error) else REPORTED
            return 0

        return token
    from appliance.history.archive import Archive
    from appliance.history.schema import ArchiveError
    from tests.disk.archive_batches import GATEWAY, archive_batch

    def archive(directory: Path) -> int:
        archive = Archive(directory)
        try:
            archive_batch(archive, int(archive.progress(GATEWAY).read_to or 0) + 1)
        except ArchiveError:
            return REPORTED
        return 0

    return archive


if __name__ == "__main__":
    _fork_children(_change(sys.argv[1]))
