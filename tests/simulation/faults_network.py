"""What goes wrong on the way: cables, addresses, and everything that packets go through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.simulation.simulated_network import Weather
from tests.simulation.site import Fault, World


def weather(**values: Any) -> Fault:
    """The wires are so for a while."""

    calm = {name: getattr(Weather(), name) for name in values}

    async def fault(world: World) -> None:
        world.network.weather = replace(world.network.weather, **values)
        await world.lasts(2, 120)
        world.network.weather = replace(world.network.weather, **calm)

    return fault


async def box_cable_is_pulled(world: World) -> None:
    box = world.network.box
    box.cable = False
    await world.lasts(0.5, 120)
    box.cable = True


async def box_address_changes(world: World) -> None:
    box = world.network.box
    box.ip = None
    await world.lasts(0.1, 30)
    box.ip = f"192.0.2.{world.random.randrange(50, 90)}"


async def gateway_cable_is_pulled(world: World) -> None:
    host = world.home.host
    host.cable = False
    await world.lasts(0.5, 150)
    host.cable = True
    world.air.announce(world.home)


async def lines_are_reset(world: World) -> None:
    for _ in range(world.random.randrange(1, 5)):
        for end in list(world.network.box.ends.values()):
            if world.random.random() < 0.7:
                end.cut()
        await world.lasts(0.01, 5)
