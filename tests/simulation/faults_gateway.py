"""What goes wrong with gateways: they restart, move, are renamed or replaced, forget tokens, lie, and are not alone."""

from __future__ import annotations

import asyncio

from tests.simulation.gateway import Gateway
from tests.simulation.patch_points import MOST_ORDERS
from tests.simulation.site import Fault, World

OLD_ADDRESS_FREE = 75.0
"""Seconds for which nobody else gets an address that a gateway gave up; no DHCP server is quicker."""


def mood(mood: str) -> Fault:
    """The gateway behaves so for a while."""

    async def fault(world: World) -> None:
        gateway = world.home
        gateway.moods.add(mood)
        await world.lasts(2, 120)
        gateway.moods.discard(mood)

    return fault


async def gateway_loses_power(world: World) -> None:
    gateway = world.home
    gateway.power_off()
    await world.lasts(1, 200)
    _power_on(world, gateway)


async def gateway_moves(world: World) -> None:
    """A restart on a network with DHCP; now and then without one."""
    gateway = world.home
    if world.random.random() < 0.7:
        gateway.power_off()
        await world.lasts(1, 60)
    gateway.host.ip = _free_address(world)
    _power_on(world, gateway)


async def gateway_swaps_places(world: World) -> None:
    """It moves, and later a stranger gets the address that it had."""
    gateway, old = world.home, world.home.host.ip
    await gateway_moves(world)
    await asyncio.sleep(OLD_ADDRESS_FREE)
    if old is not None and old not in world.network.hosts() and len(world.gateways) < 3 and not world.fixed_address:
        await _visit(world, world.add_gateway(_strange_name(world), old))
    assert gateway is world.home


async def gateway_is_renamed(world: World) -> None:
    """A conflict of names: another device has its own already."""
    gateway = world.home
    if world.fixed_address:
        return
    if world.random.random() < 0.5:
        world.air.goodbye(gateway, gateway.name)
    number = int(gateway.name.partition(" #")[2] or "1") + 1
    gateway.name = f"Kitchen #{number}"
    world.air.announce(gateway)
    await asyncio.sleep(1)


async def gateway_is_replaced(world: World) -> None:
    """Another unit under the same name; it knows none of the tokens, and may have another address."""
    gateway = world.home
    gateway.power_off()
    gateway.tokens.clear()
    gateway.floor.orders.clear()
    await world.lasts(5, 100)
    if world.random.random() < 0.5:
        gateway.host.ip = _free_address(world)
    _power_on(world, gateway)


async def tokens_are_deleted(world: World) -> None:
    world.home.delete_tokens()
    await asyncio.sleep(1)


async def tokens_are_deleted_and_restored(world: World) -> None:
    gateway = world.home
    kept = set(gateway.tokens)
    gateway.delete_tokens()
    await world.lasts(1, 100)
    gateway.tokens |= kept


async def stranger_comes(world: World) -> None:
    if len(world.gateways) < 3 and not world.fixed_address:
        await _visit(world, world.add_gateway(_strange_name(world), _free_address(world)))


async def _visit(world: World, stranger: Gateway) -> None:
    if world.random.random() < 0.3:
        stranger.press()
    await world.lasts(20, 400)
    if world.random.random() < 0.5:
        world.air.goodbye(stranger, stranger.name)
    world.remove_gateway(stranger)


async def window_is_taken(world: World) -> None:
    """Another device is quicker whenever the gateway's button is pressed."""
    gateway, until = world.home, world.loop.time() + 60
    while world.loop.time() < until:
        if gateway.window_until > world.loop.time():
            gateway.window_until = 0.0
            gateway.issued.append(gateway.issue())
        await asyncio.sleep(0.7)


async def notifications_get_lost(world: World) -> None:
    world.home.to_lose += world.random.randrange(1, 4)
    world.sure_of_count = False
    await world.lasts(5, 60)
    world.home.to_lose = 0


async def notifications_come_twice(world: World) -> None:
    world.home.to_double += world.random.randrange(1, 6)
    await world.lasts(5, 60)
    world.home.to_double = 0


async def gateway_talks_rubbish(world: World) -> None:
    for _ in range(world.random.randrange(1, 12)):
        world.home.garbage()
        await world.lasts(0.01, 10)


async def many_pages(world: World) -> None:
    for _ in range(world.random.randrange(2, 40)):
        world.home.floor.page()
        await world.lasts(0.0, 3)


async def a_rush(world: World) -> None:
    floor = world.home.floor
    for _ in range(world.random.randrange(20, 120)):
        floor.create() if world.random.random() < 0.6 else floor.change()
        if world.random.random() < 0.2:
            await world.lasts(0.0, 0.5)
    while len(floor.orders) > 40:
        floor.clear()


async def orders_cannot_be_read(world: World) -> None:
    """Whole sets of which a part is no orders at all, and feeds that are closed, so that there are many of them."""
    floor = world.home.floor
    # What a set told without a uuid, and a message tells with it, is known again with the next set.
    world.sure_of_count = False
    floor.unreadable = world.random.choice((0.1, 0.5, 1.0))
    for _ in range(world.random.randrange(1, 5)):
        for feed in list(world.home.feeds):
            feed.close(1001)
        await world.lasts(1, 30)
    floor.unreadable = 0.0


async def too_many_orders(world: World) -> None:
    """More than the box holds: no number would be true, and it has to come back once there are less."""
    floor = world.home.floor
    while len(floor.orders) < MOST_ORDERS + 10:
        floor.create()
    await world.lasts(1, 120)
    while len(floor.orders) > 40:
        floor.clear()


async def tokens_come_late(world: World) -> None:
    """The token that a person asks for meanwhile takes its time: longer than the window, or than anyone waits."""
    world.home.delete_tokens()
    await mood("slow tokens")(world)


async def gateway_clock_jumps(world: World) -> None:
    world.home.floor.offset += world.random.choice((-86400.0 * 400, -3600.0, 3600.0, 86400.0 * 30))
    await asyncio.sleep(0.1)


async def avahi_is_restarted(world: World) -> None:
    gateway = world.home
    if world.random.random() < 0.7:
        world.air.goodbye(gateway, gateway.name)
    await world.lasts(0.5, 20)
    world.air.announce(gateway)


def _power_on(world: World, gateway: Gateway) -> None:
    gateway.host.up = True
    world.air.announce(gateway)


def _free_address(world: World) -> str:
    while (ip := f"192.0.2.{world.random.randrange(100, 250)}") in world.network.hosts():
        pass
    return ip


def _strange_name(world: World) -> str:
    known = {gateway.name for gateway in world.gateways}
    return next(name for name in ("Bar", "Terrace", "Aurora", "Zum Löwen 2.0") if name not in known)
