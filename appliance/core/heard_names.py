"""Gateway names: which are in sight, and which was last announced at each address.

Only this module changes `World.gateways` and `World.names_heard`. A gateway in sight may be paired with. An address at
which another name was announced no longer belongs to the paired gateway, and never gets its token.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.limits import MOST_HEARD
from appliance.core.states import World
from appliance.core.values import Address, Gateway


def announced(world: World, gateway: Gateway) -> World:
    """A gateway was announced: it is in sight, and its addresses belong to no other gateway any more.

    An unsolicited announcement of the paired gateway may be older than that of another name at its address (the gateway
    was renamed a moment ago), so it does not override the other one while that is in sight.
    """
    world, addresses = in_sight(world, gateway), gateway.addresses
    if world.credential is not None and gateway.name == world.credential.gateway:
        addresses = tuple(one for one in addresses if not _taken(world, one, gateway.name))
    return _heard(world, addresses, gateway.name)


def answered(world: World, gateway: Gateway) -> World:
    """A gateway's name was resolved again: its addresses belong to no other gateway any more."""
    return _heard(world, gateway.addresses, gateway.name)


def in_sight(world: World, gateway: Gateway) -> World:
    """Add a gateway that is in sight, or change its addresses."""
    return replace(world, gateways={**world.gateways, gateway.name: gateway})


def out_of_sight(world: World, name: str) -> World:
    """Remove a gateway that is no longer in sight; its name stays in `names_heard`."""
    left = {other: gateway for other, gateway in world.gateways.items() if other != name}
    return replace(world, gateways=left)


def on_another_network(world: World) -> World:
    """Clear `names_heard`: on another network, its addresses may belong to anybody."""
    return replace(world, names_heard={})


def is_anothers(world: World, address: Address, name: str) -> bool:
    """Whether the last name announced at an address is another one."""
    return world.names_heard.get(address, name) != name


def is_anothers_host(world: World, host: str, name: str) -> bool:
    """Whether the last name announced at any port of a host is another one."""
    return any(address.host == host and other != name for address, other in world.names_heard.items())


def _taken(world: World, address: Address, name: str) -> bool:
    """Whether another gateway, still in sight, was the last one announced at an address."""
    other = world.gateways.get(world.names_heard.get(address, name))
    return other is not None and other.name != name and address in other.addresses


def _heard(world: World, addresses: tuple[Address, ...], name: str) -> World:
    heard = {address: other for address, other in world.names_heard.items() if address not in addresses}
    heard |= dict.fromkeys(addresses, name)
    for oldest in list(heard)[: max(0, len(heard) - MOST_HEARD)]:
        del heard[oldest]
    return replace(world, names_heard=heard)
