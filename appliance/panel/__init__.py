"""The interface of a panel, which shows a View on display, LEDs and buzzer, and has a button.

Each kind of panel has its own module, and so has each part of the hardware panel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    # For the types only: the first picture must not wait for these imports.
    from appliance.core.events import Event
    from appliance.core.view import Sound, View

__all__ = ["HasDisplay", "Keys", "Page", "Panel"]

Keys = Mapping[str, tuple[str, Callable[[], None]]]
"""Additional keys of a panel with a keyboard: the text in the legend, and a function to call in the loop's thread."""

Page = Callable[[], Mapping[str, str]]
"""Returns an explanation of each key, to show instead of the display's picture; empty for none."""


class Panel(Protocol):
    """Shows a View and has a button. Call its methods in the loop's thread; they never block."""

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start, inside a running loop.

        emit: called with ButtonDown and ButtonUp. quit_: called when the user or the program that reads this panel
        quits. Both are called in the loop's thread.
        """

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: a sound to start; None for no new sound."""

    async def close(self) -> None:
        """Switch LEDs and sound off and blank the display. Takes one second at most, even if a part is stuck."""


@runtime_checkable
class HasDisplay(Protocol):
    """A panel with a display that may fail."""

    @property
    def display_works(self) -> bool | None:
        """Whether the display took the last picture; None before the first one."""
