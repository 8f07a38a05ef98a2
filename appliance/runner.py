"""The main loop: event -> step -> effects -> view. EffectHandlers carries out the effects concurrently."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from appliance import systemd
from appliance.aio import compute_in_thread
from appliance.core import machine
from appliance.core.effects import Effect, MakeSound
from appliance.core.events import (
    ButtonDown,
    Event,
    FeedNotified,
    FeedOpened,
)
from appliance.core.formatting import legible
from appliance.core.notifications import OrdersReplaced
from appliance.core.present import farewell, present
from appliance.core.states import Connected, Connecting, Offline, State
from appliance.core.view import Sound, View
from appliance.effect_handlers import EffectHandlers
from appliance.panel import Panel

log = logging.getLogger("appliance")

FRAME_INTERVAL = 0.05
"""Least seconds between two pictures: a flood of changes is not drawn change by change."""
CHANGES_AT_ONCE, CHANGE_INTERVAL = 3, 1.0
"""Changes of the state to show at once, and seconds after which one more is due: announcements may come and go ten
times a second, and nobody can read that."""
PRESS_ANSWER = 2.0
"""Seconds after a press in which every change is shown: it may be the answer."""
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
        self._changes_left = float(CHANGES_AT_ONCE)
        self._changed_at = float("-inf")

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
        if not sounds and not self._pressed and self._flickers(shown.view, now):
            return now + CHANGE_INTERVAL * (1 - self._changes_left)
        for sound in sounds or (None,):
            if sound is not None or shown.view != self._shown:
                self._panel.show(shown.view, sound)
        self._log_change(shown.view)
        self._shown, self._shown_at = shown.view, now
        return max(shown.until, now + FRAME_INTERVAL)

    def _flickers(self, view: View, now: float) -> bool:
        """Whether a view has to wait, because the state changed too often. A count that ends never waits."""
        last = self._shown
        if last is None or _state_of(last) == _state_of(view):
            return False
        self._changes_left = min(CHANGES_AT_ONCE, self._changes_left + (now - self._changed_at) / CHANGE_INTERVAL)
        self._changed_at = now
        answers = now < self.state.world.pressed_at + PRESS_ANSWER or "pairing" in (last.state, view.state)
        if self._changes_left < 1 and last.active is None and not answers:
            return True
        self._changes_left = max(0.0, self._changes_left - 1)
        return False

    def _log_change(self, view: View) -> None:
        last = self._shown
        if last is not None and _state_of(last)[:3] == _state_of(view)[:3]:
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
            if isinstance(state, Connecting | Offline):
                held = len(state.link.book.held)
            else:
                held = len(state.book.held) if isinstance(state, Connected) else 0
            return (
                held + sum(len(each.orders) for each in event.notifications if isinstance(each, OrdersReplaced))
                > MANY_ORDERS
            )
        case _:
            return False


def _state_of(view: View) -> tuple[str, str | None, str | None, str | None]:
    """What a view says of the state, and not of the orders."""
    return view.state, view.reason, view.gateway, view.address
