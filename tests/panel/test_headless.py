"""The headless panel, through pipes and as a process: its documented lines and commands."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import LedMode, Leds, Line, Message, Sound, View
from appliance.panel import Panel
from appliance.panel.headless import HeadlessPanel, to_line, to_seconds
from tests.child_process import ChildProcess
from tests.clock import until

PRESSED, RELEASED = ButtonDown(), ButtonUp()
VIEW = View(
    state="connected",
    reason=None,
    gateway="kitchen",
    address="192.168.1.20:8000",
    active=12,
    paged=1,
    oldest=431,
    leds=Leds(green=LedMode.ON),
    screen=Message((Line("12"), Line("orders"))),
)
LINE = {
    "state": "connected",
    "reason": None,
    "gateway": {"name": "kitchen", "address": "192.168.1.20:8000"},
    "active": 12,
    "paged": 1,
    "oldest_s": 431,
    "leds": {"green": "on", "amber": "off", "red": "off"},
    "sound": None,
    "screen": ["12", "orders"],
}
DARK = {"leds": {"green": "off", "amber": "off", "red": "off"}, "screen": []}


class Rig:
    """A headless panel between two pipes."""

    def __init__(self) -> None:
        self._in, self._input = os.pipe()
        self._out, out = os.pipe()
        os.set_blocking(self._input, False)
        self.events: list[Event] = []
        self.quits = 0
        self._stdout = out
        self.panel: Panel = HeadlessPanel(self._in, out)
        self.panel.start(self.events.append, self._quit)

    def _quit(self) -> None:
        self.quits += 1

    def type(self, text: str) -> None:
        os.write(self._input, text.encode())

    def end_input(self) -> None:
        os.close(self._input)
        self._input = -1

    async def lines(self) -> list[dict[str, Any]]:
        """Close the panel and return the lines that it printed."""
        await self.panel.close()
        os.close(self._stdout)
        data = await asyncio.to_thread(os.read, self._out, 1 << 20)
        return [json.loads(line) for line in data.splitlines()]


@asynccontextmanager
async def headless_rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    await rig.panel.close()
    if rig._input >= 0:
        rig.end_input()


async def test_a_line_has_the_documented_keys_in_order() -> None:
    line = json.loads(to_line(VIEW, None))
    assert line == LINE
    assert list(line) == list(LINE)
    assert json.loads(to_line(replace(VIEW, gateway=None), Sound.LATE)) == LINE | {"gateway": None, "sound": "late"}
    assert json.loads(to_line(replace(VIEW, address=None), None))["gateway"] == {"name": "kitchen", "address": None}


@given(st.text(), st.text())
def test_any_name_is_one_line_of_ascii(name: str, words: str) -> None:
    line = to_line(replace(VIEW, gateway=name, screen=Message((Line(words),))), None)
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line)["gateway"]["name"] == name


async def test_a_line_is_printed_when_anything_but_the_age_changes() -> None:
    async with headless_rig() as rig:
        rig.panel.show(VIEW, None)
        rig.panel.show(replace(VIEW, oldest=432), None)
        rig.panel.show(replace(VIEW, oldest=433, active=13), None)
        rig.panel.show(replace(VIEW, oldest=434, active=13), Sound.PAGE)
        rig.panel.show(replace(VIEW, oldest=434, active=13), Sound.PAGE)
        rig.panel.show(replace(VIEW, oldest=435, active=13), None)
        expected = [
            LINE,
            LINE | {"oldest_s": 433, "active": 13},
            LINE | {"oldest_s": 434, "active": 13, "sound": "page"},
            LINE | {"oldest_s": 434, "active": 13, "sound": "page"},
            LINE | {"oldest_s": 435, "active": 13} | DARK,
        ]
        assert await rig.lines() == expected


async def test_lines_are_written_at_once() -> None:
    async with headless_rig() as rig:
        rig.panel.show(VIEW, None)
        data = await asyncio.to_thread(os.read, rig._out, 65536)
        assert json.loads(data) == LINE


async def test_press_is_a_tap() -> None:
    async with headless_rig() as rig:
        rig.type("press\n  press \r\n\n")
        await until(lambda: len(rig.events) == 4)
        assert rig.events == [PRESSED, RELEASED] * 2


async def test_a_command_after_a_hold_waits_for_its_end() -> None:
    async with headless_rig() as rig:
        rig.type("hold 0.15\npress\nhold 0.1\npress\n")
        await until(lambda: len(rig.events) == 1)
        await asyncio.sleep(0.05)
        assert rig.events == [PRESSED]
        await until(lambda: len(rig.events) == 5)
        assert rig.events == [PRESSED, RELEASED, PRESSED, RELEASED, PRESSED]
        await until(lambda: len(rig.events) == 8)
        assert rig.events == [PRESSED, RELEASED] * 4


async def test_unknown_commands_are_logged_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    wrong = [
        "pres",
        "press 3",
        "hold",
        "hold x",
        "hold -1",
        "hold nan",
        "hold inf",
        "hold 1 2",
        "QUIT",
        "\x00",
        "x" * 5000,
    ]
    async with headless_rig() as rig:
        rig.type("\n".join(wrong) + "\npress\n")
        await until(lambda: rig.events == [PRESSED, RELEASED])
        assert len(caplog.records) == len(wrong)
        assert all(len(record.getMessage()) < 200 for record in caplog.records)
        assert rig.quits == 0


async def test_a_flood_of_unknown_commands_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with headless_rig() as rig:
        rig.type("y\n" * 10_000 + "press\n")
        await until(lambda: len(rig.events) == 2)
        assert len(caplog.records) < 30


@pytest.mark.parametrize("text", ["quit\npress\n", "quit", ""])
async def test_quit_and_end_of_input_end_the_panel_once(text: str) -> None:
    async with headless_rig() as rig:
        rig.type(text)
        rig.end_input()
        await until(lambda: rig.quits == 1)
        await asyncio.sleep(0.01)
        assert (rig.quits, rig.events) == (1, [])


async def test_a_last_command_without_a_newline_is_executed() -> None:
    async with headless_rig() as rig:
        rig.type("press")
        rig.end_input()
        await until(lambda: rig.quits == 1)
        assert rig.events == [PRESSED, RELEASED]


async def test_a_closed_output_ends_the_panel(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with headless_rig() as rig:
        os.close(rig._out)
        rig.panel.show(VIEW, None)
        await until(lambda: rig.quits == 1)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert caplog.records[0].exc_info is None


async def test_a_blocked_output_delays_close_by_a_second_at_most() -> None:
    async with headless_rig() as rig:
        for number in range(2000):
            rig.panel.show(replace(VIEW, active=number), None)
        async with asyncio.timeout(1.0):
            await rig.panel.close()
        os.close(rig._out)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5.0), ("0", 0.0), (".5", 0.5), ("-0.1", None), ("nan", None), ("1e999", None), ("", None)],
)
def test_hold_times_are_parsed(text: str, seconds: float | None) -> None:
    assert to_seconds(text) == seconds


PROGRAM = """
import asyncio
from appliance.core.view import *
from appliance.panel.headless import HeadlessPanel
async def main():
    end = asyncio.Event()
    panel = HeadlessPanel()
    count = 0
    def show():
        panel.show(View("connected", None, None, None, count, 0, 1, Leds(), Message(())), None)
    def count_up(_):
        nonlocal count
        count += 1
        show()
    panel.start(count_up, end.set)
    show()
    await end.wait()
    await panel.close()
asyncio.run(main())
"""


def run_program(stdin: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", PROGRAM], stdin=stdin, capture_output=True, timeout=15, check=False)


def test_the_process_accepts_a_file_or_no_input(tmp_path: Any) -> None:
    commands = tmp_path / "commands"
    commands.write_text("press\nquit\n")
    with commands.open() as file:
        done = run_program(file)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["active"] for line in done.stdout.splitlines()] == [0, 1, 2]
    done = run_program(subprocess.DEVNULL)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, b"", 1)


def test_the_process_ends_when_its_output_is_closed() -> None:
    inward, outward = os.pipe()
    os.close(inward)
    program = [sys.executable, "-c", PROGRAM]
    with ChildProcess[bytes](program, stdin=subprocess.PIPE, stdout=outward, stderr=subprocess.PIPE) as process:
        assert process.wait(15) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    os.close(outward)
