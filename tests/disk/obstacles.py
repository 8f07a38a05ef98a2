"""Whatever may lie in a file's place by accident."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

Make = Callable[[Path], None]


def _folder_with_file(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


def _closed_folder(path: Path) -> None:
    path.mkdir(0o000)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        # The path may be too long for a socket's address.
        before = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)
            listening.bind(path.name)
        finally:
            os.fchdir(before)
            os.close(before)


def _device(path: Path) -> None:
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))


def _closed_file(path: Path) -> None:
    path.write_bytes(b"secret")
    path.chmod(0o000)


def _huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 36)


OBSTACLES: dict[str, Make] = {
    "folder": Path.mkdir,
    "folder with file": _folder_with_file,
    "closed folder": _closed_folder,
    "link to nothing": lambda path: path.symlink_to("nowhere/there"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to a folder": lambda path: path.symlink_to("/usr"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": _pipe,
    "socket": _socket,
    "device": _device,
    "closed file": _closed_file,
    "huge file": _huge_file,
}
