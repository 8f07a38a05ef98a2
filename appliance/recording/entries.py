"""The lines of a recording: one JSON object each, the first one its heading.

Texts are exactly what the gateway sent. Bytes that are not UTF-8 become lone surrogates, so nothing is lost.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

FORMAT = 1
"""The version of the format."""
TOKEN = "(the token of this recording)"
"""Stands in a recording for the token."""
Headers = tuple[tuple[str, str], ...]


class RecordingError(Exception):
    """A file is no recording, or has a wrong line; the message names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The first line. began: the recorder's date and time. gateway: its instance name."""

    kind: ClassVar[str] = "recording"

    format: int = FORMAT
    program: str = ""
    began: str = ""
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdns:
    """A DNS-SD record of any gateway. at: seconds since the recording began, as in all lines.

    ttl: seconds; 0 withdraws the record. value: the instance of a PTR record, the host of an SRV, the address of an A
    or AAAA, the strings of a TXT.
    """

    kind: ClassVar[str] = "mdns"

    at: float
    name: str
    type: str
    ttl: float
    value: str | tuple[str, ...]
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """An HTTP answer, or why there was none (`failed`).

    at: when it was complete. took: seconds since the request. token: the request had the token. body: None if it was
    too long.
    """

    kind: ClassVar[str] = "http"

    at: float
    took: float
    address: str
    method: str
    path: str
    token: bool
    failed: str | None = None
    status: int | None = None
    reason: str = ""
    headers: Headers = ()
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTried:
    """The recorder opens a feed. feed: its number. header: with the token in the handshake."""

    kind: ClassVar[str] = "feed"

    at: float
    feed: int
    address: str
    header: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """The answer to a feed's handshake. body: of a refusal."""

    kind: ClassVar[str] = "handshake"

    at: float
    feed: int
    status: int
    reason: str = ""
    headers: Headers = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message on a feed. fragments: frames that it came in."""

    kind: ClassVar[str] = "message"

    at: float
    feed: int
    data: str
    binary: bool = False
    fragments: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A ping or a pong on a feed."""

    kind: ClassVar[str] = "control"

    at: float
    feed: int
    frame: str
    data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A close frame on a feed."""

    kind: ClassVar[str] = "close"

    at: float
    feed: int
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEnded:
    """A feed ended, or did not open. why: as the appliance understands it."""

    kind: ClassVar[str] = "feed ended"

    at: float
    feed: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The recorder ended. Without this line, its power or its disk did."""

    kind: ClassVar[str] = "end"

    at: float
    why: str


Entry = Mdns | Http | FeedTried | Handshake | Message | Control | Close | FeedEnded | End
_KINDS: Mapping[str, type[Any]] = {one.kind: one for one in (Heading, *typing.get_args(Entry))}


def as_text(data: bytes) -> str:
    """Bytes as the text of a recording."""
    return data.decode("utf-8", "surrogateescape")


def as_bytes(words: str) -> bytes:
    """The text of a recording as the bytes that it came from."""
    return words.encode("utf-8", "surrogateescape")


def to_line(entry: Heading | Entry) -> str:
    """An entry as a line, without what is as usual, and without the line's end."""
    facts: dict[str, Any] = {}
    if not isinstance(entry, Heading):
        facts["at"] = round(entry.at, 4)
    facts["kind"] = entry.kind
    for field in fields(entry):
        value = getattr(entry, field.name)
        if field.name != "at" and (field.default is MISSING or value != field.default or field.name == "format"):
            facts[field.name] = round(value, 4) if isinstance(value, float) else value
    line = json.dumps(facts, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(facts)
    return line


def from_line(line: str) -> Heading | Entry:
    """Read a line. Raises ValueError, which says what is wrong."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    kind = facts.get("kind") if isinstance(facts, dict) else None
    made = _KINDS.get(kind) if isinstance(kind, str) else None
    if made is None:
        raise ValueError(f"has no known kind: {', '.join(_KINDS)}")
    hints = typing.get_type_hints(made)
    values: dict[str, Any] = {}
    for field in fields(made):
        if field.name not in facts:
            if field.default is MISSING:
                raise ValueError(f"of the kind {kind} lacks {field.name!r}")
            continue
        value = _frozen(facts[field.name])
        if not _fits(value, hints[field.name]):
            raise ValueError(f"has a wrong value for {field.name!r}")
        values[field.name] = value
    read: Heading | Entry = made(**values)
    return read


def load(path: Path) -> tuple[Heading, list[Entry], bool]:
    """Read a recording: its heading, its entries in order of time, and whether the last line was cut off.

    Raises:
        RecordingError: The file is no recording, or a line is wrong.
        OSError: It can't be read.
    """
    heading: Heading | None = None
    entries: list[Entry] = []
    lines = path.read_bytes().split(b"\n")
    # A power cut may leave a part of a line, or zeros.
    cut = bool(lines.pop())
    for number, line in _numbered(lines):
        try:
            entry = from_line(line.decode())
            if isinstance(entry, Heading) != (heading is None):
                raise ValueError("must not be a heading" if heading else "must be the heading of a recording")
        except ValueError as error:
            if number == len(lines) and heading is not None:
                cut = True
                break
            words = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise RecordingError(f"{path}:{number}: the line {words}") from None
        if isinstance(entry, Heading):
            if entry.format != FORMAT:
                raise RecordingError(f"{path}: has format {entry.format}; this program knows {FORMAT}")
            heading = entry
        else:
            entries.append(entry)
    if heading is None:
        raise RecordingError(f"{path}: is no recording")
    return heading, sorted(entries, key=lambda one: one.at), cut


def _numbered(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip(b"\0 \t\r"))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type of a field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return isinstance(value, tuple) and all(_fits(one, arguments[0]) for one in value)
        pairs = isinstance(value, tuple) and len(value) == len(arguments)
        return pairs and all(_fits(one, kind) for one, kind in zip(value, arguments, strict=True))
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, hint)
