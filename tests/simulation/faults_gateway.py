"""Faults of gateways: restarts, new addresses and names, replacement, deleted tokens, other gateways on the site."""

from __future__ import annotations

import asyncio

from tests.simulation.gateway import Gateway
from tests.simulation.patch_points import MOST_ORDERS
from tests.simulation.site import Fault, SimulatedSite

OLD_ADDRESS_FREE = 75.0
"""Seconds before DHCP gives an address to another host; no DHCP server is quicker."""


def in_fault_mode(mode: str) -> Fault:
    """The main gateway is in a fault mode for a while."""

    async def fault(site: SimulatedSite) -> None:
        gateway = site.main_gateway
        gateway.fault_modes.add(mode)
        await site.wait_between(2, 120)
        gateway.fault_modes.discard(mode)

    return fault


async def gateway_loses_power(site: SimulatedSite) -> None:
    gateway = site.main_gateway
    gateway.power_off()
    await site.wait_between(1, 200)
    _power_on(site, gateway)


async def gateway_moves(site: SimulatedSite) -> None:
    """The gateway restarts and gets another address by DHCP; sometimes without a restart."""
    gateway = site.main_gateway
    if site.random.random() < 0.7:
        gateway.power_off()
        await site.wait_between(1, 60)
    gateway.host.ip = _free_address(site)
    _power_on(site, gateway)


async def stranger_takes_old_address(site: SimulatedSite) -> None:
    """The gateway changes its address, and later a stranger gets the old one."""
    gateway, old = site.main_gateway, site.main_gateway.host.ip
    await gateway_moves(site)
    await asyncio.sleep(OLD_ADDRESS_FREE)
    if old is not None and old not in site.network.hosts() and len(site.gateways) < 3 and not site.fixed_address:
        await _visit(site, site.add_gateway(_strange_name(site), old))
    assert gateway is site.main_gateway


async def gateway_is_renamed(site: SimulatedSite) -> None:
    """Another device has the gateway's mDNS name, so the gateway renames itself."""
    gateway = site.main_gateway
    if site.fixed_address:
        return
    if site.random.random() < 0.5:
        site.multicast.goodbye(gateway, gateway.name)
    number = int(gateway.name.partition(" #")[2] or "1") + 1
    gateway.name = f"Kitchen #{number}"
    site.multicast.announce(gateway)
    await asyncio.sleep(1)


async def gateway_is_replaced(site: SimulatedSite) -> None:
    """Another gateway of the same name takes over, without the tokens and sometimes at another address."""
    gateway = site.main_gateway
    gateway.power_off()
    gateway.tokens.clear()
    gateway.restaurant.orders.clear()
    await site.wait_between(5, 100)
    if site.random.random() < 0.5:
        gateway.host.ip = _free_address(site)
    _power_on(site, gateway)


async def tokens_are_deleted(site: SimulatedSite) -> None:
    site.main_gateway.delete_tokens()
    await asyncio.sleep(1)


async def tokens_are_deleted_and_restored(site: SimulatedSite) -> None:
    gateway = site.main_gateway
    kept = set(gateway.tokens)
    gateway.delete_tokens()
    await site.wait_between(1, 100)
    gateway.tokens |= kept


async def stranger_appears(site: SimulatedSite) -> None:
    if len(site.gateways) < 3 and not site.fixed_address:
        await _visit(site, site.add_gateway(_strange_name(site), _free_address(site)))


async def _visit(site: SimulatedSite, stranger: Gateway) -> None:
    if site.random.random() < 0.3:
        stranger.press()
    await site.wait_between(20, 400)
    if site.random.random() < 0.5:
        site.multicast.goodbye(stranger, stranger.name)
    site.remove_gateway(stranger)


async def pairing_window_is_taken(site: SimulatedSite) -> None:
    """Another device requests the token first, each time the gateway's button is pressed."""
    gateway, until = site.main_gateway, site.loop.time() + 60
    while site.loop.time() < until:
        if gateway.window_until > site.loop.time():
            gateway.window_until = 0.0
            gateway.issued.append(gateway.issue())
        await asyncio.sleep(0.7)


async def notifications_are_lost(site: SimulatedSite) -> None:
    site.main_gateway.notifications_to_drop += site.random.randrange(1, 4)
    site.count_must_match = False
    await site.wait_between(5, 60)
    site.main_gateway.notifications_to_drop = 0


async def notifications_are_repeated(site: SimulatedSite) -> None:
    site.main_gateway.notifications_to_repeat += site.random.randrange(1, 6)
    await site.wait_between(5, 60)
    site.main_gateway.notifications_to_repeat = 0


async def malformed_messages(site: SimulatedSite) -> None:
    for _ in range(site.random.randrange(1, 12)):
        site.main_gateway.send_malformed()
        await site.wait_between(0.01, 10)


async def many_pages(site: SimulatedSite) -> None:
    for _ in range(site.random.randrange(2, 40)):
        site.main_gateway.restaurant.page()
        await site.wait_between(0.0, 3)


async def order_rush(site: SimulatedSite) -> None:
    restaurant = site.main_gateway.restaurant
    for _ in range(site.random.randrange(20, 120)):
        restaurant.create() if site.random.random() < 0.6 else restaurant.change()
        if site.random.random() < 0.2:
            await site.wait_between(0.0, 0.5)
    while len(restaurant.orders) > 40:
        restaurant.clear()


async def unreadable_orders(site: SimulatedSite) -> None:
    """Send full sets with malformed orders, and close feeds so that the box gets several of them."""
    restaurant = site.main_gateway.restaurant
    # A full set may omit an order's UUID that a later message includes; the next full set resolves it.
    site.count_must_match = False
    restaurant.unreadable = site.random.choice((0.1, 0.5, 1.0))
    for _ in range(site.random.randrange(1, 5)):
        for feed in list(site.main_gateway.feeds):
            feed.close(1001)
        await site.wait_between(1, 30)
    restaurant.unreadable = 0.0


async def too_many_orders(site: SimulatedSite) -> None:
    """Create more orders than the box holds: it must show no count, and recover once there are fewer."""
    restaurant = site.main_gateway.restaurant
    while len(restaurant.orders) < MOST_ORDERS + 10:
        restaurant.create()
    await site.wait_between(1, 120)
    while len(restaurant.orders) > 40:
        restaurant.clear()


async def token_is_delayed(site: SimulatedSite) -> None:
    """The gateway delays the token: beyond the pairing window, or beyond the client's timeout."""
    site.main_gateway.delete_tokens()
    await in_fault_mode("slow tokens")(site)


async def token_is_accepted_late(site: SimulatedSite) -> None:
    """The gateway issues a token, and accepts it only later."""
    site.main_gateway.delete_tokens()
    await in_fault_mode("late tokens")(site)
    # Only then has the site no fault any more.
    late = max(site.main_gateway.accepted_from.values(), default=0.0) - site.loop.time()
    if late > 0:
        await asyncio.sleep(late)


async def token_in_header_only(site: SimulatedSite) -> None:
    for feed in list(site.main_gateway.feeds):
        feed.close(1001)
    await in_fault_mode("header only")(site)


async def feeds_die(site: SimulatedSite) -> None:
    """The gateway flaps: it closes each feed at once, or soon."""
    site.main_gateway.feed_life = site.random.choice((0.0, 0.2, 2.0))
    for feed in list(site.main_gateway.feeds):
        feed.close(1001)
    await in_fault_mode("feeds die")(site)


async def gateway_clock_jumps(site: SimulatedSite) -> None:
    jumps = (-86400.0 * 400, -3600.0, -1200.0, 1500.0, 3600.0, 86400.0 * 30)
    site.main_gateway.restaurant.set_clock(site.random.choice(jumps))
    await asyncio.sleep(0.1)


async def orders_end_in_other_ways(site: SimulatedSite) -> None:
    """The gateway tells the end of orders by other types and words; each time a moment passes, as in a kitchen."""
    restaurant = site.main_gateway.restaurant
    restaurant.other_endings = True
    for _ in range(site.random.randrange(1, 30)):
        restaurant.create()
        await site.wait_between(0.1, 20)
        restaurant.clear()
    restaurant.other_endings = False


async def lists_are_capped(site: SimulatedSite) -> None:
    restaurant = site.main_gateway.restaurant
    restaurant.lists_most = site.random.choice((0, 1, 3, 8))
    # A change of an order that no list has may be that of another one; the next full set resolves it.
    site.count_must_match = False
    for _ in range(site.random.randrange(1, 4)):
        for feed in list(site.main_gateway.feeds):
            feed.close(1001)
        await site.wait_between(1, 60)
    restaurant.lists_most = None


async def avahi_is_restarted(site: SimulatedSite) -> None:
    gateway = site.main_gateway
    if site.random.random() < 0.7:
        site.multicast.goodbye(gateway, gateway.name)
    await site.wait_between(0.5, 20)
    site.multicast.announce(gateway)


def _power_on(site: SimulatedSite, gateway: Gateway) -> None:
    gateway.host.up = True
    site.multicast.announce(gateway)


def _free_address(site: SimulatedSite) -> str:
    while (ip := f"192.0.2.{site.random.randrange(100, 250)}") in site.network.hosts():
        pass
    return ip


def _strange_name(site: SimulatedSite) -> str:
    known = {gateway.name for gateway in site.gateways}
    return next(name for name in ("Bar", "Terrace", "Aurora", "Zum Löwen 2.0") if name not in known)
