"""What goes wrong, each kind a small story: it begins, lasts and is over. Owns the catalogue of them.

Taken from the gateway's protocol and from what the field has paid for: every kind of loss on the network, power and
restarts of both sides, gateways that move, are renamed, replaced, or lie; disks, displays, buttons and clocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tests.simulation.gateway import Gateway
from tests.simulation.world import World

Fault = Callable[[World], Awaitable[None]]

OLD_ADDRESS_FREE = 75.0
"""Seconds for which nobody else gets an address that a gateway gave up; no DHCP server is quicker."""


async def _lasts(world: World, *seconds: float) -> None:
    least, most = seconds
    # Many short ones and a few long ones.
    await asyncio.sleep(least + (most - least) * world.random.random() ** 2)


def _weather(**values: Any) -> Fault:
    """The wires are so for a while."""

    async def fault(world: World) -> None:
        before = {name: getattr(world.network.weather, name) for name in values}
        world.network.weather = replace(world.network.weather, **values)
        await _lasts(world, 2, 120)
        world.network.weather = replace(world.network.weather, **{name: _CALM[name] for name in before})

    return fault


_CALM: dict[str, Any] = {
    "loss": 0.0,
    "latency": (0.001, 0.01),
    "deaf": frozenset(),
    "multicast": 0.0,
    "torn": 0.1,
}


def _mood(mood: str) -> Fault:
    """The gateway behaves so for a while."""

    async def fault(world: World) -> None:
        gateway = world.home
        gateway.moods.add(mood)
        await _lasts(world, 2, 120)
        gateway.moods.discard(mood)

    return fault


async def box_crashes(world: World) -> None:
    await _die(world, power=False)


async def box_loses_power(world: World) -> None:
    await _die(world, power=True)


async def _die(world: World, *, power: bool) -> None:
    """At a callback that no timer names: between any two awaits of the program."""
    dead = asyncio.Event()

    def now() -> None:
        world.crash(power=power)
        dead.set()

    world.loop.at_step(world.random.randrange(1, 400), now)
    try:
        async with asyncio.timeout(60):
            await dead.wait()
    except TimeoutError:
        pass
    await _lasts(world, 6, 40)
    world.switch_on()


async def power_goes_in_a_write(world: World) -> None:
    """Armed for a while: the next call to the disk but a few is the last one."""
    world.disk.cut_after = world.random.randrange(0, 14)
    await _lasts(world, 30, 200)
    world.disk.cut_after = None
    if not world.box_runs:
        await asyncio.sleep(6)
        world.switch_on()


async def box_is_restarted(world: World) -> None:
    await world.switch_off()
    await _lasts(world, 6, 20)
    world.switch_on()


async def gateway_loses_power(world: World) -> None:
    gateway = world.home
    gateway.power_off()
    await _lasts(world, 1, 200)
    _power_on(world, gateway)


async def gateway_moves(world: World) -> None:
    """A restart on a network with DHCP; now and then without one."""
    gateway = world.home
    if world.random.random() < 0.7:
        gateway.power_off()
        await _lasts(world, 1, 60)
    gateway.host.ip = _free_address(world)
    _power_on(world, gateway)


async def gateway_swaps_places(world: World) -> None:
    """It moves, and later a stranger gets the address that it had."""
    gateway, old = world.home, world.home.host.ip
    await gateway_moves(world)
    await asyncio.sleep(OLD_ADDRESS_FREE)
    if old is not None and old not in world.network.hosts() and len(world.gateways) < 3 and not world.typed:
        await _visit(world, world.add_gateway(_strange_name(world), old))
    assert gateway is world.home


async def gateway_is_renamed(world: World) -> None:
    """A conflict of names: another device has its own already."""
    gateway = world.home
    if world.typed:
        return
    if world.random.random() < 0.5:
        world.air.goodbye(gateway, gateway.name)
    number = int(gateway.name.partition(" #")[2] or "1") + 1
    gateway.name, gateway.named_at = f"Kitchen #{number}", world.loop.time()
    world.air.announce(gateway)
    await asyncio.sleep(1)


async def gateway_is_replaced(world: World) -> None:
    """Another unit under the same name; it knows none of the tokens, and may have another address."""
    gateway = world.home
    gateway.power_off()
    gateway.tokens.clear()
    gateway.floor.orders.clear()
    await _lasts(world, 5, 100)
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
    await _lasts(world, 1, 100)
    gateway.tokens |= kept


async def stranger_comes(world: World) -> None:
    if len(world.gateways) < 3 and not world.typed:
        await _visit(world, world.add_gateway(_strange_name(world), _free_address(world)))


async def _visit(world: World, stranger: Gateway) -> None:
    if world.random.random() < 0.3:
        stranger.press()
    await _lasts(world, 20, 400)
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


async def box_cable_is_pulled(world: World) -> None:
    box = world.network.box
    box.cable = False
    await _lasts(world, 0.5, 120)
    box.cable = True


async def box_address_changes(world: World) -> None:
    box = world.network.box
    box.ip = None
    await _lasts(world, 0.1, 30)
    box.ip = f"192.0.2.{world.random.randrange(50, 90)}"


async def gateway_cable_is_pulled(world: World) -> None:
    host = world.home.host
    host.cable = False
    await _lasts(world, 0.5, 150)
    host.cable = True
    world.air.announce(world.home)


async def lines_are_reset(world: World) -> None:
    for _ in range(world.random.randrange(1, 5)):
        for end in list(world.network.box.ends.values()):
            if world.random.random() < 0.7:
                end.cut()
        await _lasts(world, 0.01, 5)


async def notifications_get_lost(world: World) -> None:
    world.home.to_lose += world.random.randrange(1, 4)
    world.sure_of_count = False
    await _lasts(world, 5, 60)
    world.home.to_lose = 0


async def notifications_come_twice(world: World) -> None:
    world.home.to_double += world.random.randrange(1, 6)
    await _lasts(world, 5, 60)
    world.home.to_double = 0


async def gateway_talks_rubbish(world: World) -> None:
    for _ in range(world.random.randrange(1, 12)):
        world.home.garbage()
        await _lasts(world, 0.01, 10)


async def many_pages(world: World) -> None:
    for _ in range(world.random.randrange(2, 40)):
        world.home.floor.page()
        await _lasts(world, 0.0, 3)


async def a_rush(world: World) -> None:
    floor = world.home.floor
    for _ in range(world.random.randrange(20, 120)):
        floor.create() if world.random.random() < 0.6 else floor.change()
        if world.random.random() < 0.2:
            await _lasts(world, 0.0, 0.5)
    while len(floor.orders) > 40:
        floor.clear()


def _disk(**values: Any) -> Fault:
    async def fault(world: World) -> None:
        for name, value in values.items():
            setattr(world.disk, name, value)
        await _lasts(world, 10, 300)
        for name in values:
            setattr(world.disk, name, type(values[name])())

    return fault


async def disk_is_slow(world: World) -> None:
    world.threads.slow_disk = world.random.choice((1.0, 5.0, 15.0, 40.0))
    await _lasts(world, 30, 200)
    world.threads.slow_disk = 0.05


async def display_is_pulled(world: World) -> None:
    world.glass.gone = True
    await _lasts(world, 1, 200)
    world.glass.gone = False


async def display_hangs(world: World) -> None:
    world.glass.stuck_until = world.loop.time() + world.random.uniform(1, 100)
    await asyncio.sleep(world.glass.stuck_until - world.loop.time())


async def button_is_noisy(world: World) -> None:
    for _ in range(world.random.randrange(3, 60)):
        if world.panel is not None and world.box_runs:
            world.panel.press(True)
            await asyncio.sleep(world.random.uniform(0.0001, 0.02))
            world.panel.press(False)
        await _lasts(world, 0.001, 2)


async def button_sticks(world: World) -> None:
    """Longer than any hand would hold it, so that it means nothing."""
    boot = world.boots
    if world.panel is None or not world.box_runs:
        return
    world.panel.press(True)
    await asyncio.sleep(world.random.uniform(32, 120))
    if world.boots == boot and world.panel is not None:
        world.panel.press(False)


async def wall_clock_jumps(world: World) -> None:
    world.wall_offset += world.random.choice((-1e9, -3600, -7, 3600, 86400, 2e8))
    await asyncio.sleep(0.1)


async def gateway_clock_jumps(world: World) -> None:
    world.home.floor.offset += world.random.choice((-86400.0 * 400, -3600.0, 3600.0, 86400.0 * 30))
    await asyncio.sleep(0.1)


async def board_is_out_of_breath(world: World) -> None:
    for _ in range(world.random.randrange(1, 5)):
        seconds = world.random.uniform(0.1, 4.0)
        world.loop.stall(seconds)
        world.judge.stalled(seconds)
        await _lasts(world, 0.1, 10)


async def power_is_weak(world: World) -> None:
    world.weak_power = True
    await _lasts(world, 30, 200)
    world.weak_power = False


async def avahi_is_restarted(world: World) -> None:
    gateway = world.home
    if world.random.random() < 0.7:
        world.air.goodbye(gateway, gateway.name)
    await _lasts(world, 0.5, 20)
    world.air.announce(gateway)


CATALOGUE: dict[str, Fault] = {
    "box crashes": box_crashes,
    "box loses power": box_loses_power,
    "power goes in a write": power_goes_in_a_write,
    "box is restarted": box_is_restarted,
    "gateway loses power": gateway_loses_power,
    "gateway moves": gateway_moves,
    "gateway swaps places with a stranger": gateway_swaps_places,
    "gateway is renamed": gateway_is_renamed,
    "gateway is replaced": gateway_is_replaced,
    "tokens are deleted": tokens_are_deleted,
    "tokens are deleted and restored": tokens_are_deleted_and_restored,
    "stranger comes": stranger_comes,
    "pairing window is taken": window_is_taken,
    "box's cable is pulled": box_cable_is_pulled,
    "box's address changes": box_address_changes,
    "gateway's cable is pulled": gateway_cable_is_pulled,
    "nothing goes out": _weather(deaf=frozenset({"out"})),
    "nothing comes in": _weather(deaf=frozenset({"in"})),
    "nothing goes through": _weather(deaf=frozenset({"in", "out"})),
    "30 % loss": _weather(loss=0.3),
    "delays of 2 s": _weather(latency=(0.2, 2.0)),
    "everything comes in pieces": _weather(torn=0.95),
    "multicast gets lost": _weather(multicast=0.8),
    "lines are reset": lines_are_reset,
    "notifications get lost": notifications_get_lost,
    "notifications come twice": notifications_come_twice,
    "gateway talks rubbish": gateway_talks_rubbish,
    "gateway is mute": _mood("mute"),
    "gateway is half booted": _mood("half booted"),
    "gateway says nothing of orders": _mood("lazy"),
    "gateway answers with pages": _mood("html"),
    "gateway allows one feed": _mood("one feed"),
    "gateway numbers nothing": _mood("no seq"),
    "gateway numbers something else": _mood("useless seq"),
    "many pages": many_pages,
    "a rush": a_rush,
    "disk is full": _disk(full=True),
    "disk is read-only": _disk(read_only=True),
    "disk fails": _disk(failing=0.3),
    "disk is slow": disk_is_slow,
    "display is pulled": display_is_pulled,
    "display hangs": display_hangs,
    "button is noisy": button_is_noisy,
    "button sticks": button_sticks,
    "wall clock jumps": wall_clock_jumps,
    "gateway's clock jumps": gateway_clock_jumps,
    "board is out of breath": board_is_out_of_breath,
    "power supply is weak": power_is_weak,
    "avahi is restarted": avahi_is_restarted,
}


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
