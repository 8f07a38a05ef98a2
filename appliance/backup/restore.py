"""Restores a copy on a box that is not paired: checks it as a whole, and only then lets it replace anything.

The files wait in a folder of the state until the appliance starts again; then the image's script `restored-state` moves
them. A power cut before the folder has its final name leaves the old state. After that, the next start completes it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from appliance import atomic_file
from appliance.backup.contents import (
    APPLIANCE,
    NO_MORE_RESTORE,
    PLAIN,
    RESTORED,
    SECRET,
    SECRETS,
    paired,
)
from appliance.backup.copy_file import CopyError, Index, check, read_part
from appliance.backup.encryption import WrongPassphraseError, decrypt
from appliance.backup.save import OnPercent, names
from appliance.core.backups import BackupReason

LARGEST_SECRETS = 1024 * 1024
"""Bytes of the encrypted part."""


def choose(folder: Path, box: str) -> Path | None:
    """The box's newest copy on a stick, or else the only one of another box; None if there is no file of a copy.

    Raises:
        CopyError: All are damaged, or there are copies of several boxes and none of this one.
        OSError: The stick can't be read.
    """
    found: dict[Path, Index] = {}
    failed: CopyError | None = None
    for path in sorted(folder.glob("*.copy-[12].zip")):
        try:
            found[path] = check(path)
        except CopyError as error:
            failed = error
    own = [path for path in names(folder, box) if path in found]
    if not own and len({index.box for index in found.values()}) > 1:
        raise CopyError(BackupReason.SEVERAL_COPIES, "the stick has copies of several boxes, and none of this one")
    if not found and failed is not None:
        raise failed
    return max(own or found, key=lambda path: found[path].number, default=None)


def stage(state: Path, copy: Path, passphrase: str | None, on_percent: OnPercent = lambda _: None) -> bool:
    """Check a copy, and put its files into the folder that the next start of the appliance moves them from.

    Returns whether they include the pairing.

    Raises:
        CopyError: Nothing was changed.
        OSError: The copy or the state can't be read or written; nothing was changed.
    """
    index = check(copy)
    new, final = state / f"{RESTORED}.new", state / RESTORED
    shutil.rmtree(new, ignore_errors=True)
    try:
        secrets = _secrets(copy, index, passphrase)
        total, done = max(1, sum(part.size for name, part in index.parts.items() if name in PLAIN)), 0
        for name, place in PLAIN.items():
            if name in index.parts:
                with _created(new / place) as file:
                    for chunk in read_part(copy, name, index):
                        file.write(chunk)
                        done += len(chunk)
                        on_percent(done * 100 // total)
        for place, content in secrets.items():
            with _created(new / place) as file:
                file.write(content)
        new.mkdir(0o700, exist_ok=True)
        for folder in (*(path for path in new.iterdir()), new):
            _flush_folder(folder)
        shutil.rmtree(final, ignore_errors=True)
        new.rename(final)
        _flush_folder(state)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return any(place.startswith(APPLIANCE) for place in secrets)


def end_first_start(state: Path) -> None:
    """From now on, a stick that is plugged in restores nothing by itself. Raises OSError."""
    (state / NO_MORE_RESTORE).touch(0o600)
    _flush_folder(state)


def is_first_start(state: Path) -> bool:
    """Whether a copy on a stick may be restored without a person's request."""
    return not paired(state) and not (state / NO_MORE_RESTORE).exists()


def _secrets(copy: Path, index: Index, passphrase: str | None) -> dict[str, bytes]:
    """The secret files by their places; none without the right passphrase. Raises CopyError."""
    if passphrase is None or SECRETS not in index.parts or index.parts[SECRETS].size > LARGEST_SECRETS:
        return {}
    data = b"".join(read_part(copy, SECRETS, index))
    try:
        content = json.loads(decrypt(data, passphrase))
    except WrongPassphraseError:
        return {}
    return {place: content[place].encode("latin-1") for place in SECRET if place in content}


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """A new file that is flushed at the end of the block."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        yield file
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    with atomic_file.open_directory(path) as folder:
        os.fsync(folder)
