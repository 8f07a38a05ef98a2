"""The bundle that the channel downloads: one file at most, resumed after an interruption, and removed after its use.

It lies beside the updates' state, as `partial` until its SHA-256 was checked, and then as `bundle.raucb`. A note says
which release it is of.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance import atomic_file
from appliance.update.https import FetchError, resume
from appliance.update.index import Release
from appliance.update.places import Places

BUNDLE, PARTIAL, NOTE = "bundle.raucb", "partial", "release.json"
RESERVE = 64 << 20
"""Bytes that stay free on the card for the archive and the pairing."""
_LARGEST_NOTE = 4096


class NoRoomError(Exception):
    """The card has no room for the bundle."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A bundle whose download is complete. system: SHA-256 of its payload."""

    path: Path
    version: str
    sha256: str
    system: str


def downloaded(places: Places) -> Downloaded | None:
    """The bundle that waits to be installed; None if there is none."""
    path = places.channel / BUNDLE
    note = _note(places)
    if not path.is_file() or not note:
        return None
    return Downloaded(path, note["version"], note["sha256"], note["system"])


def discard(places: Places) -> None:
    """Remove the bundle, complete or not. Raises OSError."""
    if places.channel.exists():
        shutil.rmtree(places.channel)


def download(places: Places, release: Release, context: ssl.SSLContext) -> None:
    """Download a bundle, or what is missing of it. What is there of another one is removed.

    Raises:
        FetchError: The server sent something else, or not all of it; the next call goes on.
        NoRoomError: The card is too full.
        OSError: The server can't be reached, or the card not written.
    """
    note = _note(places)
    if note.get("sha256") != release.sha256:
        discard(places)
        note = {}
    if downloaded(places) is not None:
        return
    places.channel.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = places.channel / PARTIAL
    with partial.open("ab+") as file:
        if release.size - file.tell() + RESERVE > _free(places):
            file.close()
            discard(places)
            raise NoRoomError(f"{release.version} needs {release.size >> 20} MB")
        if file.tell() < release.size:
            # Closed, so that its connection is, too, after an error of the card.
            with closing(resume(release.url, context, file, release.size, note.get("etag", ""))) as answers:
                for answer in answers:
                    _write_note(places, release, answer.etag)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != release.sha256:
        discard(places)
        raise FetchError("the bundle is not the one of the index")
    with atomic_file.open_directory(places.channel) as folder:
        os.rename(PARTIAL, BUNDLE, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)


def _write_note(places: Places, release: Release, etag: str) -> None:
    note = asdict(release) | {"etag": etag[:100]}
    with atomic_file.open_directory(places.channel) as folder:
        atomic_file.write(folder, NOTE, json.dumps(note).encode())


def _note(places: Places) -> dict[str, str]:
    """The note's texts; empty if there is none, or a damaged one."""
    try:
        with atomic_file.open_directory(places.channel) as folder:
            content = json.loads(atomic_file.read(folder, NOTE, _LARGEST_NOTE))
        texts = {name: content[name] for name in ("version", "sha256", "system", "etag")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return texts if all(isinstance(text, str) for text in texts.values()) else {}


def _free(places: Places) -> int:
    """Free bytes on the card."""
    facts = os.statvfs(places.channel)
    return facts.f_bavail * facts.f_frsize
