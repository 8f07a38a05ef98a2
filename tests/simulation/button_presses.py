"""The people of the restaurant: a hand that pairs the box when it asks for it, and plays with its button meanwhile."""

from __future__ import annotations

import asyncio

from appliance.core.reasons import CONFIRM, OTHER_GATEWAY
from appliance.core.states import AwaitingPairing, Connected, Offline, Pairing
from tests.simulation.site import World

PATIENCE = 240.0
"""Seconds after which a hand that pairs gives up: two windows."""
CALM = 60.0
"""Seconds without a fault after which a hand can expect that all works."""
HOLD = 5.3
"""Seconds of a hold that means it."""


async def tap(world: World, seconds: float = 0.12) -> None:
    """Press the button, with a bounce or two, and let go."""
    panel = world.panel
    if panel is None or not world.box_runs:
        return
    for _ in range(world.random.randrange(3)):
        panel.press(True)
        await asyncio.sleep(0.002)
        panel.press(False)
        await asyncio.sleep(0.002)
    panel.press(True)
    await asyncio.sleep(seconds)
    panel.press(False)
    await asyncio.sleep(0.1)


async def people(world: World) -> None:
    """For ever: look now and then, and do what the screen asks for."""
    random = world.random
    while True:
        await asyncio.sleep(random.uniform(5, 60))
        if not world.box_runs:
            continue
        state, view = world.state, world.judge.view
        world.hand_busy = True
        match state:
            case AwaitingPairing() | Pairing():
                await pair(world)
            case Offline() if view is not None and view.reason == OTHER_GATEWAY and random.random() < 0.2:
                credential = state.world.credential
                if credential is not None and world.gateway_of(credential.gateway) is None:
                    # The gateway of that name is gone for good.
                    world.note("hand changes the gateway")
                    await tap(world, HOLD)
            case Connected() if random.random() < 0.1:
                await tap(world)
            case _ if random.random() < 0.02:
                await tap(world, random.uniform(1.2, 4.5))
            case _:
                pass
        world.hand_busy = False


async def pair(world: World) -> None:
    """Press here, press there, confirm the right name and decline a wrong one."""
    random = world.random
    world.note("hand pairs")
    began, boot = world.loop.time(), world.boots
    if isinstance(world.state, AwaitingPairing):
        await tap(world)
    await asyncio.sleep(random.uniform(1, 50))
    until = world.loop.time() + PATIENCE
    world.home.press()
    pressed = world.loop.time()
    while world.loop.time() < until and world.box_runs:
        await asyncio.sleep(random.uniform(0.5, 3))
        view = world.judge.view
        if view is None or isinstance(world.state, Connected):
            return
        if view.state == "pairing" and view.reason == CONFIRM:
            await tap(world, 0.12 if view.gateway == world.home.name else HOLD)
        elif view.state == "awaiting_pairing":
            await tap(world)
            world.home.press()
        elif view.state == "pairing" and world.loop.time() > pressed + 20:
            world.home.press()
            pressed = world.loop.time()
    if boot == world.boots and world.box_runs and world.calm_since + CALM <= began:
        world.judge.stuck("a hand has tried for minutes to pair it, and nothing hinders it")
