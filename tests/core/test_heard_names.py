"""The name last announced at each address, and the limit on remembered addresses."""

from __future__ import annotations

from appliance.core.heard_names import (
    announced,
    answered,
    is_anothers,
    is_anothers_host,
    on_another_network,
    out_of_sight,
)
from appliance.core.limits import MOST_HEARD
from appliance.core.states import World
from appliance.core.values import Address, Credential, Gateway, Token


def test_only_the_latest_addresses_are_remembered() -> None:
    world = World()
    for number in range(2 * MOST_HEARD):
        world = answered(world, Gateway(f"Name {number}", (Address(f"192.0.{number // 250}.{number % 250}"),)))
    assert len(world.names_heard) == MOST_HEARD
    assert list(world.names_heard.values())[-1] == f"Name {2 * MOST_HEARD - 1}"
    world = answered(world, Gateway("Ours", (Address("192.0.2.9"),)))
    assert world.names_heard[Address("192.0.2.9")] == "Ours"


HERE, THERE = Address("192.0.2.10"), Address("192.0.2.11")
PAIRED = World(current=Credential("A", Token("a")))


def test_the_last_name_announced_at_an_address_is_remembered() -> None:
    world = announced(announced(World(), Gateway("A", (HERE, THERE))), Gateway("B", (HERE,)))
    assert dict(world.names_heard) == {THERE: "A", HERE: "B"}
    assert set(world.gateways) == {"A", "B"}
    world = announced(world, Gateway("A", (HERE,)))
    assert world.names_heard[HERE] == "A", "without a pairing the latest name counts"


def test_the_paired_name_does_not_override_another_in_sight() -> None:
    world = announced(PAIRED, Gateway("B", (HERE,)))
    stale = announced(world, Gateway("A", (HERE, THERE)))
    assert dict(stale.names_heard) == {HERE: "B", THERE: "A"}
    gone = announced(out_of_sight(world, "B"), Gateway("A", (HERE,)))
    assert gone.names_heard[HERE] == "A"
    moved = announced(announced(world, Gateway("B", (THERE,))), Gateway("A", (HERE,)))
    assert moved.names_heard[HERE] == "A"
    asked = answered(world, Gateway("A", (HERE,)))
    assert asked.names_heard[HERE] == "A", "a resolve confirmed the name"


def test_names_are_found_by_address_and_by_host() -> None:
    world = answered(World(), Gateway("B", (HERE,)))
    assert is_anothers(world, HERE, "A")
    assert not is_anothers(world, HERE, "B")
    assert not is_anothers(world, THERE, "A")
    other_port = Address(HERE.host, 9000)
    assert not is_anothers(world, other_port, "A")
    assert is_anothers_host(world, other_port.host, "A")
    assert not is_anothers_host(world, HERE.host, "B")
    assert not is_anothers_host(world, THERE.host, "A")
    assert not on_another_network(world).names_heard
