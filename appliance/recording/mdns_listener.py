"""Records the DNS-SD records of all gateways that zeroconf hears."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from zeroconf import RecordUpdate, RecordUpdateListener, Zeroconf
from zeroconf.const import _TYPE_A, _TYPE_AAAA, _TYPE_PTR, _TYPE_SRV, _TYPE_TXT

from appliance.gateway.dns_sd import SERVICE_TYPE
from appliance.recording.entries import Mdns, as_text

REPEATED_AFTER = 60.0
"""Seconds after which a record that did not change is recorded again: gateways repeat theirs with each query."""
MOST_KNOWN = 1_000
"""Records to remember; a flood of names must not fill the memory."""
_NAMES = {_TYPE_PTR: "PTR", _TYPE_SRV: "SRV", _TYPE_TXT: "TXT", _TYPE_A: "A", _TYPE_AAAA: "AAAA"}

Value = str | tuple[str, ...]


class MdnsListener(RecordUpdateListener):
    """Passes on records of `_tracker-http._tcp`. now: the recording's clock in seconds."""

    def __init__(self, add: Callable[[Mdns], None], now: Callable[[], float]) -> None:
        self._add = add
        self._now = now
        self._hosts: set[str] = set()
        self._known: dict[tuple[str, str, Value, int | None], float] = {}

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Handle records that the cache is about to take."""
        # A packet may list the address of a host before the service that names the host.
        heard: list[Any] = [update.new for update in records]
        for record in heard:
            if record.type == _TYPE_SRV and _is_ours(record.name) and len(self._hosts) < MOST_KNOWN:
                self._hosts.add(record.server.lower())
        for record in heard:
            ours = _is_ours(record.name) or record.name.lower() in self._hosts
            if ours and record.type in _NAMES:
                self._record(record)

    def async_update_records_complete(self) -> None:
        """Do nothing: all is done already."""

    def _record(self, record: Any) -> None:
        value, port = _value(record)
        key = (record.name, _NAMES[record.type], value, port)
        if not record.ttl:
            self._known.pop(key, None)
        elif self._now() < self._known.get(key, float("-inf")) + REPEATED_AFTER:
            return
        elif len(self._known) < MOST_KNOWN:
            self._known[key] = self._now()
        name, kind, _, _ = key
        self._add(Mdns(at=self._now(), name=name, type=kind, ttl=float(record.ttl), value=value, port=port))


def _is_ours(name: str) -> bool:
    return name.lower().endswith(SERVICE_TYPE)


def _value(record: Any) -> tuple[Value, int | None]:
    match record.type:
        case kind if kind == _TYPE_PTR:
            return record.alias, None
        case kind if kind == _TYPE_SRV:
            return record.server, record.port
        case kind if kind == _TYPE_TXT:
            return tuple(as_text(one) for one in strings(record.text)), None
        case _:
            return str(ipaddress.ip_address(record.address)), None


def strings(txt: bytes) -> list[bytes]:
    """The strings of a TXT record, each after its length (RFC 1035, 3.3.14), without empty ones."""
    found = []
    while txt:
        size = txt[0]
        found.append(txt[1 : 1 + size])
        txt = txt[1 + size :]
    return [one for one in found if one]
