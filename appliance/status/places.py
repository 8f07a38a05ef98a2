"""Where the sockets of an appliance are, and what they understand."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

STATUS, ARCHIVE = "status", "archive"
"""The names of the two sockets: for systemd (FileDescriptorName), and as files with the suffix `.sock`."""
SERVICE = Path("/run/tt-status")
"""The folder of the sockets that systemd holds for the service (ListenStream in systemd/*.socket)."""
TEMPORARY = Path("/tmp")
"""A fixed folder: both programs must find it, and the state directory may be read-only."""
REQUEST = b"fill\n"
"""The only request on the archive's socket. The one for the status takes none."""


def socket_path(folder: Path, name: str) -> Path:
    """The file of a socket in a folder."""
    return folder / f"{name}.sock"


def own_folder(state_dir: Path, uid: int) -> Path:
    """The folder of the sockets that an appliance makes itself. uid: of its user.

    Its name has a fixed length, because a socket's path may have 107 bytes at most.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(state_dir))).hexdigest()[:16]
    return TEMPORARY / f"tt-appliance-{uid}" / digest


def is_own(folder: Path, uid: int) -> bool:
    """Whether a folder is a user's own, and nobody else can change anything in it. Raises OSError."""
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == uid and not stat.S_IMODE(facts.st_mode) & 0o022


def folders(state_dir: Path) -> Iterator[Path]:
    """The folders in which the sockets of the appliance with this state directory may be."""
    users = {0, os.geteuid()}
    # It may not be there yet, or not be ours to see.
    with suppress(OSError):
        users.add(state_dir.stat().st_uid)
    for uid in sorted(users):
        folder = own_folder(state_dir, uid)
        try:
            if is_own(folder.parent, uid) and is_own(folder, uid):
                yield folder
        except OSError:
            continue
    yield SERVICE
