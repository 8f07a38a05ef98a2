"""Every parser of foreign input as a call that takes bytes and raises only documented exceptions."""

from __future__ import annotations

import ipaddress
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zeroconf import DNSIncoming, IPVersion  # type: ignore[attr-defined]
from zeroconf.asyncio import AsyncServiceInfo

from appliance.config import ConfigError, parse
from appliance.config.lenient import parse_leniently
from appliance.core.folding import fold
from appliance.core.formatting import legible
from appliance.core.limits import LONGEST_NAME
from appliance.core.orders import OrderBook
from appliance.gateway.dns_sd import SERVICE_TYPE, InstanceListener
from appliance.gateway.history import HistoryError, _parse_order, parse_statistics
from appliance.gateway.mdns import is_usable
from appliance.gateway.order_json import read_order
from appliance.gateway.wire import Envelope, TooLargeError, decode, read_envelope, read_message, read_token
from appliance.history.archive import Archive, Progress
from appliance.history.schema import FILE, ArchiveError
from appliance.store import CURRENT, TokenStore
from tests.disk.archive_batches import GATEWAY, archive_batch

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that must not be on the display: controls, bidirectional marks, surrogates, line ends."""


def message(data: bytes) -> None:
    """A message of the feed, parsed and passed to the core."""
    try:
        parsed = read_message(data)
    except TooLargeError:
        return
    if not isinstance(parsed, Envelope):
        book = fold(OrderBook(), (parsed, parsed), 1.0).book
        for held in book.held.values():
            shown(held.order.name)
            shown(held.order.location)


def body(data: bytes) -> None:
    """The body of an HTTP answer: an envelope, a token, a chunk of orders, the day's statistics."""
    try:
        parsed = decode(data)
    except TooLargeError:
        return
    shown(read_envelope(parsed).message)
    token = read_token(parsed)
    assert token is None or token.reveal().isascii()
    parse_statistics(parsed.get("statistics") if isinstance(parsed, dict) else parsed)
    read_order(parsed)
    for item in parsed if isinstance(parsed, list) else [parsed]:
        with suppress(HistoryError):
            _parse_order(item)


def advert(data: bytes) -> None:
    """A packet of mDNS: names as zeroconf's browser passes them on, and addresses as it reads them."""
    heard: list[str] = []
    packet = DNSIncoming(data)
    listener = InstanceListener(lambda name, announced: heard.append(name))
    zeroconf = _NoCache()
    for record in packet.answers():
        name = getattr(record, "alias", None) or record.name
        listener.add_service(zeroconf, SERVICE_TYPE, name)  # type: ignore[arg-type]
        address = getattr(record, "address", None)
        if address:
            info = AsyncServiceInfo(SERVICE_TYPE, f"a.{SERVICE_TYPE}", addresses=[address], port=80)
            for host in info.parsed_scoped_addresses(IPVersion.All):
                is_usable(host)
                ipaddress.ip_address(host)
    for name in heard:
        shown(name)


def settings(data: bytes) -> None:
    """The settings file: read, or rejected with a message; leniently, always read."""
    text = data.decode("utf-8", "replace")
    with suppress(ConfigError):
        parse(text, "fuzzed")
    parse_leniently(text, "fuzzed")


def token_file(data: bytes) -> None:
    """The token's file: a credential that can be stored again, or damage."""
    with _directory() as name:
        (name / CURRENT).write_bytes(data)
        store = TokenStore(name)
        loaded = store.load()
        assert loaded.damaged == (loaded.current is None)
        if loaded.current is not None:
            store.store(loaded.current)
            assert store.load() == loaded


def archive(data: bytes) -> None:
    """A partly overwritten archive file: it is read, or put aside and replaced."""
    with _directory() as name:
        damaged = bytearray(_sound_archive())
        at = int.from_bytes(data[:3], "big") % len(damaged)
        damaged[at : at + len(data) - 3] = data[3:]
        (name / FILE).write_bytes(damaged)
        kept = Archive(name)
        for _ in range(4):
            try:
                kept.add(GATEWAY, [], Progress(1.0))
                list(kept.orders(GATEWAY))
            except ArchiveError as error:
                if "newer version" in str(error):
                    # The archive rejects a newer version by design, and one damaged byte of the header looks like one.
                    return
                continue
            return
        raise AssertionError("the archive is unusable, and no new one was started")


def shown(name: str) -> None:
    """A name on the display: short, one line, without bidirectional controls."""
    words = legible(name)
    assert 1 <= len(words) <= LONGEST_NAME
    assert not any(unicodedata.category(character) in FORBIDDEN for character in words)


PARSERS: dict[str, Callable[[bytes], None]] = {
    "message": message,
    "body": body,
    "advert": advert,
    "settings": settings,
    "token_file": token_file,
    "archive": archive,
}


class _NoCache:
    """Stands for zeroconf's cache, from which the listener removes invalid names."""

    def __init__(self) -> None:
        self.cache = self

    def async_entries_with_name(self, name: str) -> list[object]:
        return []

    def async_remove_records(self, records: list[object]) -> None:
        assert not records


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory in memory, if possible, because a million files would wear out a disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        yield Path(name)


_sound: list[bytes] = []


def _sound_archive() -> bytes:
    if not _sound:
        with _directory() as name:
            for number in (1, 2, 3):
                archive_batch(Archive(name), number)
            _sound.append((name / FILE).read_bytes())
    return _sound[0]


def samples(parser: str) -> Iterator[bytes]:
    """Valid input of each parser, from which the fuzzing starts."""
    from appliance.config import Config
    from appliance.config.dumper import dump

    order = (
        b'{"name": "23", "uuid": "ac3efe43", "orderType": "ON_PREMISE", "locationName": "8", "state": "located", '
        b'"created": "2016-12-09T09:00:23", "stateChanged": "2016-12-09T09:00:23", "paged": false, "elapsedTime": 0}'
    )
    match parser:
        case "message":
            yield b'{"type": "ACTIVE_ORDERS", "count": 2, "items": [%s, %s]}' % (order, order)
            for kind in (b"CREATED", b"MODIFIED", b"PAGED"):
                yield b'{"type": "ORDER_%s", "seq": 84, %s' % (kind, order[1:])
            yield b'{"status": 403, "returnCode": -2, "message": "Invalid token."}'
            yield b'{"type": "BATTERY_LOW", "seq": 85}'
        case "body":
            yield b'{"status": 201, "returnCode": 2, "token": {"name": "a", "token": "2f1f4339c7b77fa3"}}'
            yield b"[%s]" % order
            yield b'{"statistics": {"total": 12, "average": 200.5}}'
        case "advert":
            name = b"\x07Kitchen\x0d_tracker-http\x04_tcp\x05local\x00"
            head = b"\x00\x00\x84\x00\x00\x00\x00\x03\x00\x00\x00\x00"
            yield (
                head + name[8:] + b"\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x0a\x07Kitchen\xc0\x0c"
                b"\xc0\x2f\x00\x21\x80\x01\x00\x00\x00\x78\x00\x0d\x00\x00\x00\x00\x1f\x40\x04host\xc0\x1f"
                b"\xc0\x47\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\x00\x02\x0a"
            )
        case "settings":
            yield dump(Config()).encode()
            yield b"orders: {warn_after: 180}\npins:\n  red: 4\n"
        case "token_file":
            yield b'{"gateway": "Kitchen", "token": "2f1f4339c7b77fa3"}\n'
        case "archive":
            yield b"\x00\x10\x00" + bytes(64)
            yield b"\x00\x00\x10SQLite format 4"
