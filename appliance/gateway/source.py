"""Chooses where gateways come from: the address in the settings, or else mDNS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from appliance.core.events import Event
from appliance.core.values import Address, Gateway

if TYPE_CHECKING:
    from appliance.gateway.discovery import Discovery
    from appliance.gateway.fixed_address import FixedGateway


class GatewaySource(Protocol):
    """Finds gateways, and reports GatewayFound, GatewayLost and NetworkChanged."""

    async def run(self) -> None:
        """Look for gateways, and watch this box's own addresses, until cancelled."""

    async def resolve(self, name: str) -> Gateway | None:
        """Resolve a gateway's name afresh, past every cache; None if nobody answers."""


def gateway_source(
    tell: Callable[[Event], None], address: Address | None, name: str | None, interfaces: Sequence[str]
) -> Discovery | FixedGateway:
    """Make the source that the settings ask for.

    address, name: `gateway.address` and `gateway.name` of the settings. interfaces: those that mDNS uses; all if empty.
    Loads the libraries that it needs, which takes up to a second on a small board.
    """
    if address is not None:
        from appliance.gateway.fixed_address import FixedGateway

        return FixedGateway(tell, address, name)
    from appliance.gateway.discovery import Discovery

    return Discovery(tell, name, interfaces)
