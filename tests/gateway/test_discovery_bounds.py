"""A network that is full of names: few are followed at a time, and the paired one is found whenever it is asked for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from zeroconf._cache import DNSCache
from zeroconf._dns import DNSPointer
from zeroconf.const import _CLASS_IN, _TYPE_PTR

from appliance.core.events import Event, GatewayFound
from appliance.core.limits import LONGEST_LABEL, MOST_ANNOUNCED, MOST_GATEWAYS
from appliance.core.values import Address, Gateway
from appliance.gateway import discovery as module
from appliance.gateway.discovery import SERVICE_TYPE, Discovery

from .mdns_peers import EventRecorder, Stranger, browsing, records


class Crowded(Discovery):
    """Discovery without a network, in which each name that is asked for answers."""

    asked: int = 0

    async def _watch_network(self) -> None:
        await asyncio.sleep(3600)

    async def _resolve_cached(self, name: str) -> Gateway | None:
        self.asked += 1
        await asyncio.sleep(0)
        return Gateway(name, (Address("192.0.2.1"),))

    async def _resolve_uncached(self, name: str) -> Gateway | None:
        return await self._resolve_cached(name)


async def test_a_flood_of_names_is_followed_to_a_limit() -> None:
    emitted: list[Event] = []
    discovery = Crowded(emitted.append)
    running = asyncio.create_task(discovery.run())
    try:
        for number in range(1000):
            discovery._queue_change(f"Name {number}._tracker-http._tcp.local.", True)
        await asyncio.sleep(0.3)
        found = {event.gateway.name for event in emitted if isinstance(event, GatewayFound)}
        assert found == {f"Name {number}" for number in range(MOST_GATEWAYS)}
        assert discovery.asked < 3 * MOST_GATEWAYS
        assert await discovery.resolve("Name 999") is not None, "the paired one may be any"
        # One goes, and there is room for another.
        discovery._queue_change("Name 0._tracker-http._tcp.local.", False)
        discovery._queue_change("Name 1._tracker-http._tcp.local.", False)
        discovery._queue_change("Late._tracker-http._tcp.local.", True)
        await asyncio.sleep(0.1)
        assert GatewayFound(Gateway("Late", (Address("192.0.2.1"),))) in emitted
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_after_a_flood_of_announcements_browsing_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """zeroconf bounds its cache, but not what its browser knows of each name that was ever announced."""
    monkeypatch.setattr(module, "NETWORK_POLL_INTERVAL", 0.1)
    prefix = "After a flood"
    recorder, other = EventRecorder(prefix), Stranger()
    try:
        async with browsing(recorder, prefix) as discovery:
            await asyncio.sleep(0.3)
            before = discovery._zeroconf
            for number in range(MOST_ANNOUNCED):
                discovery._queue_change(f"Name {number}._tracker-http._tcp.local.", False)
            await asyncio.sleep(0.3)
            assert discovery._zeroconf is before, "what goes costs nothing"
            for number in range(MOST_ANNOUNCED + 1):
                discovery._queue_change(f"Name {number}._tracker-http._tcp.local.", True)
            async with asyncio.timeout(10):
                while discovery._zeroconf in (None, before):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.05)
            other.answer(prefix.encode(), "127.0.0.4")
            other.say(records(prefix.encode(), "127.0.0.4"))
            await recorder.found(prefix, "127.0.0.4")
            after = discovery._zeroconf
            await asyncio.sleep(0.3)
            assert discovery._zeroconf is after, "once for each flood"
    finally:
        other.close()


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\ufffd"])
def test_the_longest_label_is_followed_and_a_longer_one_goes_from_the_cache_too(letter: str) -> None:
    label = letter * (LONGEST_LABEL // len(letter.encode()))
    label += "x" * (LONGEST_LABEL - len(label.encode()))
    longest, longer = f"{label}.{SERVICE_TYPE}", f"{label}x.{SERVICE_TYPE}"
    followed: list[str] = []
    listener = module._Listener(lambda name, announced: followed.append(name))
    zeroconf: Any = SimpleNamespace(cache=DNSCache())
    for name in (longest, longer):
        zeroconf.cache.async_add_records([DNSPointer(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN, 120, name)])
        listener.add_service(zeroconf, SERVICE_TYPE, name)
    assert followed == [longest]
    # What is left there is a part of the browser's next question, which a longer one would end.
    assert [record.alias for record in zeroconf.cache.async_entries_with_name(SERVICE_TYPE)] == [longest]
