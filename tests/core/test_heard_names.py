"""The memory of announced names: it is bounded, and holds the latest name of each address."""

from __future__ import annotations

from appliance.core.heard_names import answered
from appliance.core.limits import MOST_HEARD
from appliance.core.states import World
from appliance.core.values import Address, Gateway


def test_few_addresses_are_remembered_and_the_latest_of_them() -> None:
    world = World()
    for number in range(2 * MOST_HEARD):
        world = answered(world, Gateway(f"Name {number}", (Address(f"192.0.{number // 250}.{number % 250}"),)))
    assert len(world.names_heard) == MOST_HEARD
    assert list(world.names_heard.values())[-1] == f"Name {2 * MOST_HEARD - 1}"
    world = answered(world, Gateway("Ours", (Address("192.0.2.9"),)))
    assert world.names_heard[Address("192.0.2.9")] == "Ours"
