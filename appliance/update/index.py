"""The channel's index: which releases there are, and which of them a box takes. Pure.

Its signature is a bundle's (see `channel`); this parses the JSON in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from appliance.update.bundle import order

COMPATIBLE = "tt-appliance-index"
"""What a signed index names in place of a bundle's hardware: neither can pass for the other."""
FORMAT = 1
MOST_RELEASES = 20
LARGEST_NUMBER = 1 << 53
"""JSON has no larger whole number that every program reads."""
LARGEST_BUNDLE = 300 << 20
"""Bytes: a slot has 256 MB."""
LONGEST_URL = 500
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Release:
    """A bundle on the server. size, sha256: of its file. system: SHA-256 of its payload, as in `Bundle.digest`.

    minimum: the oldest version that can install it. percent: the share of boxes that take it, from 0 to 100.
    """

    version: str
    url: str
    size: int
    sha256: str
    system: str
    minimum: str
    percent: int


@dataclass(frozen=True, slots=True)
class Index:
    """The releases. number: rises with each index. digest: of its text."""

    number: int
    digest: str
    releases: tuple[Release, ...]


def parse(text: str, url: str) -> Index:
    """The index in a JSON text. url: its own address, for relative ones. Raises ValueError."""
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("of a format that this version does not know")
    releases = content.get("releases")
    if not isinstance(releases, list) or len(releases) > MOST_RELEASES:
        raise ValueError("no list of releases, or too long a one")
    number = _whole(content, "number", LARGEST_NUMBER)
    return Index(number, hashlib.sha256(text.encode()).hexdigest(), tuple(_release(each, url) for each in releases))


def share(box: str, version: str) -> float:
    """A box's place in the roll-out of a version, from 0 to below 100: another one for each version.

    box: what identifies it, such as its machine ID.
    """
    digest = hashlib.sha256(f"{box} {version}".encode()).digest()
    return int.from_bytes(digest[:6]) / (1 << 48) * 100


def choose(index: Index, box: str, version: str, is_given_up: Callable[[Release], bool]) -> Release | None:
    """The newest release that a box takes; None if there is none. version: of its system.

    is_given_up: whether a release failed on this box.
    """
    own = order(version)
    fit = [
        release
        for release in index.releases
        if order(release.version) > own
        and order(release.minimum) <= own
        and share(box, release.version) < release.percent
        and not is_given_up(release)
    ]
    return max(fit, key=lambda release: order(release.version), default=None)


def _release(content: Any, url: str) -> Release:
    if not isinstance(content, dict):
        raise ValueError("a release that is no object")
    release = Release(
        _text(content, "version"),
        urljoin(url, _text(content, "url")),
        _whole(content, "size", LARGEST_BUNDLE),
        _text(content, "sha256"),
        _text(content, "system"),
        _text(content, "minimum"),
        _whole(content, "percent", 100),
    )
    # Raises ValueError for no version.
    order(release.version)
    order(release.minimum)
    if not re.fullmatch("https://[!-~]+", release.url) or len(release.url) > LONGEST_URL:
        raise ValueError("a release without an address by HTTPS")
    if not _SHA256.fullmatch(release.sha256) or not _SHA256.fullmatch(release.system):
        raise ValueError("a release without hashes")
    return release


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_URL:
        raise ValueError(f"no {name}")
    return value


def _whole(content: dict[str, Any], name: str, most: int) -> int:
    value = content.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"no {name}, or one out of range")
    return value
