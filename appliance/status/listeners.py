"""The two listening sockets of a running appliance: those from systemd, or its own."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from appliance import systemd
from appliance.status.places import ARCHIVE, STATUS, is_own, own_folder, socket_path

BACKLOG = 64
"""Connections that wait to be accepted, for a second or two at most (systemd/*.socket has the same)."""

log = logging.getLogger("appliance")


@contextmanager
def listening(state_dir: Path) -> Iterator[Mapping[str, socket.socket]]:
    """The sockets by name, while the block runs; without any, if they can't be made. Blocks for some milliseconds."""
    with ExitStack() as stack:
        handed = systemd.handed_sockets()
        sockets = {name: stack.enter_context(handed[name]) for name in (STATUS, ARCHIVE) if name in handed}
        if not sockets:
            try:
                sockets = stack.enter_context(_own_sockets(own_folder(state_dir, os.geteuid())))
            except BlockingIOError:
                log.warning("Another appliance with the state directory %s is running; it has the status", state_dir)
            except OSError as error:
                log.info("tt-appliance status is not available: %s: %s", error.filename, error.strerror)
        for each in sockets.values():
            each.setblocking(False)
        yield sockets


@contextmanager
def _own_sockets(folder: Path) -> Iterator[dict[str, socket.socket]]:
    """Sockets in a folder of one's own. Raises OSError: BlockingIOError if another process has it."""
    with ExitStack() as stack:
        # Others may see whether an appliance runs, to tell that they may not ask it.
        _make_own(folder.parent, 0o711)
        descriptor = _locked(folder)
        stack.callback(os.close, descriptor)
        # Whoever left them was killed: the lock is free.
        sockets = {}
        for name in (STATUS, ARCHIVE):
            path = socket_path(folder, name)
            path.unlink(missing_ok=True)
            sockets[name] = each = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            each.bind(str(path))
            each.listen(BACKLOG)
        try:
            yield sockets
        finally:
            with suppress(OSError):
                for name in sockets:
                    socket_path(folder, name).unlink()
                folder.rmdir()


def _locked(folder: Path) -> int:
    """Make a folder, and lock it until the descriptor is closed or the process ends. Raises OSError."""
    while True:
        _make_own(folder, 0o700)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), folder.stat()):
                    return descriptor
        except OSError:
            os.close(descriptor)
            raise
        # Another process removed it meanwhile, as it ended.
        os.close(descriptor)


def _make_own(folder: Path, mode: int) -> None:
    """Make a folder that this user alone can change. Raises OSError, also if it is somebody else's."""
    with suppress(FileExistsError):
        folder.mkdir(mode)
        # Whatever the umask.
        folder.chmod(mode)
    if not is_own(folder, os.geteuid()):
        raise PermissionError(1, "it belongs to somebody else", str(folder))
