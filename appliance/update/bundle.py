"""Reads what a bundle says of itself, after RAUC has verified its signature; says what is wrong with one that fails."""

from __future__ import annotations

import os
import re
import shlex
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from appliance.core.updates import UpdateReason
from appliance.update.places import Places

PROGRAM = "rauc"
_LONGEST_CHECK = 120.0
"""Seconds for a signature: it takes one on the slowest board, and a stick may be slow."""
_SUPERBLOCK = struct.Struct("<4s36xQ")
"""A squashfs' magic number, and its size in bytes at byte 40."""
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_CERTIFICATE = "Verify error"
"""How RAUC's message begins if the signature is right, but its certificate is unknown, revoked, or for another use."""
_TRUNCATED = "{} is incomplete: copy it again"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Refused(Exception):
    """An update was refused, or its installation failed; the text is one line for a person."""

    def __init__(self, reason: UpdateReason, text: str, version: str = "") -> None:
        super().__init__(text)
        self.reason = reason
        self.version = version


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a verified bundle says.

    digest, size: of the slot's image, SHA-256 and bytes; the digest identifies the bundle, whoever signed it. minimum:
    the oldest version that can install it, or empty.
    """

    path: Path
    version: str
    compatible: str
    digest: str
    size: int
    minimum: str = ""


def read(places: Places, path: Path) -> Bundle:
    """Verify a bundle's signature, and read what it says. Its payload is verified while it is installed.

    Raises:
        Refused: It is no bundle, or damaged, or not signed by a key that this box trusts.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_SUPERBLOCK.size)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise Refused(UpdateReason.CORRUPT, f"{path} can't be read: {error.strerror}") from None
    if len(start) < _SUPERBLOCK.size or not start.startswith(b"hsqs"):
        raise Refused(UpdateReason.CORRUPT, f"{path} is no update for this box, or damaged")
    if size <= _SUPERBLOCK.unpack(start)[1]:
        raise Refused(UpdateReason.TRUNCATED, _TRUNCATED.format(path))
    values = verified(places, path)
    try:
        return Bundle(
            path,
            values["RAUC_MF_VERSION"],
            values["RAUC_MF_COMPATIBLE"],
            values["RAUC_IMAGE_DIGEST_0"],
            int(values["RAUC_IMAGE_SIZE_0"]),
            values.get("RAUC_META_UPDATE_MINIMUM_VERSION", ""),
        )
    except (KeyError, ValueError):
        raise Refused(UpdateReason.CORRUPT, f"{path} lacks what an update must have") from None


def order(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """A key that sorts versions as Semantic Versioning does: a pre-release comes before its release.

    Raises:
        ValueError: It is no version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    parts = () if match[4] is None else match[4].split(".")
    key = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
    return tuple(int(number or 0) for number in match.group(1, 2, 3)), match[4] is None, key


def last_line(text: str) -> str:
    """The last line of a program's messages that says something."""
    lines = [line.strip() for line in _ANSI.sub("", text).splitlines()]
    return next((line for line in reversed(lines) if line), "no message")


def verified(places: Places, path: Path) -> dict[str, str]:
    """What a signed file says of itself, by RAUC's names. Raises Refused, as read() does."""
    command = [PROGRAM, "-c", str(places.rauc_settings), "info", "--output-format=shell", str(path)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_CHECK, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(UpdateReason.ENGINE_FAILED, f"rauc can't be run: {error}") from None
    if done.returncode == 0:
        words = (word.partition("=") for word in shlex.split(done.stdout))
        return {name: value for name, _, value in words}
    if _CERTIFICATE in done.stderr:
        why = done.stderr.partition(f"{_CERTIFICATE}:")[2].splitlines()[0].strip()
        raise Refused(
            UpdateReason.WRONG_KEY, f"{path} is not signed by a key that this box trusts ({why or 'no reason given'})"
        )
    if "exceeds bundle size" in done.stderr:
        raise Refused(UpdateReason.TRUNCATED, _TRUNCATED.format(path))
    if done.returncode < 0 or "signature verification failed" in done.stderr or "Invalid bundle" in done.stderr:
        raise Refused(UpdateReason.CORRUPT, f"{path} is damaged: copy it again")
    raise Refused(UpdateReason.ENGINE_FAILED, f"rauc failed: {last_line(done.stderr)}")
