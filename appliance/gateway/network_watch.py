"""Watches this box's own network, and reports its changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from appliance.core.events import Event, NetworkChanged
from appliance.gateway.link_events import LinkEvents
from appliance.gateway.own_addresses import OwnNetwork, own_network

log = logging.getLogger(__name__)

NETWORK_POLL_INTERVAL = 2.0
"""Seconds between polls of the box's addresses."""


class NetworkWatch:
    """Polls the box's addresses. interfaces: see own_network()."""

    def __init__(self, emit: Callable[[Event], None], interfaces: Sequence[str] = ()) -> None:
        self._emit = emit
        self._interfaces = tuple(interfaces)
        self._links: LinkEvents | None = None
        self.network = OwnNetwork()

    def poll(self) -> bool:
        """Emit NetworkChanged after a change; whether sockets of before are of no use any more."""
        first = self._links is None
        if self._links is None:
            self._links = LinkEvents()
        network, before = own_network(self._interfaces), self.network
        indexes = {own.index for own in before.addresses}
        interrupted = self._links.interrupted(indexes, ipv6=any(":" in own.address for own in before.addresses))
        if first or (network.texts, network.interfaces) != (before.texts, before.interfaces):
            self._emit(NetworkChanged(network.texts, network.interfaces))
            if network.interfaces.missing and network.interfaces != before.interfaces:
                log.warning(
                    "No such interface: %s (network.interfaces in the settings); this box has %s",
                    ", ".join(network.interfaces.missing),
                    ", ".join(network.interfaces.present) or "none",
                )
        self.network = network
        # The same address on another interface index, or after an interruption, needs new multicast memberships.
        return first or interrupted or network.addresses != before.addresses

    async def wait(self) -> None:
        """Wait until the next poll."""
        await asyncio.sleep(seconds_until_poll(NETWORK_POLL_INTERVAL))

    def close(self) -> None:
        """Stop listening to the kernel."""
        if self._links is not None:
            self._links.close()


def seconds_until_poll(every: float) -> float:
    """Seconds until the loop's clock reaches a multiple of `every`.

    The heartbeat on the display changes at these times too, so one wake-up of the processor serves both.
    """
    left = every - asyncio.get_running_loop().time() % every
    # A timer may fire slightly early: that counts as this multiple.
    return left if left > every / 1000 else left + every
