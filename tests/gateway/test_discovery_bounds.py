"""A network that is full of names: few are followed at a time, and the paired one is found whenever it is asked for."""

from __future__ import annotations

import asyncio

from appliance.core.events import Event, GatewayFound
from appliance.core.limits import MOST_GATEWAYS
from appliance.core.values import Address, Gateway
from appliance.gateway.discovery import Discovery


class Crowded(Discovery):
    """Discovery without a network, in which each name that is asked for answers."""

    asked: int = 0

    async def _watch_network(self) -> None:
        await asyncio.sleep(3600)

    async def _ask(self, name: str) -> Gateway | None:
        self.asked += 1
        await asyncio.sleep(0)
        return Gateway(name, (Address("192.0.2.1"),))

    async def _ask_afresh(self, name: str) -> Gateway | None:
        return await self._ask(name)


async def test_a_flood_of_names_is_followed_to_a_limit() -> None:
    told: list[Event] = []
    discovery = Crowded(told.append)
    running = asyncio.create_task(discovery.run())
    try:
        for number in range(1000):
            discovery._changed(f"Name {number}._tracker-http._tcp.local.", True)
        await asyncio.sleep(0.3)
        found = {event.gateway.name for event in told if isinstance(event, GatewayFound)}
        assert found == {f"Name {number}" for number in range(MOST_GATEWAYS)}
        assert discovery.asked < 3 * MOST_GATEWAYS
        assert await discovery.resolve("Name 999") is not None, "the paired one may be any"
        # One goes, and there is room for another.
        discovery._changed("Name 0._tracker-http._tcp.local.", False)
        discovery._changed("Name 1._tracker-http._tcp.local.", False)
        discovery._changed("Late._tracker-http._tcp.local.", True)
        await asyncio.sleep(0.1)
        assert GatewayFound(Gateway("Late", (Address("192.0.2.1"),))) in told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
