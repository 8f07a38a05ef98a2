"""Keys in place of a button, for panels that people without the hardware use.

Owns which key does what, and whether the simulated finger is on the button.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.panel import Keys

LEAVE = ("q", "\x03")
TAP = (" ", "\r", "\n")
HOLD = "h"


class Keyboard:
    """keys: further ones, each with what the legend says and what it does."""

    def __init__(self, keys: Keys | None = None) -> None:
        self._keys = dict(keys or {})
        self._emit: Callable[[Event], None] = lambda _: None
        self._quit: Callable[[], None] = lambda: None
        self.held = False
        """Whether the button is down now."""

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """From now on keys mean something. emit, quit_: as a panel's."""
        self._emit, self._quit = emit, quit_

    @property
    def legend(self) -> Mapping[str, str]:
        """What each key does now."""
        own = {"space": "press", HOLD: "let go" if self.held else "hold", "q": "quit"}
        return own | {key: label for key, (label, _) in self._keys.items()}

    def type(self, key: str) -> None:
        """A key was typed; one that means nothing does nothing."""
        if key in LEAVE:
            self._quit()
        elif key in TAP:
            # A finger that holds the button can't tap it; letting go is what a person would do next.
            self.press()
            self.release()
        elif key == HOLD:
            if self.held:
                self.release()
            else:
                self.press()
        elif key in self._keys:
            self._keys[key][1]()

    def press(self) -> None:
        """The button goes down, unless it is."""
        if not self.held:
            self.held = True
            self._emit(ButtonDown())

    def release(self) -> None:
        """The button comes up, if it was down."""
        if self.held:
            self.held = False
            self._emit(ButtonUp())
