"""A panel that remembers what it was told to show, for stories that wait for it and hands that press its button."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import Sound, View


class WatcherPanel:
    """Shows nothing, and knows all that was shown: `view` now, `sounds` since the start."""

    def __init__(self) -> None:
        self.view: View | None = None
        self.sounds: list[Sound] = []
        self._emit: Callable[[Event], None] = lambda _: None
        self._changed = asyncio.Event()

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Begin. Nothing here ever wants an end."""
        self._emit = emit

    def show(self, view: View, sound: Sound | None) -> None:
        """Remember a view, and a sound that starts."""
        self.view = view
        if sound is not None:
            self.sounds.append(sound)
        self._changed.set()

    async def close(self) -> None:
        """Nothing to close."""

    def press(self) -> None:
        """Tap the button."""
        self._emit(ButtonDown())
        self._emit(ButtonUp())

    def down(self) -> None:
        """Press the button and hold it."""
        self._emit(ButtonDown())

    def up(self) -> None:
        """Let go of the button."""
        self._emit(ButtonUp())

    async def until(self, true: Callable[[View], bool], within: float = 15.0) -> View:
        """Wait until what is shown is so. within: seconds.

        Raises:
            TimeoutError: It never was; the message is what is shown instead.
        """
        try:
            async with asyncio.timeout(within):
                while self.view is None or not true(self.view):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"after {within:.0f} s it shows {self.view}") from None
        return self.view
