"""Stores the tokens on flash: `token.json`, the confirmed one, and `token.pending.json`, a new, unconfirmed one.

Atomic writes keep each file intact through a power cut. A damaged file is put aside, and the box has to pair again.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from appliance import atomic_file
from appliance.atomic_file import damaged_names, open_directory, temporary_names
from appliance.core.events import TokensLoaded
from appliance.core.limits import LARGEST_TOKEN_FILE
from appliance.core.values import Credential, Token

CURRENT = "token.json"
PENDING = "token.pending.json"

_log = logging.getLogger(__name__)


class TokenStore:
    """Reads and writes the tokens in one directory. Every call blocks. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        self._path = directory
        self._turn = threading.Lock()

    def load(self, *, tidy: bool = True) -> TokensLoaded:
        """Load the tokens. Never raises OSError: an unreadable file counts as damaged, such a directory as empty.

        tidy: create the directory, remove temporary files left by a crash, and put damaged files aside. A process that
        does not own the store passes False.
        """
        try:
            with self._turn, self._directory(make=tidy) as directory:
                if tidy:
                    _remove_leftovers(directory)
                current, pending = _TokenFile(directory, CURRENT, tidy), _TokenFile(directory, PENDING, tidy)
                damaged = current.damaged or pending.damaged
                return TokensLoaded(current.credential, pending.credential, damaged, pending.earlier)
        except OSError as error:
            if not tidy and isinstance(error, FileNotFoundError):
                return TokensLoaded(None, None)
            # The box also runs with a read-only or broken disk: it pairs, and keeps the token in memory.
            _log.warning(
                "can't use the state directory %s (%s); the pairing won't be saved", self._path, error.strerror
            )
            return TokensLoaded(None, None)

    def store_pending(self, credential: Credential, earlier: tuple[Credential, ...] = ()) -> None:
        """Store an unconfirmed token beside the confirmed one. Raises OSError.

        earlier: older unconfirmed tokens, which are kept too.
        """
        with self._turn, self._directory(make=True) as directory:
            _write(directory, PENDING, credential, earlier)

    def store(self, credential: Credential) -> None:
        """Store this as the confirmed token. Raises OSError, and then either the old token or this one is stored.

        An unconfirmed token stays if it is another one.
        """
        with self._turn, self._directory(make=True) as directory:
            pending = _held(directory, PENDING)
            if pending == [credential]:
                atomic_file.rename(directory, PENDING, CURRENT)
                os.fsync(directory)
                return
            _write(directory, CURRENT, credential)
            if pending and pending[0].token == credential.token:
                _unlink(directory, PENDING)

    def drop_pending(self) -> None:
        """Remove the unconfirmed token, if there is one. Raises OSError."""
        self._remove(PENDING, *temporary_names(PENDING))

    def forget(self) -> None:
        """Remove every token, including damaged files. Raises OSError, after it has removed all others."""
        names = (PENDING, CURRENT)
        new = (each for name in names for each in temporary_names(name))
        damaged = (each for name in names for each in damaged_names(name))
        self._remove(*names, *new, *damaged)

    def _remove(self, *names: str) -> None:
        # Without the directory there is nothing to remove.
        with suppress(FileNotFoundError), self._turn, self._directory(make=False) as directory:
            _unlink(directory, *names)

    @contextmanager
    def _directory(self, *, make: bool) -> Iterator[int]:
        with ExitStack() as stack:
            try:
                directory = stack.enter_context(open_directory(self._path))
            except FileNotFoundError:
                if not make:
                    raise
                _make_directory(self._path)
                directory = stack.enter_context(open_directory(self._path))
            yield directory


class _TokenFile:
    """One token file: its credential (None if missing or damaged), older ones, and whether it is damaged."""

    def __init__(self, directory: int, name: str, tidy: bool) -> None:
        self.credential: Credential | None = None
        self.earlier: tuple[Credential, ...] = ()
        self.damaged = False
        try:
            self.credential, *earlier = _read(directory, name)
            self.earlier = tuple(earlier)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.damaged = True
            # Without a ValueError's text, which may quote the file.
            why = error.strerror if isinstance(error, OSError) else "invalid content"
            _log.warning("can't read %s (%s); pair again to replace it", name, why)
            if tidy:
                _put_aside(directory, name)


def _names(directory: int) -> set[str]:
    return set(os.listdir(directory))


def _unlink(directory: int, *names: str) -> None:
    failed: OSError | None = None
    # On a read-only disk, unlink fails even for a missing file.
    present = _names(directory)
    for name in names:
        try:
            if name in present:
                os.unlink(name, dir_fd=directory)
        except IsADirectoryError:
            # No token.
            continue
        except OSError as error:
            failed = failed or error
    os.fsync(directory)
    if failed is not None:
        raise failed


def _read(directory: int, name: str) -> list[Credential]:
    """The credentials in a file, the latest first. Raises OSError and ValueError (whose text may quote the file)."""
    data = atomic_file.read(directory, name, LARGEST_TOKEN_FILE)
    try:
        content = json.loads(data.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    earlier = content.get("earlier") if isinstance(content, dict) else None
    credentials = [_credential(content)]
    for one in earlier if isinstance(earlier, list) else ():
        # The latest token is worth more than the older ones.
        with suppress(ValueError):
            credentials.append(_credential(one))
    return credentials


def _credential(content: object) -> Credential:
    if not isinstance(content, dict):
        raise ValueError("not an object")
    gateway, token = content.get("gateway"), content.get("token")
    if not isinstance(gateway, str) or not isinstance(token, str) or not _usable(gateway, token):
        raise ValueError("no credential")
    return Credential(gateway, Token(token), content.get("header") is True)


def _usable(gateway: str, token: str) -> bool:
    has_surrogates = any("\ud800" <= character <= "\udfff" for character in gateway)
    return gateway != "" and not has_surrogates and Token.is_valid(token)


def _held(directory: int, name: str) -> list[Credential]:
    try:
        return _read(directory, name)
    except (OSError, ValueError):
        # An unreadable file holds no credential, so the caller writes one.
        return []


def _write(directory: int, name: str, credential: Credential, earlier: tuple[Credential, ...] = ()) -> None:
    content = _content(credential)
    if earlier:
        content["earlier"] = [_content(one) for one in earlier]
    data = json.dumps(content).encode() + b"\n"
    usable = all(_usable(one.gateway, one.token.reveal()) for one in (credential, *earlier))
    if not usable or len(data) > LARGEST_TOKEN_FILE:
        raise OSError(errno.EINVAL, "invalid credential, which load() would reject")
    atomic_file.write(directory, name, data)


def _content(credential: Credential) -> dict[str, Any]:
    content = {"gateway": credential.gateway, "token": credential.token.reveal()}
    return {**content, "header": True} if credential.header else content


def _remove_leftovers(directory: int) -> None:
    try:
        present = _names(directory)
    except OSError as error:
        _log.warning("can't look for the temporary files of a crash: %s", error.strerror)
        return
    for name in (*temporary_names(CURRENT), *temporary_names(PENDING)):
        try:
            if name in present:
                os.unlink(name, dir_fd=directory)
        except OSError as error:
            # It is harmless: the next write takes another name, or reports the same error.
            _log.warning("can't remove %s, left by a crash: %s", name, error.strerror)


def _put_aside(directory: int, name: str) -> None:
    try:
        aside = atomic_file.put_aside(directory, name)
    except OSError as error:
        # The next start finds it damaged again.
        _log.warning("can't rename the damaged %s: %s", name, error.strerror)
    else:
        _log.warning("renamed the damaged %s to %s", name, aside)


def _make_directory(path: Path) -> None:
    """Create the directory, private to its owner, and its parents, durably. Raises OSError."""
    try:
        path.mkdir(0o700)
    except FileNotFoundError:
        if path.parent == path:
            raise
        _make_directory(path.parent)
        path.mkdir(0o700)
    except FileExistsError:
        # Another process has created it meanwhile.
        return
    # The umask may have removed even the owner's permissions.
    path.chmod(0o700)
    with open_directory(path.parent) as above:
        os.fsync(above)
