"""What the panel shows, as the lines of the status."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

from appliance import __version__
from appliance.core.events import Event
from appliance.core.view import Sound, View
from appliance.logs import LastProblem
from appliance.panel import HasDisplay, Panel
from appliance.panel.headless import to_facts, to_line
from appliance.status.card import card_facts, read_slot
from appliance.status.clock import is_synchronised

DAY = 24 * 3600
"""Seconds."""
MOST_LINES = 8
"""Lines to hold for one slow reader, before the oldest is dropped: it wants the newest."""


class StatusPublisher:
    """A panel that shows everything on another one, and offers it as lines of JSON.

    last_problem: of the log. state_dir: identifies the appliance to its readers. settings_read: the settings file could
    be read, whatever is wrong in it. root: of the card's files.
    """

    def __init__(
        self,
        panel: Panel,
        last_problem: LastProblem,
        state_dir: Path,
        *,
        settings_read: bool = True,
        root: Path = Path("/"),
    ) -> None:
        self._panel = panel
        self._last_problem = last_problem
        self.state_dir = state_dir
        self._settings_read = settings_read
        self._root = root
        self._slot = read_slot(root)
        self._identity = os.path.realpath(state_dir)
        self._readers: set[asyncio.Queue[bytes]] = set()
        self._view: View | None = None
        self._ageless = ""
        self._began = self._shown_at = self._since = 0.0

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start the panel."""
        self._began = asyncio.get_running_loop().time()
        self._panel.start(emit, quit_)

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view, and pass it on to the readers if its words, LEDs or counts changed."""
        self._panel.show(view, sound)
        now = asyncio.get_running_loop().time()
        if self._view is None or view.state != self._view.state:
            self._since = now
        ageless = to_line(dataclasses.replace(view, oldest=None), None) + f"{view.late} {view.update}"
        changed = ageless != self._ageless or sound is not None
        self._view, self._shown_at, self._ageless = view, now, ageless
        if changed and self._readers:
            line = self._line(view, sound)
            for reader in self._readers:
                if reader.full():
                    reader.get_nowait()
                reader.put_nowait(line)

    async def close(self) -> None:
        """Close the panel."""
        await self._panel.close()

    def subscribe(self) -> asyncio.Queue[bytes]:
        """The lines from now on, for one reader: first the present one."""
        reader: asyncio.Queue[bytes] = asyncio.Queue(MOST_LINES)
        if self._view is not None:
            reader.put_nowait(self._line(self._view, None))
        self._readers.add(reader)
        return reader

    def unsubscribe(self, reader: asyncio.Queue[bytes]) -> None:
        """Stop adding lines for a reader."""
        self._readers.discard(reader)

    @property
    def situation(self) -> str:
        """The state and its reason in words."""
        view = self._view
        if view is None:
            return "starting"
        return view.state.replace("_", " ") + (f" ({view.reason})" if view.reason else "")

    def _line(self, view: View, sound: Sound | None) -> bytes:
        now = asyncio.get_running_loop().time()
        if view.oldest is not None:
            # The view is drawn anew when a minute is over, and not each second.
            view = dataclasses.replace(view, oldest=view.oldest + int(now - self._shown_at))
        problem = self._last_problem
        facts = to_facts(view, sound) | {
            "late": view.late,
            "since_s": int(now - self._since),
            "version": __version__,
            "uptime_s": int(now - self._began),
            "clock_synchronised": is_synchronised(),
            "gateway_time": _gateway_time(view, now),
            "last_error": problem.text,
            "last_error_s": None if problem.text is None else int(now - problem.at),
            "state_dir": self._identity,
            "settings_read": self._settings_read,
            "display_works": self._panel.display_works if isinstance(self._panel, HasDisplay) else None,
            **card_facts(self._slot, view.update, self._root),
        }
        return json.dumps(facts).encode() + b"\n"


def _gateway_time(view: View, now: float) -> str | None:
    """The gateway's local time of day, such as 04:12:09; None if it is unknown."""
    if view.gateway_offset is None:
        return None
    minutes, seconds = divmod(int(view.gateway_offset + now) % DAY, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
