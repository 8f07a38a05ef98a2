"""The panel: what a View becomes (display, LEDs, buzzer), and the button that answers it.

Owns only the interface; each kind of panel has its own module, and the parts of the real one theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Only the types' names: what a display needs for its first picture is loaded first.
    from appliance.core.events import Event
    from appliance.core.view import Sound, View

__all__ = ["Keys", "Panel"]

Keys = Mapping[str, tuple[str, Callable[[], None]]]
"""Further keys of a panel that has a keyboard: what the legend says, and what is done in the loop's thread."""


class Panel(Protocol):
    """Something that shows a View and has a button. Its methods are called in the loop's thread and never block."""

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Begin, inside a running loop.

        emit: takes ButtonDown and ButtonUp. quit_: a person, or whoever reads this panel, wants an end.
        Both are called in the loop's thread.
        """

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: not None in the one call that starts a sound."""

    async def close(self) -> None:
        """Lights and sound off, display blanked. Takes a second at most, whatever is stuck."""
