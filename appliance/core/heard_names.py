"""Names of gateways that were heard: which are in sight, and whose was the last to be heard at an address.

All that changes `World.gateways` and `World.heard` is here. Who is in sight may be paired with; an address at which
another name was heard, by one in sight or not, is not the paired gateway's any more, and its token does not go there.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.limits import MOST_HEARD
from appliance.core.states import World
from appliance.core.values import Address, Gateway


def announced(world: World, gateway: Gateway) -> World:
    """A gateway was announced: it is in sight, and whoever was at its addresses before is not there any more.

    What is told of the paired gateway unasked may be older than the announcement of another name at its address (it was
    renamed a moment ago), and does not outdo that while the other one is in sight.
    """
    world, addresses = in_sight(world, gateway), gateway.addresses
    if world.credential is not None and gateway.name == world.credential.gateway:
        addresses = tuple(one for one in addresses if not _taken(world, one, gateway.name))
    return _heard(world, addresses, gateway.name)


def answered(world: World, gateway: Gateway) -> World:
    """A gateway was asked for afresh and answered: whoever was at its addresses before is not there any more."""
    return _heard(world, gateway.addresses, gateway.name)


def in_sight(world: World, gateway: Gateway) -> World:
    """A gateway can be seen, and where."""
    return replace(world, gateways={**world.gateways, gateway.name: gateway})


def out_of_sight(world: World, name: str) -> World:
    """A gateway can't be seen any more; that its name was heard at an address stays true."""
    left = {other: gateway for other, gateway in world.gateways.items() if other != name}
    return replace(world, gateways=left)


def on_another_network(world: World) -> World:
    """This box was moved: the addresses at which names were heard may be anybody's here."""
    return replace(world, heard={})


def is_anothers(world: World, address: Address, name: str) -> bool:
    """Whether another name than this one was the last to be heard at an address."""
    return world.heard.get(address, name) != name


def is_anothers_host(world: World, host: str, name: str) -> bool:
    """Whether another name than this one was the last to be heard at any port of a host."""
    return any(address.host == host and other != name for address, other in world.heard.items())


def _taken(world: World, address: Address, name: str) -> bool:
    """Whether another gateway than this one, still in sight, was the last to be heard at an address."""
    other = world.gateways.get(world.heard.get(address, name))
    return other is not None and other.name != name and address in other.addresses


def _heard(world: World, addresses: tuple[Address, ...], name: str) -> World:
    heard = {address: other for address, other in world.heard.items() if address not in addresses}
    heard |= dict.fromkeys(addresses, name)
    for oldest in list(heard)[: max(0, len(heard) - MOST_HEARD)]:
        del heard[oldest]
    return replace(world, heard=heard)
