"""A panel that records its views, for scripts that wait for a view and press the button."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import Sound, View


class RecordingPanel:
    """Displays nothing. view: the current view. sounds: all sounds since the start."""

    def __init__(self) -> None:
        self.view: View | None = None
        self.sounds: list[Sound] = []
        self._emit: Callable[[Event], None] = lambda _: None
        self._changed = asyncio.Event()

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start; this panel never quits."""
        self._emit = emit

    def show(self, view: View, sound: Sound | None) -> None:
        """Record a view, and a sound that starts."""
        self.view = view
        if sound is not None:
            self.sounds.append(sound)
        self._changed.set()

    async def close(self) -> None:
        """Do nothing."""

    def press(self) -> None:
        """Tap the button."""
        self._emit(ButtonDown())
        self._emit(ButtonUp())

    def down(self) -> None:
        """Press and hold the button."""
        self._emit(ButtonDown())

    def up(self) -> None:
        """Release the button."""
        self._emit(ButtonUp())

    async def until(self, true: Callable[[View], bool], within: float = 15.0) -> View:
        """Wait for a view that fulfils a condition. within: seconds.

        Raises:
            TimeoutError: With the current view in its message.
        """
        try:
            async with asyncio.timeout(within):
                while self.view is None or not true(self.view):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"timed out after {within:.0f} s at {self.view}") from None
        return self.view
