"""The person who presses buttons: pairs the box when its screen asks for it, and sometimes taps or holds otherwise."""

from __future__ import annotations

import asyncio

from appliance.core.reasons import CONFIRM, OTHER_GATEWAY
from appliance.core.states import AwaitingPairing, Connected, Offline, Pairing
from tests.simulation.site import SimulatedSite

PAIRING_TIMEOUT = 240.0
"""Seconds after which the person gives up pairing: two pairing windows."""
FAULT_FREE_FOR = 60.0
"""Seconds without a fault after which pairing must succeed."""
HOLD_SECONDS = 5.3
"""Seconds of a hold that changes the gateway or declines one."""


async def tap(site: SimulatedSite, seconds: float = 0.12) -> None:
    """Press and release the button, with up to two contact bounces."""
    panel = site.panel
    if panel is None or not site.box_running:
        return
    for _ in range(site.random.randrange(3)):
        panel.press(True)
        await asyncio.sleep(0.002)
        panel.press(False)
        await asyncio.sleep(0.002)
    panel.press(True)
    await asyncio.sleep(seconds)
    panel.press(False)
    await asyncio.sleep(0.1)


async def operate_button(site: SimulatedSite) -> None:
    """Check the screen at random intervals for ever and do what it asks for."""
    random = site.random
    while True:
        await asyncio.sleep(random.uniform(5, 60))
        if not site.box_running:
            continue
        state, view = site.state, site.checker.view
        site.person_active = True
        match state:
            case AwaitingPairing() | Pairing():
                await pair_box(site)
            case Offline() if view is not None and view.reason == OTHER_GATEWAY and random.random() < 0.2:
                credential = state.world.credential
                if credential is not None and site.gateway_named(credential.gateway) is None:
                    # That gateway was removed from the site.
                    site.note("person changes the gateway")
                    await tap(site, HOLD_SECONDS)
            case Connected() if random.random() < 0.1:
                await tap(site)
            case _ if random.random() < 0.02:
                await tap(site, random.uniform(1.2, 4.5))
            case _:
                pass
        site.person_active = False


async def pair_box(site: SimulatedSite) -> None:
    """Press both buttons; confirm the right gateway's name and decline any other."""
    random = site.random
    site.note("person pairs the box")
    began, boot = site.loop.time(), site.boots
    if isinstance(site.state, AwaitingPairing):
        await tap(site)
    await asyncio.sleep(random.uniform(1, 50))
    until = site.loop.time() + PAIRING_TIMEOUT
    site.main_gateway.press()
    pressed = site.loop.time()
    while site.loop.time() < until and site.box_running:
        await asyncio.sleep(random.uniform(0.5, 3))
        view = site.checker.view
        if view is None or isinstance(site.state, Connected):
            return
        if view.state == "pairing" and view.reason == CONFIRM:
            await tap(site, 0.12 if view.gateway == site.main_gateway.name else HOLD_SECONDS)
        elif view.state == "awaiting_pairing":
            await tap(site)
            site.main_gateway.press()
        elif view.state == "pairing" and site.loop.time() > pressed + 20:
            site.main_gateway.press()
            pressed = site.loop.time()
    if boot == site.boots and site.box_running and site.fault_free_since + FAULT_FREE_FOR <= began:
        site.checker.report_dead_end("a person has tried to pair the box for minutes, without any fault")
