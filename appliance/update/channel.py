"""Looks for updates on the channel's server, and downloads the newest that is meant for this box.

Runs as root by a timer, if the settings name a channel. It installs nothing: `quiet` does. The index is signed as
bundles are, and RAUC checks both by the same rules.
"""

from __future__ import annotations

import json
import logging
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import __version__, logs
from appliance.core.updates import UpdatePhase, UpdateSource, UpdateStatus
from appliance.status.clock import is_synchronised
from appliance.update import bundle, downloads, https, index, state, status
from appliance.update.bundle import Refused
from appliance.update.downloads import Downloaded, NoRoomError
from appliance.update.engine import UnavailableError, alone
from appliance.update.https import FetchError
from appliance.update.index import Index, Release
from appliance.update.places import Places

LARGEST_INDEX = 256 * 1024
"""Bytes: one of 20 releases and the change log has some 30 KB."""
INDEX_LIMIT, BUNDLE_LIMIT = 120.0, 2 * 3600.0
"""Seconds for the index, and for one attempt at the bundle. The next attempt goes on where this one ends."""
ATTEMPTS = 5
"""Attempts at a bundle in one run: a Wi-Fi may fail for a moment."""
PAUSE = 10.0
"""Seconds before the second attempt; each further pause is twice as long."""
BACK_OFF, LONGEST_BACK_OFF = 6 * 3600.0, 48 * 3600.0
"""Seconds for which the server is left alone after one failed run, and after many in a row: each doubles the time."""
CLOCK_LIMIT, CLOCK_EVERY = 1800.0, 10.0
"""Seconds to wait for the clock, and between two looks at it: a wrong one makes certificates look expired."""
_MAY_REPLACE = (UpdatePhase.NONE, UpdatePhase.FOUND, UpdatePhase.UPDATED)
"""The phases after which a bundle is shown. A failure stays until a person has read it."""

log = logging.getLogger("appliance.channel")


@dataclass(frozen=True, slots=True)
class Settings:
    """url: of the index. at: when the hour of quiet begins, in seconds after midnight at the gateway."""

    url: str
    at: float


class ReplayedIndexError(Exception):
    """The index is older than one that this box has seen, or another one of the same number."""


def read_settings(places: Places) -> Settings | None:
    """The channel's settings, which root wrote at the start; None if it is off."""
    try:
        content: dict[str, Any] = json.loads(places.channel_settings.read_text())
        return Settings(str(content["url"]), float(content["at"]))
    except FileNotFoundError:
        return None


def look(
    places: Places,
    settings: Settings,
    context: ssl.SSLContext,
    now: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    version: str = __version__,
) -> bool:
    """Look at the server, and download what there is for this box; False if that failed. Blocks for hours at most.

    now: seconds since 1970. version: of this system. Raises OSError if the state can't be written.
    """
    kept = state.load(places).channel
    # A clock that was set back must not keep the box from its updates.
    if now < kept.retry_at <= now + LONGEST_BACK_OFF:
        log.info("the server failed %d times in a row: not asked before its time", kept.failures)
        return True
    try:
        _fetch(places, settings, context, sleep, version)
    except (FetchError, OSError, Refused, ReplayedIndexError, NoRoomError, ValueError) as error:
        log.warning("no update from %s: %s", settings.url, error)
        with state.changed(places) as changed:
            failures = changed.channel.failures = changed.channel.failures + 1
            changed.channel.retry_at = now + min(BACK_OFF * 2 ** min(failures - 1, 10), LONGEST_BACK_OFF)
        return False
    with state.changed(places) as changed:
        changed.channel.failures, changed.channel.retry_at = 0, 0.0
    return True


def announce(places: Places, found: Downloaded) -> None:
    """Show a bundle as found, unless an update is under way, or has failed and nobody has read it. Raises OSError."""
    try:
        with alone(places):
            shown = status.read(places)
            under_way = places.trial.exists() or state.load(places).pending is not None
            if shown.phase in _MAY_REPLACE and not under_way:
                status.publish(places, UpdateStatus(UpdatePhase.FOUND, found.version, 0, UpdateSource.CHANNEL))
    except UnavailableError:
        # Another update is being installed.
        return


def _fetch(
    places: Places, settings: Settings, context: ssl.SSLContext, sleep: Callable[[float], None], version: str
) -> None:
    with https.time_limit(INDEX_LIMIT):
        data = https.get(settings.url, context, LARGEST_INDEX)
    with tempfile.NamedTemporaryFile(suffix=".index") as file:
        file.write(data)
        file.flush()
        found = read_index(places, Path(file.name), settings.url)
    _keep_number(places, found)
    box = places.machine_id.read_text().strip()
    release = index.choose(found, box, version, lambda release: _is_given_up(places, release))
    if release is None:
        log.info("index %d has no update for this box", found.number)
        withdraw(places)
        return
    _download(places, release, context, sleep)
    if (ready := downloads.downloaded(places)) is not None:
        log.info("%s is downloaded", ready.version)
        announce(places, ready)


def withdraw(places: Places) -> None:
    """Remove the downloaded bundle, and what the display says of it. Raises OSError."""
    downloads.discard(places)
    shown = status.read(places)
    if shown.phase is UpdatePhase.FOUND and shown.source == UpdateSource.CHANNEL:
        status.publish(places, UpdateStatus())


def read_index(places: Places, path: Path, url: str) -> Index:
    """The index in a signed file. url: where it came from.

    Raises:
        Refused: It is damaged, or not signed by a key that this box trusts.
        ValueError: It is no index, or one that this version can't read.
    """
    values = bundle.verified(places, path)
    if values.get("RAUC_MF_COMPATIBLE") != index.COMPATIBLE:
        raise ValueError("it is signed, but no index")
    return index.parse(values.get("RAUC_META_INDEX_JSON", ""), url)


def _keep_number(places: Places, found: Index) -> None:
    """Refuse an index that was replaced by a newer one, and keep the newest number. Raises ReplayedIndexError."""
    with state.changed(places) as kept:
        known = kept.channel
        if found.number < known.number:
            raise ReplayedIndexError(f"index {found.number} is older than index {known.number}, which this box knows")
        if found.number == known.number and known.index not in ("", found.digest):
            raise ReplayedIndexError(f"there are two of index {found.number}")
        known.number, known.index = found.number, found.digest


def _is_given_up(places: Places, release: Release) -> bool:
    """Whether a release failed on this box, or is installed and waits for the restart."""
    kept = state.load(places)
    installed = kept.pending is not None and kept.pending.bundle == release.system
    return installed or release.sha256 in kept.channel.refused or kept.refusal(release.system) is not None


def _download(places: Places, release: Release, context: ssl.SSLContext, sleep: Callable[[float], None]) -> None:
    for attempt in range(ATTEMPTS):
        try:
            with https.time_limit(BUNDLE_LIMIT):
                downloads.download(places, release, context)
        except (FetchError, OSError) as error:
            if attempt == ATTEMPTS - 1:
                raise
            log.info("the download of %s stopped: %s", release.version, error)
            sleep(PAUSE * 2**attempt)
        else:
            return


def wait_for_clock(sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait until the clock is synchronised; whether it is."""
    for _ in range(int(CLOCK_LIMIT / CLOCK_EVERY)):
        if is_synchronised():
            return True
        sleep(CLOCK_EVERY)
    return False


def main() -> int:
    """Look once; the exit code, which is 0: a server that fails is no failure of the box."""
    logs.set_up(logging.INFO)
    places = Places()
    settings = read_settings(places)
    if settings is None:
        # The channel was switched off.
        withdraw(places)
        return 0
    if not wait_for_clock():
        log.warning("the clock is not synchronised: no update is looked for")
        return 0
    import certifi

    look(places, settings, ssl.create_default_context(cafile=certifi.where()), time.time())
    return 0


if __name__ == "__main__":
    sys.exit(main())
