"""The gateways that are in sight of a person's computer, and where the one of a name is now.

A token is only ever sent to the gateway of its own name, at an address that the name resolves to at this moment.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from appliance.config import Config
from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.values import Address, Gateway
from appliance.gateway.history import HistoryError, HistoryFailure
from appliance.gateway.source import GatewaySource, gateway_source

SIGHT = 8.0
"""Seconds to wait for the gateway to be heard of."""
OTHERS = 1.5
"""Seconds to wait for more gateways after the first."""
RESOLVED = 10.0
"""Seconds to wait for its address."""
BELIEVED = 5.0
"""Seconds for which an answer is believed: a reading of two weeks asks a few times."""

Resolve = Callable[[], Awaitable[Gateway | None]]
"""Asks for the gateway's name afresh; None where nobody answers for it."""


@asynccontextmanager
async def looking(config: Config, wanted: str | None = None) -> AsyncIterator[Sight]:
    """Look for gateways meanwhile. wanted: the one of a token, which may be one whose address was typed in."""
    sight = Sight()
    settings = config.gateway
    address = settings.address or (None if wanted is None else typed_address(wanted))
    # A token that is named by an address belongs to that address, whatever name the settings give.
    name = settings.name if settings.address or not address else None
    sight.source = gateway_source(sight.tell, address, name, config.network.interfaces)
    sight.announced = address is None
    looks = asyncio.create_task(sight.source.run(), name="look for gateways")
    try:
        yield sight
    finally:
        looks.cancel()
        with suppress(asyncio.CancelledError):
            await looks


class Sight:
    """The gateways in sight, by name."""

    def __init__(self) -> None:
        self.found: dict[str, Gateway] = {}
        self.source: GatewaySource | None = None
        self.announced = True

    def tell(self, event: Event) -> None:
        """Take what the source tells."""
        if isinstance(event, GatewayFound):
            self.found[event.gateway.name] = event.gateway
        elif isinstance(event, GatewayLost):
            self.found.pop(event.name, None)

    async def resolved(self, name: str) -> Gateway | None:
        """Where the gateway of this name is at this moment, asked afresh; None where nobody answers for the name."""
        assert self.source is not None, "it is looked for"
        if self.announced:
            await self.any_of(lambda: name in self.found, SIGHT)
        with suppress(TimeoutError):
            async with asyncio.timeout(RESOLVED):
                return await self.source.resolve(name)
        return None

    async def any_of(self, there: Callable[[], bool], within: float) -> None:
        """Wait until something is there, for so many seconds at the most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not there():  # noqa: ASYNC110 - what is in sight changes without an event of its own
                    await asyncio.sleep(0.05)


def typed_address(name: str) -> Address | None:
    """The address that a token of a typed-in gateway is named by; None for a name that is announced."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([\w.-]+)):([0-9]{1,5})", name)
    if found is None:
        return None
    return Address(found[1] or found[2], int(found[3]))


class CurrentAddresses:
    """The addresses of one gateway, never older than `BELIEVED`."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._until = float("-inf")
        self._addresses: tuple[Address, ...] = ()

    async def addresses(self) -> tuple[Address, ...]:
        """Where it is.

        Raises:
            HistoryError: Nobody answers for its name.
        """
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            gateway = await self._resolve()
            if gateway is None:
                raise HistoryError(HistoryFailure.NOT_FOUND)
            self._addresses = gateway.addresses
            self._until = asyncio.get_running_loop().time() + BELIEVED
        return self._addresses

    async def confirm(self, address: Address) -> None:
        """See that it still is at an address. Raises HistoryError."""
        if address not in await self.addresses():
            raise HistoryError(HistoryFailure.NOT_FOUND)
