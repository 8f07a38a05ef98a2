"""Where a gateway is at this moment: asked afresh before its token goes there, and again while a reading lasts.

An address alone says nothing: a minute later it may be a stranger's, who would be shown the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from appliance.core.values import Address, Gateway
from appliance.gateway.history import HistoryError, Trouble

Resolve = Callable[[], Awaitable[Gateway | None]]
"""Asks for the gateway's name afresh; None where nobody answers for it."""

BELIEVED = 5.0
"""Seconds for which an answer is believed: a reading of two weeks asks a few times."""


class Whereabouts:
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
                raise HistoryError(Trouble.MOVED)
            self._addresses = gateway.addresses
            self._until = asyncio.get_running_loop().time() + BELIEVED
        return self._addresses

    async def confirm(self, address: Address) -> None:
        """See that it still is at an address. Raises HistoryError."""
        if address not in await self.addresses():
            raise HistoryError(Trouble.MOVED)
