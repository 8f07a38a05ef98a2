"""The gateways' DNS-SD service: its names, its browse query, and its records in zeroconf's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zeroconf import (  # type: ignore[attr-defined]
    DNSOutgoing,
    DNSQuestion,
    RecordUpdate,
    RecordUpdateListener,
    ServiceListener,
    Zeroconf,
)
from zeroconf.const import _CLASS_IN, _FLAGS_QR_QUERY, _TYPE_A, _TYPE_AAAA, _TYPE_PTR

from appliance.core.limits import LONGEST_LABEL

SERVICE_TYPE = "_tracker-http._tcp.local."


def cached_pointers(zeroconf_: Zeroconf) -> list[Any]:
    """The PTR records of all announced instances. created: milliseconds of zeroconf's clock. alias: the full name."""
    return [one for one in zeroconf_.cache.async_entries_with_name(SERVICE_TYPE) if hasattr(one, "alias")]


def cached_services(zeroconf_: Zeroconf, name: str) -> list[Any]:
    """The SRV records of an instance: `server` and `port`."""
    return [one for one in zeroconf_.cache.async_entries_with_name(instance_name(name)) if hasattr(one, "server")]


def instance_name(name: str) -> str:
    """The full name of an instance."""
    return f"{name}.{SERVICE_TYPE}"


class InstanceListener(ServiceListener):
    """Passes on the browser's events: an instance's full name, and whether it was announced or withdrawn."""

    def __init__(self, changed: Callable[[str, bool], None]) -> None:
        self._changed = changed

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """An instance was announced."""
        if any(len(label.encode()) > LONGEST_LABEL for label in name.split(".")):
            # Decoding replaced bytes that are not UTF-8, which made the label too long to encode. The browser would
            # fail to send its next query, which lists known answers, and never send another.
            pointers = zc.cache.async_entries_with_name(SERVICE_TYPE)
            zc.cache.async_remove_records([one for one in pointers if getattr(one, "alias", None) == name])
            return
        self._changed(name, True)

    update_service = add_service

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """An instance was withdrawn, or its record expired."""
        self._changed(name, False)


class OtherCaseListener(RecordUpdateListener):
    """Passes on the events of instances whose service type has other capitals: zeroconf's browser ignores those."""

    def __init__(self, listener: InstanceListener) -> None:
        self._listener = listener

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Handle records that the cache is about to take."""
        for update in records:
            record: Any = update.new
            expired = record.is_expired(now)
            if record.type == _TYPE_PTR:
                if record.key == SERVICE_TYPE and record.name != SERVICE_TYPE and (update.old is None or expired):
                    act = self._listener.remove_service if expired else self._listener.add_service
                    act(zc, SERVICE_TYPE, record.alias)
            elif update.old is None and not expired:
                is_address = record.type in (_TYPE_A, _TYPE_AAAA)
                served = zc.cache.async_entries_with_server(record.name) if is_address else [record]
                for name in {one.name for one in served}:
                    if not name.endswith("." + SERVICE_TYPE) and short_name(name) != name:
                        self._listener.update_service(zc, SERVICE_TYPE, name)

    def async_update_records_complete(self) -> None:
        """Do nothing: all is done already."""


def short_name(name: str) -> str:
    """An instance's name without the service type, in whatever case that was announced."""
    suffix = "." + SERVICE_TYPE
    return name[: -len(suffix)] if name.lower().endswith(suffix) else name


def query_all(zeroconf_: Zeroconf) -> None:
    """Send a browse query, which every gateway answers with all its records.

    It finds a gateway whose announcement was lost, or which took over another one's address. It is also the only way to
    resolve a name with a dot in it, because zeroconf splits names at each dot.
    """
    out = DNSOutgoing(_FLAGS_QR_QUERY)
    out.add_question(DNSQuestion(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN))
    zeroconf_.async_send(out)


def evict(zeroconf_: Zeroconf, name: str) -> None:
    """Remove a service's and its host's records from the cache, so that resolving needs a new answer."""
    cache = zeroconf_.cache
    records = set(cache.async_entries_with_name(name))
    for server in {server for record in records if (server := getattr(record, "server", None))}:
        records |= set(cache.async_entries_with_name(server))
    cache.async_remove_records(records)
