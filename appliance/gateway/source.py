"""Chooses how to find gateways: by the address in the settings, or else by mDNS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from appliance.core.events import Event
from appliance.core.values import Address, Gateway

if TYPE_CHECKING:
    from zeroconf import RecordUpdateListener

    from appliance.gateway.discovery import Discovery
    from appliance.gateway.fixed_address import FixedGateway


class GatewaySource(Protocol):
    """Finds gateways, and emits GatewayFound, GatewayLost and NetworkChanged."""

    async def run(self) -> None:
        """Find gateways and monitor this box's addresses, until cancelled."""

    async def resolve(self, name: str, hoped: Address | None = None) -> Gateway | None:
        """Resolve a gateway's name, bypassing every cache; None without an answer. hoped: the address that worked."""


def gateway_source(
    emit: Callable[[Event], None],
    address: Address | None,
    name: str | None,
    interfaces: Sequence[str],
    listener: RecordUpdateListener | None = None,
) -> Discovery | FixedGateway:
    """Make the source that the settings select.

    address, name: `gateway.address` and `gateway.name` of the settings. interfaces: for mDNS; all if empty. listener:
    hears every record while it browses. It imports the libraries that the source needs, which takes up to a second on a
    small board.
    """
    if address is not None:
        from appliance.gateway.fixed_address import FixedGateway

        return FixedGateway(emit, address, name, interfaces)
    from appliance.gateway.discovery import Discovery

    return Discovery(emit, name, interfaces, listener)
