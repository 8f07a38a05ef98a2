"""The main loop: event -> step -> effects -> view. EffectHandlers carries out the effects concurrently."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from appliance import systemd
from appliance.aio import compute_in_thread
from appliance.core import machine
from appliance.core.effects import Effect, MakeSound
from appliance.core.events import ButtonDown, Event, FeedNotified, FeedOpened, OrdersReplaced
from appliance.core.formatting import legible
from appliance.core.present import farewell, present
from appliance.core.states import Connected, Offline, State
from appliance.core.view import Sound, View
from appliance.effect_handlers import EffectHandlers
from appliance.panel import Panel

log = logging.getLogger("appliance")

FRAME_INTERVAL = 0.05
"""Least seconds between two pictures: a flood of changes is not drawn change by change."""
EVENTS_AT_ONCE = 1000
"""Events to process before updating the panel."""
MANY_ORDERS = 5_000
"""Orders from which on an event is processed on a thread: fewer take less than 0.5 s on the slowest board."""
LONGEST_STEP = 180.0
"""Seconds: 100,000 orders take 20 on the slowest board. After more than this, the step hangs, and the watchdog acts."""


class Runner:
    """Runs the appliance until quit() is called, or an effect handler or the panel fails."""

    def __init__(self, state: State, effect_handlers: EffectHandlers, panel: Panel) -> None:
        self.state = state
        self._effect_handlers = effect_handlers
        self._panel = panel
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._quit = asyncio.Event()
        self._shown: View | None = None
        self._shown_at = float("-inf")
        self._pressed = False

    def post(self, event: Event) -> None:
        """Queue an event. Call it in the loop's thread."""
        self._events.append(event)
        self._wake.set()

    def quit(self) -> None:
        """Shut down in an orderly way. Call it in the loop's thread."""
        self._quit.set()
        self._wake.set()

    async def run(self) -> None:
        """Run until quit() is called.

        Raises:
            ExceptionGroup: An effect handler or the panel failed; the process should exit and be restarted.
        """
        self._loop = asyncio.get_running_loop()
        self._panel.start(self.post, self.quit)
        try:
            async with self._effect_handlers.running(self.post):
                await self._loop_until_quit()
                systemd.stopping()
                if self._shown is not None:
                    self._panel.show(farewell(self._shown), None)
        finally:
            await self._panel.close()

    async def _loop_until_quit(self) -> None:
        """Process events and update the panel until quit() is called."""
        systemd.ready()
        interval = systemd.watchdog_interval()
        while not self._quit.is_set():
            sounds = await self._take_events(interval)
            now = self._loop.time()
            until = self._show(now, sounds)
            if interval is not None:
                systemd.watchdog()
                until = min(until, now + interval)
            if self._events:
                await asyncio.sleep(0)
                continue
            alarm = self._loop.call_at(until, self._wake.set) if until < float("inf") else None
            await self._wake.wait()
            self._wake.clear()
            if alarm is not None:
                alarm.cancel()

    async def _take_events(self, interval: float | None) -> list[Sound]:
        """Process waiting events; return the sounds to make. interval: seconds between two beats of the watchdog."""
        sounds: list[Sound] = []
        self._pressed = False
        for _ in range(min(len(self._events), EVENTS_AT_ONCE)):
            event = self._events.popleft()
            self._effect_handlers.observe(event)
            self._pressed |= isinstance(event, ButtonDown)
            if _has_many_orders(self.state, event):
                effects = await self._step_on_thread(event, interval)
            else:
                self.state, effects = machine.step(self.state, event, self._loop.time())
            for effect in effects:
                if isinstance(effect, MakeSound):
                    sounds.append(effect.sound)
                else:
                    self._effect_handlers.handle(effect)
        return sounds

    async def _step_on_thread(self, event: Event, interval: float | None) -> tuple[Effect, ...]:
        """Process an event on a thread, which the core's purity allows; return the effects. quit() ends the wait."""
        state, now = self.state, self._loop.time()
        step = asyncio.create_task(compute_in_thread(lambda: machine.step(state, event, now), "process many orders"))
        quits = asyncio.create_task(self._quit.wait())
        try:
            while not step.done():
                await asyncio.wait((step, quits), timeout=interval, return_when=asyncio.FIRST_COMPLETED)
                if quits.done():
                    return ()
                if self._loop.time() < now + LONGEST_STEP:
                    systemd.watchdog()
            self.state, effects = step.result()
            return effects
        finally:
            step.cancel()
            quits.cancel()

    def _show(self, now: float, sounds: list[Sound]) -> float:
        """Show the state if it is due; return the time of the next update."""
        # React to a press or a sound at once, whatever the frame interval.
        if not sounds and not self._pressed and now < self._shown_at + FRAME_INTERVAL:
            return self._shown_at + FRAME_INTERVAL
        shown = present(self.state, now)
        for sound in sounds or (None,):
            if sound is not None or shown.view != self._shown:
                self._panel.show(shown.view, sound)
        self._log_change(shown.view)
        self._shown, self._shown_at = shown.view, now
        return max(shown.until, now + FRAME_INTERVAL)

    def _log_change(self, view: View) -> None:
        last = self._shown
        if last is not None and (last.state, last.reason, last.gateway) == (view.state, view.reason, view.gateway):
            return
        words = view.state.replace("_", " ") + (f" ({view.reason})" if view.reason else "")
        about = f": {legible(view.gateway)}" if view.gateway else ""
        at = f" at {view.address}" if view.gateway and view.address and view.address != view.gateway else ""
        systemd.status(words + about)
        level = logging.WARNING if isinstance(self.state, Offline) else logging.INFO
        log.log(level, "%s%s%s", words.capitalize(), about, at)


def _has_many_orders(state: State, event: Event) -> bool:
    """Whether the core works on so many orders at this event that the event loop would stand still."""
    match event:
        case FeedOpened():
            return len(event.orders) > MANY_ORDERS
        case FeedNotified():
            held = len(state.book.held) if isinstance(state, Connected) else 0
            return (
                held + sum(len(each.orders) for each in event.notifications if isinstance(each, OrdersReplaced))
                > MANY_ORDERS
            )
        case _:
            return False
