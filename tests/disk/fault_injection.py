"""A change of the disk in a process of its own, whose nth system call of a name strace has the kernel fail.

`token` makes NEW the token that is proven; `archive` does the next filling. The process ends with 0 where it succeeded
and with 75 where it told the failure as it should.
"""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.disk.syscall_trace import ROOT, TRACED

TOLD = 75
FILES = {
    "token": ("token.json", "token.json.new"),
    "archive": ("history.sqlite3", "history.sqlite3-journal"),
}
_NAME = re.compile(r"^(?:\d+ +)?(\w+)\(")
MAKES = {"openat", "mkdir", "rename", "renameat", "renameat2"}
WRITES = {"write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate"}
CHANGES = {"unlink", "unlinkat", "fchmod", "chmod", "fchown"}


def errors_of(call: str) -> list[int]:
    """Of ENOSPC, EROFS and EIO those that a call of this name can end with (its manual page in section 2)."""
    full = call in MAKES | WRITES
    read_only = call in MAKES | CHANGES
    return [errno.EIO, *([errno.ENOSPC] if full else []), *([errno.EROFS] if read_only else [])]


def calls_of(work: str, directory: Path) -> Counter[str]:
    """How many system calls of each name the work makes on its files, when all goes well."""
    log = directory.parent / "calls.log"
    done = _run(work, directory, TRACED, log)
    assert done.returncode == 0, done.stderr
    names = [found[1] for line in log.read_text().splitlines() if (found := _NAME.match(line))]
    # The close of a descriptor that failed is closed all the same, and nobody asks for what became of it.
    return Counter(name for name in names if name not in ("close", "execve"))


def run_with(work: str, directory: Path, call: str, nth: int, code: int) -> int:
    """Do it while the nth call of this name fails; gives the process's exit code. Raises AssertionError."""
    log = directory.parent / "injected.log"
    inject = f"{call}:error={errno.errorcode[code]}:when={nth}"
    done = _run(work, directory, call, log, "-e", f"inject={inject}")
    assert "(INJECTED)" in log.read_text(), f"{inject} was not met"
    assert done.returncode in (0, TOLD), f"{inject}: {done.stderr}"
    return done.returncode


def _run(work: str, directory: Path, traced: str, log: Path, *more: str) -> subprocess.CompletedProcess[str]:
    paths = [part for path in (directory, *(directory / name for name in FILES[work])) for part in ("-P", str(path))]
    trace = ["strace", "-f", "--seccomp-bpf", "-e", f"trace={traced}", *more, *paths, "-o", str(log)]
    child = [sys.executable, "-m", "tests.disk.fault_injection", work, str(directory)]
    return subprocess.run([*trace, *child], cwd=ROOT, capture_output=True, text=True, check=False)


def _work(work: str, directory: Path) -> int:
    if work == "token":
        from appliance.store import TokenStore
        from tests.disk.store_operations import NEW

        try:
            TokenStore(directory).store(NEW)
        except OSError as error:
            return 1 if NEW.token.reveal() in repr(error) else TOLD
        return 0
    from appliance.history.archive import Archive
    from appliance.history.schema import ArchiveError
    from tests.disk.archive_batches import GATEWAY, fill

    archive = Archive(directory)
    try:
        fill(archive, int(archive.progress(GATEWAY).read_to or 0) + 1)
    except ArchiveError:
        return TOLD
    return 0


if __name__ == "__main__":
    sys.exit(_work(sys.argv[1], Path(sys.argv[2])))
