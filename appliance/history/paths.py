"""The directory of the user's token and archive."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Config
from appliance.core.values import Credential
from appliance.history.schema import FILE
from appliance.store import CURRENT, PENDING, TokenStore


class NotPairedError(Exception):
    """There is neither a token nor an archive; the message says what to do."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """A directory with a token, an archive, or both."""

    directory: Path
    credential: Credential | None


def user_directory() -> Path:
    """The user's own state directory (XDG base directory specification)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "tt-appliance"


def find_state_directory(config: Config, *, chosen: bool) -> StateDirectory:
    """The directory to use. chosen: there is a settings file, and its directory takes precedence.

    Raises:
        NotPairedError: No directory has a token or an archive.
    """
    candidates = [config.state_dir, user_directory()]
    for directory in candidates if chosen else reversed(candidates):
        credential = _credential(directory)
        if credential is not None:
            return StateDirectory(directory, credential)
    for directory in candidates:
        with suppress(OSError):
            if (directory / FILE).is_file():
                return StateDirectory(directory, None)
    raise NotPairedError("this computer is not paired with a gateway; run: tt-appliance pair")


def _credential(directory: Path) -> Credential | None:
    """The token in a directory: the current one, else the pending one."""
    try:
        if not any((directory / name).exists() for name in (CURRENT, PENDING)):
            return None
    except OSError as error:
        raise NotPairedError(f"can't read {directory}: {error.strerror}; run as root (sudo)") from None
    tokens = TokenStore(directory).load(tidy=False)
    return tokens.current or tokens.pending
