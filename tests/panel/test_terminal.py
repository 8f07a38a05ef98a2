"""The terminal panel on a pseudo terminal, read back by a terminal emulator."""

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
    """A panel on a pseudo terminal, the hand on its keys and the eye on its screen."""

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
        self.panel: Panel = TerminalPanel(keys, lambda: self.note, self.slave, self.slave)

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
async def rig(columns: int = 80, lines: int = 24) -> AsyncIterator[Rig]:
    one = Rig(columns, lines)
    one.start()
    yield one
    await one.panel.close()
    os.close(one.master)
    os.close(one.slave)


async def test_the_very_picture_of_the_display_is_shown() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        picture = to_braille(draw(VIEW))
        # The terminal may get it in pieces.
        await one.until(lambda _: [row[1:65] for row in one.screen.display[1:17]] == picture)
        await one.until(lambda text: "● green on" in text)
        assert all(words in one.look() for words in ("space press", "h hold", "q quit", "g gateway's button"))


async def test_keys_are_the_button() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        one.type(" \r")
        await one.until(lambda _: len(one.events) == 4)
        one.type("h")
        await one.until(lambda text: "▼ button down" in text and "h let go" in text)
        one.type("h")
        await one.until(lambda text: "△ button up" in text)
        assert one.events == [PRESSED, RELEASED] * 3
        one.type("h")
        await one.until(lambda text: "▼ button down" in text)
        one.type(" ")
        await one.until(lambda text: "△ button up" in text)
        assert one.events == [PRESSED, RELEASED] * 4


async def test_other_keys_and_quitting() -> None:
    async with rig() as one:
        one.type("gx\x1b")
        await one.until(lambda _: one.others == ["g"])
        one.type("q")
        await one.until(lambda _: one.quits == ["quit"])
        one.type("\x03")
        await one.until(lambda _: one.quits == ["quit"] * 2)
        assert one.events == []


async def test_arrow_keys_are_no_keys_of_ours() -> None:
    async with rig() as one:
        one.type("\x1b[h")
        await asyncio.sleep(0.05)
        one.type("g")
        await one.until(lambda _: one.others == ["g"])
        assert one.events == []


async def test_a_sound_is_a_word_and_a_bell_for_its_length() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        await one.until(lambda text: "♪ silent" in text)
        one.panel.show(VIEW, Sound.ERROR)
        await one.until(lambda text: "♪ error" in text)
        assert one.bytes.count(b"\a") == 1
        await one.until(lambda text: "♪ silent" in text)
        assert one.bytes.count(b"\a") == 1


async def test_leds_blink() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        one.panel.show(replace(VIEW, leds=Leds(red=LedMode.FAST)), None)
        for _ in range(2):
            await one.until(lambda text: "● red   fast" in text)
            await one.until(lambda text: "○ red   fast" in text)


async def test_the_note_is_looked_at() -> None:
    async with rig() as one:
        one.note = "gateway: kitchen"
        await one.until(lambda text: "gateway: kitchen" in text)


async def test_a_small_terminal_is_told_so_and_a_resize_is_followed() -> None:
    async with rig(60, 20) as one:
        one.panel.show(VIEW, None)
        await one.until(lambda text: "60 x 20" in text and "80 x 24" in text)
        one.resize(100, 30)
        signal.raise_signal(signal.SIGWINCH)
        await one.until(lambda text: "● green on" in text and "needs" not in text)


async def test_nothing_is_written_while_nothing_changes() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        await one.until(lambda text: "● green on" in text and one.bytes.endswith(b"\x1b[K"))
        await asyncio.sleep(0.05)
        one.look()
        seen = len(one.bytes)
        one.panel.show(VIEW, None)
        await asyncio.sleep(0.05)
        one.look()
        assert len(one.bytes) == seen


async def test_the_terminal_is_given_back() -> None:
    async with rig() as one:
        one.panel.show(VIEW, None)
        await one.until(lambda text: "● green on" in text)
        assert termios.tcgetattr(one.slave)[3] != one.modes[3], "raw while it runs"
        await one.panel.close()
        assert termios.tcgetattr(one.slave) == one.modes
        one.look()
        assert one.bytes.startswith(b"\x1b[?1049h")
        assert one.bytes.endswith(b"\x1b[?1049l")


async def test_a_terminal_that_hangs_up_is_an_end() -> None:
    one = Rig()
    one.start()
    os.close(one.master)
    await until(lambda: bool(one.quits))
    await one.panel.close()
    os.close(one.slave)


CRASH = """
import asyncio
from appliance.panel.terminal import TerminalPanel
async def main():
    TerminalPanel().start(print, print)
    await asyncio.sleep(0.1)
    raise RuntimeError("a crash")
asyncio.run(main())
"""


def test_the_terminal_is_given_back_after_a_crash() -> None:
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
