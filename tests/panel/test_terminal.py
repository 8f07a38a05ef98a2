"""The terminal panel on a pseudo terminal, read by a terminal emulator."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pyte
import pytest

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import LedMode, Leds, Line, Message, Size, Sound, View
from appliance.panel import Panel
from appliance.panel.braille import to_braille
from appliance.panel.drawing import draw
from appliance.panel.terminal import TerminalPanel
from tests.clock import until

PRESSED, RELEASED = ButtonDown(), ButtonUp()
SCREEN = Message((Line("12", Size.HUGE), Line("orders")), 0.5)
VIEW = View("connected", None, "kitchen", None, 12, 0, 9, Leds(green=LedMode.ON), SCREEN)


def read_if_any(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""


class Rig:
    """A panel on a pseudo terminal, with its keyboard and screen."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = b""
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self.slave)
        self.events: list[Event] = []
        self.quits: list[str] = []
        self.others: list[str] = []
        self.note = ""
        keys = {"g": ("gateway's button", lambda: self.others.append("g"))}
        self.panel: Panel = TerminalPanel(keys, lambda: self.note, stdin=self.slave, stdout=self.slave)

    def start(self) -> None:
        self.panel.start(self.events.append, lambda: self.quits.append("quit"))

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def look(self) -> str:
        data = read_if_any(self.master)
        self.bytes += data
        self.stream.feed(data)
        return "\n".join(self.screen.display)

    async def until(self, condition: Callable[[str], bool]) -> None:
        try:
            await until(lambda: condition(self.look()))
        except TimeoutError:
            pytest.fail("the terminal shows:\n" + self.look())


@asynccontextmanager
async def terminal_rig(columns: int = 80, lines: int = 24) -> AsyncIterator[Rig]:
    rig = Rig(columns, lines)
    rig.start()
    yield rig
    await rig.panel.close()
    os.close(rig.master)
    os.close(rig.slave)


async def test_the_terminal_shows_the_displays_picture() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        picture = to_braille(draw(VIEW))
        # The terminal may receive the frame in pieces.
        await rig.until(lambda _: [row[1:65] for row in rig.screen.display[1:17]] == picture)
        await rig.until(lambda text: "● green on" in text)
        assert all(words in rig.look() for words in ("space press", "h hold", "q quit", "g gateway's button"))


async def test_keys_press_the_button() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        rig.type(" \r")
        await rig.until(lambda _: len(rig.events) == 4)
        rig.type("h")
        await rig.until(lambda text: "▼ button down" in text and "h let go" in text)
        rig.type("h")
        await rig.until(lambda text: "△ button up" in text)
        assert rig.events == [PRESSED, RELEASED] * 3
        rig.type("h")
        await rig.until(lambda text: "▼ button down" in text)
        rig.type(" ")
        await rig.until(lambda text: "△ button up" in text)
        assert rig.events == [PRESSED, RELEASED] * 4


async def test_other_keys_and_quitting() -> None:
    async with terminal_rig() as rig:
        rig.type("gx\x1b")
        await rig.until(lambda _: rig.others == ["g"])
        rig.type("q")
        await rig.until(lambda _: rig.quits == ["quit"])
        rig.type("\x03")
        await rig.until(lambda _: rig.quits == ["quit"] * 2)
        assert rig.events == []


async def test_arrow_keys_are_ignored() -> None:
    async with terminal_rig() as rig:
        rig.type("\x1b[h")
        await asyncio.sleep(0.05)
        rig.type("g")
        await rig.until(lambda _: rig.others == ["g"])
        assert rig.events == []


async def test_a_sound_is_a_word_and_a_bell_for_its_duration() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        await rig.until(lambda text: "♪ silent" in text)
        rig.panel.show(VIEW, Sound.ERROR)
        await rig.until(lambda text: "♪ error" in text)
        assert rig.bytes.count(b"\a") == 1
        await rig.until(lambda text: "♪ silent" in text)
        assert rig.bytes.count(b"\a") == 1


async def test_leds_blink() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        rig.panel.show(replace(VIEW, leds=Leds(red=LedMode.FAST)), None)
        for _ in range(2):
            await rig.until(lambda text: "● red   fast" in text)
            await rig.until(lambda text: "○ red   fast" in text)


async def test_the_note_is_updated() -> None:
    async with terminal_rig() as rig:
        rig.note = "gateway: kitchen"
        await rig.until(lambda text: "gateway: kitchen" in text)


async def test_a_small_terminal_shows_a_hint_until_it_is_resized() -> None:
    async with terminal_rig(60, 20) as rig:
        rig.panel.show(VIEW, None)
        await rig.until(lambda text: "60 x 20" in text and "80 x 24" in text)
        rig.resize(100, 30)
        signal.raise_signal(signal.SIGWINCH)
        await rig.until(lambda text: "● green on" in text and "needs" not in text)


async def test_nothing_is_written_while_nothing_changes() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        await rig.until(lambda text: "● green on" in text and rig.bytes.endswith(b"\x1b[K"))
        await asyncio.sleep(0.05)
        rig.look()
        seen = len(rig.bytes)
        rig.panel.show(VIEW, None)
        await asyncio.sleep(0.05)
        rig.look()
        assert len(rig.bytes) == seen


async def test_the_terminal_is_restored() -> None:
    async with terminal_rig() as rig:
        rig.panel.show(VIEW, None)
        await rig.until(lambda text: "● green on" in text)
        assert termios.tcgetattr(rig.slave)[3] != rig.modes[3], "the terminal must be in raw mode while the panel runs"
        await rig.panel.close()
        assert termios.tcgetattr(rig.slave) == rig.modes
        await rig.until(lambda _: rig.bytes.endswith(b"\x1b[?1049l"))
        assert rig.bytes.startswith(b"\x1b[?1049h")


async def test_a_closed_terminal_ends_the_panel() -> None:
    rig = Rig()
    rig.start()
    os.close(rig.master)
    await until(lambda: bool(rig.quits))
    await rig.panel.close()
    os.close(rig.slave)


CRASH = """
import asyncio
from appliance.panel.terminal import TerminalPanel
async def main():
    TerminalPanel().start(print, print)
    await asyncio.sleep(0.1)
    raise RuntimeError("a crash")
asyncio.run(main())
"""


def test_the_terminal_is_restored_after_a_crash() -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    modes = termios.tcgetattr(slave)
    program = [sys.executable, "-c", CRASH]
    done = subprocess.run(program, stdin=slave, stdout=slave, stderr=subprocess.PIPE, timeout=15, check=False)
    assert done.returncode == 1
    assert b"a crash" in done.stderr
    assert termios.tcgetattr(slave) == modes
    os.set_blocking(master, False)
    written = b""
    while chunk := read_if_any(master):
        written += chunk
    assert written.endswith(b"\x1b[?1049l")
    os.close(master)
    os.close(slave)
