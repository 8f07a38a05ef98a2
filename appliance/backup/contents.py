"""The parts of a copy, and where they belong in a box's state."""

from __future__ import annotations

from pathlib import Path

from appliance import atomic_file
from appliance.display_file import NAME as DISPLAY
from appliance.history.schema import FILE as ARCHIVE
from appliance.store import CURRENT, PENDING

STATE = Path("/var/lib")
"""The state partition."""
APPLIANCE, SSH = "tt-appliance", "ssh"
"""Its folders: of the appliance's user, and of root."""
TOKENS = (f"{APPLIANCE}/{CURRENT}", f"{APPLIANCE}/{PENDING}")
PLAIN = {ARCHIVE: f"{APPLIANCE}/{ARCHIVE}", DISPLAY: f"{APPLIANCE}/{DISPLAY}"}
"""The parts that anybody may read: each part's name, and its file in the state."""
SECRET = (*TOKENS, f"{SSH}/ssh_host_ed25519_key", f"{SSH}/ssh_host_ed25519_key.pub")
"""The files that are in the encrypted part, or not in the copy at all."""
SECRETS = "secrets"
"""The name of that part."""
LARGEST_SECRET = 64 * 1024
"""Bytes of a file; token files have at most a few hundred."""
RESTORED = "tt-restore"
"""The folder of a restored copy that waits for image/root/usr/lib/tt-appliance/restored-state to move its files."""
NO_MORE_RESTORE = "tt-no-restore"
"""The file that ends the first start: from then on, a stick that is still plugged in restores nothing."""
RESET = "tt-reset"
"""The file that makes the next start erase the state (image/root/usr/lib/tt-appliance/state)."""
PASSPHRASE = Path("/run/tt-box/backup-secret")
"""The setting `backup.secret`, which tt-box.service writes for root alone."""
LARGEST_PASSPHRASE = 1024
"""Bytes of that file."""


def paired(state: Path) -> bool:
    """Whether the state has a token, proven or not."""
    return any((state / token).exists() for token in TOKENS)


def read_passphrase(path: Path = PASSPHRASE) -> str | None:
    """The passphrase of the settings; None without one. Raises OSError."""
    try:
        with atomic_file.open_directory(path.parent) as folder:
            return atomic_file.read(folder, path.name, LARGEST_PASSPHRASE).decode() or None
    except FileNotFoundError:
        return None
