"""Maps keys to button events, for panels without hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.panel import Keys

LEAVE = ("q", "\x03")
TAP = (" ", "\r", "\n")
HOLD = "h"


class Keyboard:
    """Simulates the button. keys: additional keys, as in Keys."""

    def __init__(self, keys: Keys | None = None) -> None:
        self._keys = dict(keys or {})
        self._emit: Callable[[Event], None] = lambda _: None
        self._quit: Callable[[], None] = lambda: None
        self.held = False
        """Whether the simulated button is down."""

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start to handle keys. emit, quit_: see Panel.start."""
        self._emit, self._quit = emit, quit_

    @property
    def legend(self) -> Mapping[str, str]:
        """The current action of each key, as text."""
        own = {"space": "press", HOLD: "let go" if self.held else "hold", "q": "quit"}
        return own | {key: label for key, (label, _) in self._keys.items()}

    def type(self, key: str) -> None:
        """Handle a typed key; unknown keys are ignored."""
        if key in LEAVE:
            self._quit()
        elif key in TAP:
            # If the button is held, a tap just releases it.
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
        """Press the button, unless it is down."""
        if not self.held:
            self.held = True
            self._emit(ButtonDown())

    def release(self) -> None:
        """Release the button, if it is down."""
        if self.held:
            self.held = False
            self._emit(ButtonUp())
