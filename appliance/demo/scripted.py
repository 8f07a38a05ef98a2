"""The scripted demo: plays a story unattended and checks each step: discovery, pairing, orders, page, outage.

Only the gateway is simulated; sockets, mDNS and the token file are real. Stays on the loopback interface, without root.
"""

from __future__ import annotations

import asyncio
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance.core.machine import begin
from appliance.core.values import Benchmarks
from appliance.core.view import Sound, Today, View
from appliance.demo.past import fortnight, lunch_clock
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.history.archive import Archive
from appliance.history.archiver import Archiver
from appliance.panel.braille import to_braille
from appliance.panel.drawing import draw
from appliance.runner import Runner
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore

LOOPBACK = "127.0.0.1"
NAME = "Demo gateway"


class StepFailedError(Exception):
    """A step of the story failed."""


class _Story:
    """The gateway, the box and methods to check steps."""

    def __init__(self, gateway: SimulatedGateway, box: RecordingPanel, state_dir: Path) -> None:
        self.gateway = gateway
        self.box = box
        self.token_file = state_dir / "token.json"
        self.archive = Archive(state_dir)
        self._began = time.monotonic()

    async def expect(
        self, what: str, true: Callable[[View], bool], within: float = 15.0, *, draw_it: bool = True
    ) -> None:
        """Wait for a view that fulfils a condition, and print the step and the view's picture."""
        try:
            view = await self.box.until(true, within)
        except TimeoutError as error:
            raise StepFailedError(f"{what}: {error}") from None
        lit = [f"{name} {mode}" for name, mode in _leds(view) if mode != "off"]
        print(f"{time.monotonic() - self._began:5.1f} s  {what}   [{', '.join(lit)}]", flush=True)
        # A terminal without braille would show question marks.
        if draw_it and "utf" in sys.stdout.encoding.lower():
            print("\n".join(f"         {row}" for row in to_braille(draw(view))), flush=True)

    def check(self, what: str, *, true: bool) -> None:
        """Check a condition, and print the step."""
        if not true:
            raise StepFailedError(what)
        print(f"{time.monotonic() - self._began:5.1f} s  {what}", flush=True)

    def heard(self, sound: Sound) -> int:
        """How often the buzzer has played a sound."""
        return self.box.sounds.count(sound)


async def play_story() -> int:
    """Play the story; the exit code: 0 if every step succeeded, else 1."""
    with tempfile.TemporaryDirectory(prefix="tt-appliance-demo-") as folder:
        try:
            await _play(Path(folder))
        except StepFailedError as failed:
            print(f"\nFailed: {failed}", flush=True)
            return 1
    print("\nEvery step succeeded.", flush=True)
    return 0


async def _play(state_dir: Path) -> None:
    clock = lunch_clock()
    gateway, box = SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK], clock=clock), RecordingPanel()
    gateway.restaurant.add_finished(fortnight(clock()))
    benchmarks = Benchmarks()
    effect_handlers = EffectHandlers(
        lambda emit: Discovery(emit, NAME, ["lo"]),
        TokenStore(state_dir),
        make_archiver=lambda: Archiver(Archive(state_dir), benchmarks),
    )
    runner = Runner(begin(benchmarks), effect_handlers, box)
    story = _Story(gateway, box, state_dir)
    running = asyncio.create_task(runner.run())
    try:
        await _run_steps(story)
    finally:
        runner.quit()
        await running
        await gateway.stop(goodbye=True)


async def _run_steps(story: _Story) -> None:
    gateway, box, restaurant = story.gateway, story.box, story.gateway.restaurant

    await story.expect("looking for the gateway", lambda view: view.state == "discovering")
    await gateway.start()
    await story.expect("gateway found", lambda view: view.state == "awaiting_pairing" and view.gateway == NAME)

    box.press()
    await story.expect("box's button pressed", lambda view: view.state == "pairing")
    restaurant.create_many(5, age=100.0)
    gateway.press_button()
    await story.expect("gateway's button pressed: paired", lambda view: view.active == 5)
    story.check("the buzzer confirmed the pairing", true=story.heard(Sound.PAIRED) == 1)
    mode = stat.S_IMODE(story.token_file.stat().st_mode)
    story.check("the token file is readable by its owner only", true=mode == 0o600)

    for table in ("4", "12", "7"):
        restaurant.create(order_type="ON_PREMISE", location=table)
    await story.expect("three more orders", lambda view: view.active == 8, draw_it=False)
    restaurant.clear(restaurant.active[0].uuid)
    restaurant.clear(restaurant.active[0].uuid)
    await story.expect("two orders cleared", lambda view: view.active == 6)

    restaurant.page(restaurant.active[0].uuid)
    tracker = restaurant.active[0].name
    await story.expect(
        "an order paged", lambda view: view.screen.words[0] == f"Tracker {tracker} paged" and view.paged == 1
    )
    story.check("the buzzer sounded", true=story.heard(Sound.PAGE) == 1)
    box.press()
    await story.expect("a press acknowledges the page", lambda view: view.screen.words[0] == "6", draw_it=False)
    box.press()
    await story.expect("the next press shows the next screen", lambda view: view.screen.words[0] == "Oldest orders")

    await _show_the_day(story)

    await gateway.stop()
    await story.expect("gateway lost", lambda view: view.state == "offline" and view.active is None)
    restaurant.page(restaurant.active[1].uuid)
    restaurant.create_many(1)
    gateway.host = "127.0.0.2"
    await gateway.start()
    await story.expect("gateway back at another address", lambda view: view.active == 7 and view.paged == 2, 30.0)
    story.check("the page during the outage sounded once", true=story.heard(Sound.PAGE) == 2)

    for order in list(restaurant.create_many(500)):
        restaurant.clear(order.uuid)
    restaurant.clear_all()
    await story.expect("1,000 changes at once, and no active orders", lambda view: view.active == 0)

    box.down()
    await story.expect("button held", lambda view: "in 2" in view.screen.words)
    box.up()
    await story.expect("button released early: still paired", lambda view: view.screen.words[0] == "0", draw_it=False)
    box.down()
    await story.expect("button held for 5 s", lambda view: view.screen.words[0] == "Let go now")
    box.up()
    await story.expect("button released: pairing deleted", lambda view: view.state == "awaiting_pairing")
    await asyncio.sleep(0.2)
    story.check("the token file is deleted", true=not story.token_file.exists())


async def _show_the_day(story: _Story) -> None:
    """The box reads the gateway's past orders some 20 s after its feed went live, and shows those of today."""
    box, restaurant = story.box, story.gateway.restaurant
    past = [order for order in restaurant.history() if order.state == "cleared"]
    newest = max(order.created.date() for order in past)
    today = sum(order.created.date() == newest for order in past)

    def shows_today(view: View) -> bool:
        return isinstance(view.screen, Today) and view.screen.finished == f"{today} done"

    deadline = time.monotonic() + 40.0
    while box.view is None or not shows_today(box.view):
        if time.monotonic() > deadline:
            raise StepFailedError(f"the screen of the day: {box.view}")
        if box.view is None or not isinstance(box.view.screen, Today):
            # The count returns by itself after some seconds.
            box.press()
        await asyncio.sleep(0.5)
    await story.expect(f"the day's screen: {today} orders done and 6 open", lambda view: view.active == 6)
    archived = await asyncio.to_thread(lambda: len(list(story.archive.orders(NAME))))
    story.check(f"the archive has all {len(past):,} orders of two weeks", true=archived == len(past))


def _leds(view: View) -> tuple[tuple[str, str], ...]:
    return ("green", view.leds.green), ("amber", view.leds.amber), ("red", view.leds.red)
