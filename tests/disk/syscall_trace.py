"""A call to the token store in its own process, and its system calls as strace recorded them."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.disk.power_cut_model import Call
from tests.disk.store_operations import CHANGES

ROOT = Path(__file__).parents[2]
TRACED = "file,desc"
"""Every call with a name or a descriptor, so that the trace misses no change of the disk."""
_LINE = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+|\?)(?:<.*>)?(?: .*)?$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"^\d+<(?P<path>(?:\\x[0-9a-f]{2})*)>")
_READ_ONLY = {"execve", "read", "close", "fstat", "newfstatat", "statx", "getdents64", "lseek", "fcntl", "ioctl"}
_MODES = {"fchmod", "chmod"}
"""These change no content: they only restore permissions that a umask removed."""


@functools.cache
def missing() -> str | None:
    """The reason why this machine can't record, or None."""
    if shutil.which("strace") is None:
        return "not installed: strace"
    done = subprocess.run(["strace", "-f", "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"strace can't trace here: {done.stderr.strip()}"


def record(change: str, directory: Path) -> list[Call]:
    """Make a change of CHANGES in a prepared directory; return the calls that changed the disk.

    Raises:
        AssertionError: It failed, or made a call that this module does not know.
    """
    log = directory.parent / "strace.log"
    command = ["strace", "-f", "--seccomp-bpf", "-xx", "-y", "-s", "1000000", "-e", f"trace={TRACED}", "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, "-m", "tests.disk.syscall_trace", change, str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [call for line in log.read_text().splitlines() if (call := _call(line, directory)) is not None]


def _call(line: str, directory: Path) -> Call | None:
    """The call of a line, or None if it failed, changes nothing, or is outside the directory."""
    found = _LINE.match(line)
    if found is None or found["result"].startswith("-") or found["result"] == "?":
        return None
    name, rest = found["name"], found["rest"]
    place = _DESCRIPTOR.match(rest)
    path = Path(_text(place["path"])) if place else None
    texts = [_text(text) for text in _TEXT.findall(rest)]
    if path == directory:
        match name:
            case "openat":
                # Opened relative to the directory's descriptor; its flags decide.
                return Call("create", texts[0]) if "O_CREAT" in rest else None
            case "unlinkat":
                return Call("unlink", texts[0])
            case "renameat" | "renameat2":
                return Call("rename", texts[0], target=texts[1])
            case "fsync":
                return Call("flush")
    elif path is not None and path.parent == directory:
        match name:
            case "write":
                data = bytes.fromhex(_TEXT.findall(rest)[-1].replace("\\x", ""))
                return Call("write", path.name, data[: int(found["result"])])
            case "fsync":
                return Call("fsync", path.name)
    elif not any(text.startswith(str(directory)) for text in texts) or (
        name in ("openat", "open") and "O_CREAT" not in rest
    ):
        return None
    assert name in _READ_ONLY | _MODES, f"unknown effect: {line}"
    return None


def _text(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal.replace("\\x", "")).decode(errors="replace")


if __name__ == "__main__":
    from appliance.store import TokenStore

    CHANGES[sys.argv[1]].call(TokenStore(Path(sys.argv[2])))
