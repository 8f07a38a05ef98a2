"""The gateway's mDNS announcement, as a browser on the loopback interface receives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from appliance.simulator.advert import SERVICE
from appliance.simulator.gateway import SimulatedGateway


class Browser:
    """Browses for one name."""

    def __init__(self, zeroconf: AsyncZeroconf, name: str) -> None:
        self.changes: asyncio.Queue[ServiceStateChange] = asyncio.Queue()
        self._zeroconf = zeroconf
        self._name = f"{name}.{SERVICE}"
        self.browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[self._heard])

    def _heard(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if name == self._name:
            self.changes.put_nowait(state_change)

    async def change(self) -> ServiceStateChange:
        """The next change."""
        async with asyncio.timeout(3):
            return await self.changes.get()

    async def address(self) -> str:
        """Resolve the name again."""
        info = AsyncServiceInfo(SERVICE, self._name)
        assert await info.async_request(self._zeroconf.zeroconf, 1000)
        return f"{info.parsed_addresses(IPVersion.V4Only)[0]}:{info.port}"

    @property
    def believed(self) -> bool:
        """Return True while the browser lists the name: until a goodbye, or for an hour."""
        return any(self._name in repr(record) for record in self._zeroconf.zeroconf.cache.entries_with_name(SERVICE))


@pytest.fixture
def gateway() -> SimulatedGateway:
    """A gateway with a unique name, not started yet."""
    return SimulatedGateway(f"Gateway {uuid4().hex[:8]}", advertise_on=("127.0.0.1",))


@pytest.fixture
async def browser(gateway: SimulatedGateway) -> AsyncIterator[Browser]:
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    browser = Browser(zeroconf, gateway.name)
    yield browser
    await browser.browser.async_cancel()
    await zeroconf.async_close()


async def test_the_gateway_announces_its_address_moves_and_goodbye(gateway: SimulatedGateway, browser: Browser) -> None:
    async with gateway:
        assert await browser.change() is ServiceStateChange.Added
        assert await browser.address() == gateway.address
        await gateway.move("127.0.0.2")
        assert await browser.change() is ServiceStateChange.Updated
        assert gateway.address.startswith("127.0.0.2:")
        assert await browser.address() == gateway.address
    assert not browser.believed


async def test_a_power_cut_sends_no_goodbye(gateway: SimulatedGateway, browser: Browser) -> None:
    async with gateway:
        assert await browser.change() is ServiceStateChange.Added
        await gateway.stop()
        await asyncio.sleep(0.1)
        assert browser.believed
        await gateway.start()
        assert await browser.address() == gateway.address
