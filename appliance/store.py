"""The tokens on flash: `token.json`, the proven one, and beside it `token.pending.json`, a new one not proven yet.

Whatever moment the power goes, each of them is as it was or as it was to be: a file is written under another name,
flushed, renamed, and the directory flushed. What can't be read is put aside and means pairing again.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance import atomic_file
from appliance.atomic_file import open_directory, temporary_name
from appliance.core.events import TokensLoaded
from appliance.core.limits import LARGEST_TOKEN_FILE
from appliance.core.values import Credential, Token

CURRENT = "token.json"
PENDING = "token.pending.json"

_log = logging.getLogger(__name__)


class TokenStore:
    """Reads and writes the tokens in one directory. Every call blocks; calls from several threads take turns."""

    def __init__(self, directory: Path) -> None:
        self._path = directory
        self._turn = threading.Lock()

    def load(self, *, tidy: bool = True) -> TokensLoaded:
        """What is there. Never raises OSError: what can't be read counts as damaged, a directory that can't, as empty.

        tidy: make the directory, take away what a crash left behind and put damaged files aside. A second process
        reads with False, and so leaves the files to the first.
        """
        try:
            with self._turn, self._directory(make=tidy) as directory:
                if tidy:
                    _remove_leftovers(directory)
                current, pending = _TokenFile(directory, CURRENT, tidy), _TokenFile(directory, PENDING, tidy)
                return TokensLoaded(current.credential, pending.credential, current.damaged or pending.damaged)
        except FileNotFoundError:
            return TokensLoaded(None, None)
        except OSError as error:
            # A read-only or broken disk is no reason not to run: the box pairs, and keeps the token in memory.
            _log.warning("the state directory %s can't be used: %s", self._path, error.strerror)
            return TokensLoaded(None, None)

    def store_pending(self, credential: Credential) -> None:
        """Put a token that is not proven yet beside the proven one. Raises OSError."""
        with self._turn, self._directory(make=True) as directory:
            _write(directory, PENDING, credential)

    def store(self, credential: Credential) -> None:
        """Make this the proven token. Raises OSError, and then the old one or this one is there."""
        with self._turn, self._directory(make=True) as directory:
            if _holds(directory, PENDING, credential):
                os.rename(PENDING, CURRENT, src_dir_fd=directory, dst_dir_fd=directory)
                os.fsync(directory)
            else:
                _write(directory, CURRENT, credential)

    def drop_pending(self) -> None:
        """Remove the token that was never proven, if there is one. Raises OSError."""
        self._remove(PENDING, temporary_name(PENDING))

    def forget(self) -> None:
        """Remove every token, damaged files too. Raises OSError."""
        names = (PENDING, CURRENT)
        new = map(temporary_name, names)
        self._remove(*names, *new, *(name + suffix for name in names for suffix in atomic_file.ASIDE))

    def _remove(self, *names: str) -> None:
        # Without the directory there is nothing to remove.
        with suppress(FileNotFoundError), self._turn, self._directory(make=False) as directory:
            # A read-only disk refuses to remove even what is not there.
            present = _names(directory)
            for name in names:
                if name in present:
                    os.unlink(name, dir_fd=directory)
            os.fsync(directory)

    @contextmanager
    def _directory(self, *, make: bool) -> Iterator[int]:
        try:
            descriptor = open_directory(self._path)
        except FileNotFoundError:
            if not make:
                raise
            _make_directory(self._path)
            descriptor = open_directory(self._path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


class _TokenFile:
    """One file, read once: its credential, or whether it is damaged; both empty where there is no file."""

    def __init__(self, directory: int, name: str, tidy: bool) -> None:
        self.credential: Credential | None = None
        self.damaged = False
        try:
            self.credential = _read(directory, name)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.damaged = True
            # Never the error's own text: a ValueError may quote the file.
            why = error.strerror if isinstance(error, OSError) else "it is not what was written there"
            _log.warning("%s can't be read and has to be made anew by pairing: %s", name, why)
            if tidy:
                _put_aside(directory, name)


def _names(directory: int) -> set[str]:
    return set(os.listdir(directory))


def _read(directory: int, name: str) -> Credential:
    """The credential in a file. Raises OSError and ValueError (whose text may quote the file)."""
    # Neither a symbolic link nor a pipe may lead or hold us elsewhere.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = b""
        while chunk := os.read(descriptor, LARGEST_TOKEN_FILE + 1 - len(data)):
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > LARGEST_TOKEN_FILE:
        raise ValueError("too large")
    try:
        content = json.loads(data.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("not an object")
    gateway, token = content.get("gateway"), content.get("token")
    if not isinstance(gateway, str) or not isinstance(token, str) or not _usable(gateway, token):
        raise ValueError("no credential")
    return Credential(gateway, Token(token))


def _usable(gateway: str, token: str) -> bool:
    has_surrogates = any("\ud800" <= character <= "\udfff" for character in gateway)
    return gateway != "" and not has_surrogates and Token.is_valid(token)


def _holds(directory: int, name: str, credential: Credential) -> bool:
    try:
        return _read(directory, name) == credential
    except (OSError, ValueError):
        # Whatever is there, it is not this credential, which is then written afresh.
        return False


def _write(directory: int, name: str, credential: Credential) -> None:
    content = {"gateway": credential.gateway, "token": credential.token.reveal()}
    data = json.dumps(content).encode() + b"\n"
    if not _usable(content["gateway"], content["token"]) or len(data) > LARGEST_TOKEN_FILE:
        raise OSError(errno.EINVAL, "this credential could not be read back")
    atomic_file.write(directory, name, data)


def _remove_leftovers(directory: int) -> None:
    try:
        for name in {temporary_name(CURRENT), temporary_name(PENDING)} & _names(directory):
            os.unlink(name, dir_fd=directory)
    except OSError as error:
        # They do no harm there; the next write meets the same trouble, and tells.
        _log.warning("what a crash left behind can't be removed: %s", error.strerror)


def _put_aside(directory: int, name: str) -> None:
    try:
        aside = atomic_file.put_aside(directory, name)
    except OSError as error:
        # It stays where it is, and is found damaged again at the next start.
        _log.warning("%s can't be put aside: %s", name, error.strerror)
    else:
        _log.warning("%s is kept as %s", name, aside)


def _make_directory(path: Path) -> None:
    """Make the directory for its owner alone, and those above it, durably. Raises OSError."""
    try:
        path.mkdir(0o700)
    except FileNotFoundError:
        if path.parent == path:
            raise
        _make_directory(path.parent)
        path.mkdir(0o700)
    except FileExistsError:
        # Another process made it meanwhile.
        return
    # The umask may have taken even the owner's rights away.
    path.chmod(0o700)
    above = open_directory(path.parent)
    try:
        os.fsync(above)
    finally:
        os.close(above)
