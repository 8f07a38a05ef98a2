"""Gateway names: which are in sight, and which was last announced at each address.

Only this module changes `World.gateways` and `World.names_heard`. A gateway in sight may be paired with. An address at
which another name was announced no longer belongs to the paired gateway, and never gets its token.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.events import (
    Event,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    TokenDenied,
    TokenIssued,
)
from appliance.core.limits import MOST_HEARD
from appliance.core.states import Pairing, State, World
from appliance.core.values import Address, Gateway, name_key


def as_known(state: State, event: Event) -> Event:
    """An event with its gateway's name in the spelling that the state knows, and its proven address first.

    So the rest of the core compares names letter by letter, and tries first the address that worked last.
    """
    match event:
        case GatewayFound(gateway) | GatewayResolved(_, gateway):
            return replace(event, gateway=_proven_first(_as_known(state, gateway), state.world.proven))
        case TokenIssued(_, gateway):
            return replace(event, gateway=_as_known(state, gateway))
        case GatewayLost(name):
            return replace(event, name=_known_spelling(state, name))
        case TokenDenied(_, name):
            return replace(event, gateway=_known_spelling(state, name))
        case _:
            return event


def _as_known(state: State, gateway: Gateway) -> Gateway:
    return replace(gateway, name=_known_spelling(state, gateway.name))


def _proven_first(gateway: Gateway, proven: Address | None) -> Gateway:
    if proven not in gateway.addresses:
        return gateway
    return replace(gateway, addresses=tuple(sorted(gateway.addresses, key=lambda address: address != proven)))


def _known_spelling(state: State, name: str) -> str:
    """The spelling of a name under which the state knows its gateway."""
    world, key = state.world, name_key(name)
    asked = state.asked if isinstance(state, Pairing) else ()
    paired = () if world.credential is None else (world.credential.gateway,)
    known = (*paired, *world.gateways, *asked, *world.asking, *world.names_heard.values())
    return next((other for other in known if name_key(other) == key), name)


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


def has_moved(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether this box lost an address that mattered. IPv6 addresses come and go, and matter only without IPv4."""
    has_ipv4 = any(":" not in address for address in after)
    return any(":" not in lost or not has_ipv4 for lost in set(before) - set(after))


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
