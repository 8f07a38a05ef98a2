"""Where a person's token and archive are."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Config
from appliance.core.values import Credential
from appliance.history.schema import FILE
from appliance.store import CURRENT, PENDING, TokenStore


class NoPlaceError(Exception):
    """There is no token and no archive; says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, and the token in it, if there is one."""

    directory: Path
    credential: Credential | None


def user_directory() -> Path:
    """Where a person's own state is kept (XDG base directory specification)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "tt-appliance"


def find_place(config: Config, *, chosen: bool) -> Place:
    """The place to work in. chosen: the settings were named by the person, and their directory comes first.

    Raises:
        NoPlaceError: This machine is not paired, and knows no orders.
    """
    places = [config.state_dir, user_directory()]
    for directory in places if chosen else reversed(places):
        tokens = _tokens(directory)
        if tokens is not None:
            return Place(directory, tokens)
    for directory in places:
        with suppress(OSError):
            if (directory / FILE).is_file():
                return Place(directory, None)
    raise NoPlaceError("this machine is not paired with a gateway yet; pair it first: tt-appliance pair")


def _tokens(directory: Path) -> Credential | None:
    """The token in a directory, the proven one first."""
    try:
        if not any((directory / name).exists() for name in (CURRENT, PENDING)):
            return None
    except OSError as error:
        raise NoPlaceError(f"{directory} can't be read: {error.strerror}; try it with all rights (sudo)") from None
    tokens = TokenStore(directory).load(tidy=False)
    return tokens.current or tokens.pending
