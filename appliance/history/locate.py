"""Finds gateways from a user's computer, and resolves the current address of a gateway by its name.

A token is only sent to the gateway of its own name, at an address that the name currently resolves to.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from appliance.config import Config
from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.values import Address, Gateway, name_key
from appliance.gateway.history import HistoryError, HistoryFailure
from appliance.gateway.source import GatewaySource, gateway_source

if TYPE_CHECKING:
    from zeroconf import RecordUpdateListener

SIGHT = 8.0
"""Seconds to wait until the gateway is found."""
OTHERS = 1.5
"""Seconds to wait for further gateways after the first."""
RESOLVE_TIMEOUT = 10.0
"""Timeout in seconds for resolving its address."""
CACHED = 5.0
"""Seconds for which a resolved address is cached: reading two weeks of orders takes longer."""

Resolve = Callable[[], Awaitable[Gateway | None]]
"""Resolves the gateway's name; None if it can't be resolved."""


@asynccontextmanager
async def search_gateways(
    config: Config, wanted: str | None = None, listener: RecordUpdateListener | None = None
) -> AsyncIterator[GatewaySearch]:
    """Search for gateways inside the block.

    wanted: the name of a token's gateway, which may be a typed address. listener: see gateway_source().
    """
    search = GatewaySearch()
    settings = config.gateway
    address = settings.address or (None if wanted is None else typed_address(wanted))
    # A token named by an address belongs to that address, whatever name the settings contain.
    name = settings.name if settings.address or not address else None
    search.source = gateway_source(search.handle, address, name, config.network.interfaces, listener)
    search.announced = address is None
    running = asyncio.create_task(search.source.run(), name="search for gateways")
    try:
        yield search
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class GatewaySearch:
    """The gateways found, by name. announced: they announce themselves by mDNS, and may take a moment to appear."""

    def __init__(self) -> None:
        self.found: dict[str, Gateway] = {}
        self.source: GatewaySource | None = None
        self.announced = True

    def handle(self, event: Event) -> None:
        """Handle an event of the source."""
        if isinstance(event, GatewayFound):
            self.found[event.gateway.name] = event.gateway
        elif isinstance(event, GatewayLost):
            self.found.pop(event.name, None)

    async def resolve(self, name: str) -> Gateway | None:
        """The gateway of this name with its current addresses; None if the name can't be resolved."""
        assert self.source is not None, "created by search_gateways"
        if self.announced:
            key = name_key(name)
            await self.wait_until(lambda: any(name_key(other) == key for other in self.found), SIGHT)
        with suppress(TimeoutError):
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                return await self.source.resolve(name)
        return None

    async def wait_until(self, there: Callable[[], bool], within: float) -> None:
        """Wait for a condition, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not there():  # noqa: ASYNC110 - a gateway is found without an event of its own
                    await asyncio.sleep(0.05)


def typed_address(name: str) -> Address | None:
    """The address in the name of a gateway whose address was typed in; None for an announced name."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([\w.-]+)):([0-9]{1,5})", name)
    if found is None:
        return None
    return Address(found[1] or found[2], int(found[3]))


class CurrentAddresses:
    """The addresses of one gateway, cached for `CACHED` seconds."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._until = float("-inf")
        self._addresses: tuple[Address, ...] = ()

    async def addresses(self) -> tuple[Address, ...]:
        """Its current addresses.

        Raises:
            HistoryError: Its name can't be resolved.
        """
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            gateway = await self._resolve()
            if gateway is None:
                raise HistoryError(HistoryFailure.NOT_FOUND)
            self._addresses = gateway.addresses
            self._until = asyncio.get_running_loop().time() + CACHED
        return self._addresses

    async def confirm(self, address: Address) -> None:
        """Check that it still has an address. Raises HistoryError."""
        if address not in await self.addresses():
            raise HistoryError(HistoryFailure.NOT_FOUND)
