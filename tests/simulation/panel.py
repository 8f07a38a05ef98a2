"""The panel in virtual time: the product's own parts on pins and a display that the simulation holds in its hand.

Owns the display's thread, which here is a chain of timers, and what the glass shows. All else is the product's: what
is sent to the display and when it is set up again, LEDs, buzzer and button, on gpiozero's own mock pins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from gpiozero.pins.mock import MockFactory, MockPin

from appliance.core.view import Power, Sound, View
from appliance.panel.display import Display, Paint, Timing
from appliance.panel.hardware import HardwarePanel

log = logging.getLogger("appliance.panel.oled")

BUTTON, BUZZER = 17, 18
DRAWN = 400
"""One picture in so many is really drawn; of the others it is only known which they would be."""


@dataclass
class Glass:
    """The display itself. gone: pulled out. stuck_until: until when its bus hangs. shown: the picture's view."""

    random: Random
    gone: bool = False
    stuck_until: float = 0.0
    shown: View | None = None
    on: bool = True


class _Device:
    """What the product takes for a device of luma's."""

    size = (128, 64)

    def __init__(self, glass: Glass) -> None:
        self._glass = glass
        self._serial_interface = self
        self._reach()

    def _reach(self) -> None:
        if self._glass.gone:
            raise OSError(121, "Remote I/O error")

    def display(self, picture: Any) -> bool:
        self._reach()
        self._glass.shown = picture
        return True

    def command(self, *_: int) -> None:
        self._reach()

    contrast = command
    refresh = command

    def hide(self) -> None:
        self._reach()
        self._glass.on = False

    def show(self) -> None:
        self._reach()
        self._glass.on = True

    def cleanup(self) -> None:
        """Nothing to give back."""


class SimOled:
    """Stands for the product's Oled. glass: set by the simulation before it is made."""

    glass: Glass

    def __init__(self, *_: Any, changed: Callable[[], None], **__: Any) -> None:
        self._loop = asyncio.get_running_loop()
        # A probe stands for a heartbeat that did not come; here they come seldom, to save work.
        self._timing = Timing(probe=20.0)
        glass = self.glass
        self._display = Display(lambda: _Device(glass), 127, self._timing, self._loop.time)
        self._changed = changed
        self._wanted: tuple[Paint, Power] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._delay = self._timing.retry
        self._closed = False
        self.fault: str | None = None

    def show_first(self, paint: Paint) -> None:
        self.show(paint)

    def start(self) -> None:
        """It began when it was made."""

    def show(self, paint: Paint, power: Power = Power.BRIGHT) -> None:
        self._wanted = (self._cheap(paint), power)
        # A display that failed is set up again in its own time, whatever there is to show.
        if self._display.works or self._timer is None:
            self._work_in(0.001)

    def kill(self) -> None:
        """Its process is gone."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        self.kill()
        if self._loop.time() < self.glass.stuck_until:
            await asyncio.sleep(0.5)
        elif self._display.works and not self.glass.gone:
            self._display.blank()
            self.glass.shown = None

    def _cheap(self, paint: Paint) -> Paint:
        view = paint.args[0] if hasattr(paint, "args") else None

        def draw(size: tuple[int, int]) -> Any:
            if self.glass.random.randrange(DRAWN) == 0:
                paint(size)
            return view

        return draw

    def _work_in(self, seconds: float) -> None:
        due = max(self._loop.time() + seconds, self.glass.stuck_until)
        if self._timer is not None:
            if due >= self._due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._work)
        if self.glass.stuck_until - self._loop.time() > self._timing.stuck:
            self._loop.call_later(self._timing.stuck, self._tell, "the bus is stuck")

    def _work(self) -> None:
        self._timer, self._due = None, float("inf")
        if self._closed:
            return
        paint, power = self._wanted or (None, Power.BRIGHT)
        try:
            self._display.update(paint, power)
        except OSError as error:
            self._tell(str(error))
            self._display.release()
            wait, self._delay = self._delay, min(2 * self._delay, self._timing.retry_most)
        else:
            self._tell(None)
            wait, self._delay = self._display.wait, self._timing.retry
        self._work_in(max(0.001, wait))

    def _tell(self, fault: str | None) -> None:
        if (fault is None) != (self.fault is None) and not self._closed:
            self.fault = fault
            log.info("display: %s", fault)
            self._changed()


class _Pin(MockPin):  # type: ignore[misc]
    """A pin that keeps no record of itself."""

    def _change_state(self, value: Any) -> bool:
        changed = bool(super()._change_state(value))
        self.clear_states()
        return changed


class SimPanel(HardwarePanel):
    """The real panel on mock pins. watch: told of each view and sound before they are shown."""

    def __init__(self, watch: Callable[[View, Sound | None], None]) -> None:
        self.factory = MockFactory(pin_class=_Pin)
        super().__init__(contrast=127, button=BUTTON, green=5, amber=6, red=13, buzzer=BUZZER, pin_factory=self.factory)
        self._watcher = watch

    def show(self, view: View, sound: Sound | None) -> None:
        self._watcher(view, sound)
        super().show(view, sound)

    def press(self, down: bool) -> None:
        """Move the button; to a panel that is closed, nothing happens."""
        if self._button is not None and not self._closed:
            pin = self.factory.pin(BUTTON)
            if down:
                pin.drive_low()
            else:
                pin.drive_high()

    def kill(self) -> None:
        """Its process is gone, perhaps before it ever began to run."""
        cast(SimOled, self._oled).kill()

    async def close(self) -> None:
        await super().close()
        self.factory.reset()
