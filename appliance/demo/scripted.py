"""The whole story, played unattended and checked step by step: discover, pair, orders, page, gateway lost, back.

Everything is real but the gateway: sockets, mDNS, flash. Nothing leaves the loopback interface, and no root is needed.
"""

from __future__ import annotations

import asyncio
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance.core.machine import begin
from appliance.core.values import Benchmarks
from appliance.core.view import Sound, View
from appliance.demo.recording_panel import WatcherPanel
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.panel.braille import to_braille
from appliance.panel.drawing import draw
from appliance.runner import Runner
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore

LOOPBACK = "127.0.0.1"
NAME = "Demo gateway"


class StepFailedError(Exception):
    """A step of the story did not happen."""


class _Story:
    """What the steps work on, and the way to check one."""

    def __init__(self, gateway: SimulatedGateway, box: WatcherPanel, state_dir: Path) -> None:
        self.gateway = gateway
        self.box = box
        self.token_file = state_dir / "token.json"
        self._began = time.monotonic()

    async def see(self, what: str, true: Callable[[View], bool], within: float = 15.0, *, draw_it: bool = True) -> None:
        """Wait until the box shows something, and tell of it."""
        try:
            view = await self.box.until(true, within)
        except TimeoutError as error:
            raise StepFailedError(f"{what}: {error}") from None
        lit = [f"{name} {light}" for name, light in _lights(view) if light != "off"]
        print(f"{time.monotonic() - self._began:5.1f} s  {what}   [{', '.join(lit)}]", flush=True)
        if draw_it:
            print("\n".join(f"         {row}" for row in to_braille(draw(view))), flush=True)

    def check(self, what: str, *, true: bool) -> None:
        """Check a fact beside the screen, and tell of it."""
        if not true:
            raise StepFailedError(what)
        print(f"{time.monotonic() - self._began:5.1f} s  {what}", flush=True)

    def heard(self, sound: Sound) -> int:
        """How often the buzzer gave a sound so far."""
        return self.box.sounds.count(sound)


async def play_story() -> int:
    """Play the story; the process's exit code: 0 if every step happened, else 1."""
    with tempfile.TemporaryDirectory(prefix="tt-appliance-demo-") as folder:
        try:
            await _play(Path(folder))
        except StepFailedError as failed:
            print(f"\nThis did not happen: {failed}", flush=True)
            return 1
    print("\nThe whole story happened.", flush=True)
    return 0


async def _play(state_dir: Path) -> None:
    gateway, box = SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK]), WatcherPanel()
    effect_handlers = EffectHandlers(lambda tell: Discovery(tell, NAME, ["lo"]), TokenStore(state_dir))
    runner = Runner(begin(Benchmarks()), effect_handlers, box)
    story = _Story(gateway, box, state_dir)
    running = asyncio.create_task(runner.run())
    try:
        await _tell(story)
    finally:
        runner.quit()
        await running
        await gateway.stop(goodbye=True)


async def _tell(story: _Story) -> None:
    gateway, box, floor = story.gateway, story.box, story.gateway.floor

    await story.see("looking for the gateway", lambda view: view.state == "discovering")
    await gateway.start()
    await story.see("the gateway is found", lambda view: view.state == "awaiting_pairing" and view.gateway == NAME)

    box.press()
    await story.see("the box's button is pressed", lambda view: view.state == "pairing")
    floor.create_many(5, age=100.0)
    gateway.press_button()
    await story.see("the gateway's button is pressed: paired", lambda view: view.active == 5)
    story.check("the box said so", true=story.heard(Sound.PAIRED) == 1)
    mode = stat.S_IMODE(story.token_file.stat().st_mode)
    story.check("the token is on flash, for its owner alone", true=mode == 0o600)

    for table in ("4", "12", "7"):
        floor.create(order_type="ON_PREMISE", location=table)
    await story.see("three more orders", lambda view: view.active == 8, draw_it=False)
    floor.clear(floor.active[0].uuid)
    floor.clear(floor.active[0].uuid)
    await story.see("two are cleared", lambda view: view.active == 6)

    floor.page(floor.active[0].uuid)
    tracker = floor.active[0].name
    await story.see("an order is paged", lambda view: view.screen.words[0] == f"paged {tracker}" and view.paged == 1)
    story.check("the buzzer sounded", true=story.heard(Sound.PAGE) == 1)
    box.press()
    await story.see("a press answers it", lambda view: view.screen.words[0] == "6", draw_it=False)
    box.press()
    await story.see("the next one turns the page", lambda view: view.screen.words[0] == "Oldest orders")

    await gateway.stop()
    await story.see("the gateway is lost", lambda view: view.state == "offline" and view.active is None)
    floor.page(floor.active[1].uuid)
    floor.create_many(1)
    gateway.host = "127.0.0.2"
    await gateway.start()
    await story.see("it is back, at another address", lambda view: view.active == 7 and view.paged == 2, 30.0)
    story.check("what was paged meanwhile sounded once", true=story.heard(Sound.PAGE) == 2)

    for order in list(floor.create_many(500)):
        floor.clear(order.uuid)
    floor.clear_all()
    await story.see("a rush of 1,000 changes, and all is delivered", lambda view: view.active == 0)

    box.down()
    await story.see("the button is held", lambda view: "in 2" in view.screen.words)
    box.up()
    await story.see("and let go in time: nothing is forgotten", lambda view: view.screen.words[0] == "0", draw_it=False)
    box.down()
    await story.see("it is held for 5 s", lambda view: view.screen.words[0] == "Let go now")
    box.up()
    await story.see("and let go: the pairing is forgotten", lambda view: view.state == "awaiting_pairing")
    await asyncio.sleep(0.2)
    story.check("no token is left on flash", true=not story.token_file.exists())


def _lights(view: View) -> tuple[tuple[str, str], ...]:
    return ("green", view.leds.green), ("amber", view.leds.amber), ("red", view.leds.red)
