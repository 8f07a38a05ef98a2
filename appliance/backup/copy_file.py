"""The file that holds a copy of a box's state: a ZIP archive that a PC opens, too.

It has the parts, compressed, and at its end `copy.json`: the format's version, the copy's number (a box has no clock
that dates it), the box's name, and the size and SHA-256 of each part. Nothing in the file is trusted before it is
checked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.core.backups import BackupReason

FORMAT = 1
"""Programs read the formats up to their own. Raise it if an older program would restore a copy wrongly."""
INDEX = "copy.json"
LARGEST_INDEX = 64 * 1024
LARGEST_PART = 4 * 1024**3
"""Bytes; `history.size` allows no larger archive."""
CHUNK = 1024 * 1024
"""Bytes per write: a stick that is mounted with `sync` writes its tables after each."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    KeyError,
    TypeError,
    AttributeError,
)
"""What zipfile and json raise for damaged or foreign files."""

OnProgress = Callable[[int], None]
"""Called with bytes done, of all parts together."""


class CopyError(Exception):
    """A copy could not be saved or restored, and nothing was changed. `reason` says why; the text is for the log."""

    def __init__(self, reason: BackupReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checked:
    """A part's size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Index:
    """What `copy.json` says. number: 1 for a box's first copy. box: the box's host name."""

    number: int
    box: str
    version: str
    parts: Mapping[str, Checked]


def write_copy(
    path: Path, parts: Mapping[str, BinaryIO], number: int, box: str, version: str, on_progress: OnProgress
) -> None:
    """Write a new file, flush it to its disk, and read it back.

    Raises:
        OSError: The disk failed or is full; the incomplete file is removed if possible.
        CopyError: The disk returned something else than was written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            stream = _Stream(file)
            done = 0
            checked: dict[str, Checked] = {}
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, part in parts.items():
                    hashed, size = hashlib.sha256(), 0
                    # ZipInfo's own date, because the clock may be wrong.
                    with archive.open(_entry(name), "w", force_zip64=True) as entry:
                        while chunk := part.read(CHUNK):
                            entry.write(chunk)
                            hashed.update(chunk)
                            size += len(chunk)
                            on_progress(done + size)
                    done += size
                    checked[name] = Checked(size, hashed.hexdigest())
                archive.writestr(_entry(INDEX), _index_json(Index(number, box, version, checked)))
            stream.flush()
            file.flush()
            os.fsync(file.fileno())
            # Drop what is cached: the next read comes from the disk.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if _hash_of(path) != stream.sha256():
            raise CopyError(BackupReason.STICK_FAILED, f"{path.name}: read back wrongly")
        _flush_folder(path.parent)
    except (OSError, CopyError):
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def read_index(path: Path) -> Index:
    """What a copy says about itself; the parts are not checked. Raises CopyError, and OSError if it can't be read."""
    with _opened(path) as archive:
        return _index_of(archive, path.name)


def check(path: Path) -> Index:
    """Read all of a copy, and check each part. Raises like read_index()."""
    with _opened(path) as archive:
        index = _index_of(archive, path.name)
        for name in index.parts:
            for _ in _chunks(archive, name, index.parts[name]):
                pass
        return index


def read_part(path: Path, name: str, index: Index) -> Iterator[bytes]:
    """Yield a part's bytes. They are not to be used before the last one has come. Raises like read_index()."""
    with _opened(path) as archive:
        yield from _chunks(archive, name, index.parts[name])


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            yield archive
    except _UNREADABLE as error:
        # Without the text, which may quote the file.
        raise CopyError(BackupReason.DAMAGED, f"{path.name} is damaged ({type(error).__name__})") from None


def _index_of(archive: zipfile.ZipFile, file: str) -> Index:
    with archive.open(INDEX) as entry:
        data = entry.read(LARGEST_INDEX + 1)
    if len(data) > LARGEST_INDEX:
        raise ValueError("an index of this size")
    content = json.loads(data)
    if not isinstance(content["format"], int) or content["format"] < 1:
        raise ValueError("no format")
    if content["format"] > FORMAT:
        raise CopyError(BackupReason.NEWER, f"{file} has format {content['format']}; this program reads {FORMAT}")
    number, box, version = content["number"], content["box"], content["version"]
    if not (isinstance(number, int) and isinstance(box, str) and isinstance(version, str)):
        raise ValueError("of a wrong type")
    parts = {str(name): _checked(part["size"], part["sha256"]) for name, part in content["parts"].items()}
    return Index(number, box, version, parts)


def _checked(size: object, sha256: object) -> Checked:
    if not isinstance(size, int) or not 0 <= size <= LARGEST_PART or not isinstance(sha256, str):
        raise ValueError("of a wrong type or size")
    return Checked(size, sha256)


def _chunks(archive: zipfile.ZipFile, name: str, checked: Checked) -> Iterator[bytes]:
    hashed, left = hashlib.sha256(), checked.size
    with archive.open(name) as entry:
        # One byte more than there should be: a part may be larger than its index says.
        while chunk := entry.read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ValueError("longer than its index says")
            hashed.update(chunk)
            yield chunk
    if left or hashed.hexdigest() != checked.sha256:
        raise ValueError("not what its index says")


def _index_json(index: Index) -> bytes:
    parts = {name: {"size": part.size, "sha256": part.sha256} for name, part in index.parts.items()}
    content = {"format": FORMAT, "number": index.number, "box": index.box, "version": index.version, "parts": parts}
    return json.dumps(content, indent=1).encode()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Stream(io.RawIOBase):
    """Hashes what it passes on in chunks. Not seekable: so zipfile writes from the first byte to the last."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._waiting = bytearray()
        self._hashed = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._hashed.update(data)
        self._waiting += data
        if len(self._waiting) >= CHUNK:
            self._pass_on()
        return len(data)

    def flush(self) -> None:
        # zipfile flushes often; the last call, before the file's own fsync(), is what counts.
        if not self.closed:
            self._pass_on()

    def sha256(self) -> str:
        return self._hashed.hexdigest()

    def _pass_on(self) -> None:
        data, self._waiting = bytes(self._waiting), bytearray()
        self._file.write(data)
