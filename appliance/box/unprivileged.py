"""Runs a function in a child process without privileges, because the function parses foreign input.

A fork, and not a second program: starting Python again would delay the network by seconds on the slowest board.
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import time
from collections.abc import Callable

USER = "tt-settings"
"""The user that the child becomes if the caller is root; nothing else runs as it. sysusers.d creates it."""

_CHUNK = 64 * 1024


class ChildFailed(Exception):
    """The child gave no answer. The text says why, without anything that the child sent."""


def run_unprivileged(work: Callable[[], bytes], most: int, seconds: float) -> bytes:
    """Return the answer of `work`, of at most so many bytes, given within so many seconds. Don't trust the answer.

    Call it from a process with one thread. An unprivileged caller's child keeps the caller's user.

    Raises:
        ChildFailed: `work` raised an exception or crashed, or the answer is too large or late.
        OSError: No child could be started.
    """
    user = pwd.getpwnam(USER) if os.geteuid() == 0 else None
    answer, child_end = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(work, child_end, user)
    os.close(child_end)
    try:
        data = _read(answer, most, time.monotonic() + seconds)
    finally:
        os.close(answer)
        # A child that has not ended by itself would not end at all.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not data:
        raise ChildFailed("reading it failed")
    return data


def _be_the_child(work: Callable[[], bytes], child_end: int, user: pwd.struct_passwd | None) -> None:
    """Send the answer; never returns. Keeps no descriptor but the pipe's, not even standard error."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.dup2(child_end, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        if user is not None:
            # With its last root identity, the process loses all of its capabilities.
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        data = work()
        while data:
            data = data[os.write(3, data) :]
    finally:
        # Even after an exception: nothing of the parent's code may run in the child.
        os._exit(0)


def _read(answer: int, most: int, end: float) -> bytes:
    data = b""
    while True:
        ready, _, _ = select.select([answer], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise ChildFailed("reading it took too long")
        chunk = os.read(answer, _CHUNK)
        if not chunk:
            return data
        data += chunk
        if len(data) > most:
            raise ChildFailed("reading it gave too much")
