"""`tt-appliance backup FILE`: saves a copy of this box's state."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from appliance.backup.contents import APPLIANCE, STATE, read_passphrase
from appliance.backup.copy_file import CopyError
from appliance.backup.save import save_to_file
from appliance.progress import ProgressBar


def main(path: Path, state: Path = STATE) -> int:
    """Save the copy; return the exit code."""
    if os.geteuid() != 0:
        return _failed("only root may read the pairing; run it as root (sudo)")
    if not (state / APPLIANCE).is_dir():
        return _failed(f"no state to save: {state / APPLIANCE} does not exist")
    bar = ProgressBar(sys.stderr, "saving")
    try:
        complete = save_to_file(
            state, path, read_passphrase(), socket.gethostname(), 1, lambda percent: bar.show(percent / 100)
        )
    except CopyError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"can't write {path}: {error.strerror}")
    finally:
        bar.close()
    if not complete:
        print("saved without the pairing and the SSH host key; backup.secret would protect them", file=sys.stderr)
    return 0


def _failed(why: str) -> int:
    print(f"tt-appliance backup: {why}", file=sys.stderr)
    return 1
