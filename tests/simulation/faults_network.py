"""Faults of the network: cables, addresses and packets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.simulation.faults_gateway import gateway_moves
from tests.simulation.simulated_network import Impairment
from tests.simulation.site import Fault, SimulatedSite


def impaired(**values: Any) -> Fault:
    """The network is impaired for a while."""

    normal = {name: getattr(Impairment(), name) for name in values}

    async def fault(site: SimulatedSite) -> None:
        site.network.impairment = replace(site.network.impairment, **values)
        await site.wait_between(2, 120)
        site.network.impairment = replace(site.network.impairment, **normal)

    return fault


async def box_cable_is_pulled(site: SimulatedSite) -> None:
    box = site.network.box
    box.cable = False
    box.link_losses += 1
    await site.wait_between(0.5, 120)
    box.cable = True


async def box_address_changes(site: SimulatedSite) -> None:
    box = site.network.box
    box.ip = None
    box.link_losses += 1
    await site.wait_between(0.1, 30)
    box.ip = f"192.0.2.{site.random.randrange(50, 90)}"


async def interface_is_reset(site: SimulatedSite) -> None:
    """The box's interface goes and comes back with the same address within moments; then the gateway moves.

    Its memberships of multicast groups are gone, so it must join again to hear the gateway's announcement.
    """
    box = site.network.box
    for _ in range(site.random.choice((1, 1, 2, 5))):
        box.cable = False
        box.link_losses += 1
        site.multicast.drop_memberships()
        await asyncio.sleep(site.random.uniform(0.01, 1.5))
        box.cable = True
        await site.wait_between(0, 20)
    await gateway_moves(site)


async def gateway_cable_is_pulled(site: SimulatedSite) -> None:
    host = site.main_gateway.host
    host.cable = False
    await site.wait_between(0.5, 150)
    host.cable = True
    site.multicast.announce(site.main_gateway)


async def connections_are_reset(site: SimulatedSite) -> None:
    for _ in range(site.random.randrange(1, 5)):
        for end in list(site.network.box.ends.values()):
            if site.random.random() < 0.7:
                end.cut()
        await site.wait_between(0.01, 5)
