"""The demo, unattended and on a terminal with keys."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from appliance.demo.past import fortnight, lunch_clock
from tests.child_process import ChildProcess

SIZE = (24, 80)
DEMO = [sys.executable, "-m", "appliance", "demo"]


def test_the_unattended_demo_plays_all_its_steps() -> None:
    result = subprocess.run([*DEMO, "--auto"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    assert result.stdout.endswith("Every step succeeded.\n")
    assert result.stderr == ""


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
def test_the_demo_plays_unattended_without_a_terminal(stdin: str) -> None:
    command = ["sh", "-c", f'exec "$0" "$@" {stdin}', *DEMO]
    with ChildProcess(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        first = demo.stdout.readline()
        demo.kill()
    assert "looking for the gateway" in first


class Terminal:
    """A demo on a pseudo terminal, with its screen."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._screen = pyte.Screen(SIZE[1], SIZE[0])
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def last_lines(self, count: int) -> str:
        """The lowest lines that are not blank."""
        return "\n".join([line for line in self._screen.display if line.strip()][-count:])

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def until(self, true: Callable[[str], bool], within: float = 15.0) -> None:
        deadline = time.monotonic() + within
        while not true(self.text):
            left = deadline - time.monotonic()
            assert left > 0, self.text
            if select.select([self._master], [], [], left)[0]:
                self._stream.feed(os.read(self._master, 65536))


@contextmanager
def on_a_terminal(command: list[str]) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, SIZE)
    with ChildProcess[bytes](command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as demo:
        os.close(slave)
        try:
            yield Terminal(master), demo
        finally:
            demo.kill()
            os.close(master)


HELP = "close this list"


def test_a_key_has_one_meaning_in_demo_and_simulator() -> None:
    """g, p, w and ? do the same in both; space and h are the box's button, which only the demo has."""
    with on_a_terminal(DEMO) as (terminal, demo):
        terminal.until(lambda text: "amber fast" in text and "to pair: press space, then g" in text)
        for shown in ("space press", "h hold", "g gateway's button", "p page", "w pause traffic", "? help"):
            assert shown in terminal.text
        terminal.press("?")
        terminal.until(lambda text: HELP in text and "tt-appliance history --config " in text)
        terminal.press("w")
        terminal.until(lambda text: HELP not in text and "traffic paused" in text)
        terminal.press("w")
        terminal.until(lambda text: "traffic paused" not in text)
        terminal.press("g")
        terminal.until(lambda text: "pairing window 1" in text)
        terminal.press("q")
        assert demo.wait(5) == 0
    simulate = [sys.executable, "-m", "appliance", "simulate", "--port", "0", "--no-advertise"]
    with on_a_terminal(simulate) as (terminal, simulator):
        terminal.until(lambda text: "g gateway's button   w pause traffic   p page" in text)
        terminal.press("?")
        terminal.until(lambda text: "kinds of garbage" in text)
        terminal.press(" ")
        terminal.until(lambda text: "box's button is a part of the demo" in text)
        assert "traffic paused" not in terminal.text
        terminal.press("w")
        terminal.until(lambda text: "traffic paused" in terminal.last_lines(2))
        terminal.press("w")
        terminal.until(lambda text: "traffic paused" not in terminal.last_lines(2))
        terminal.press("g")
        terminal.until(lambda text: "pairing window 1" in terminal.last_lines(2))
        terminal.press("q")
        terminal.until(lambda text: "shutting down" in text)
        assert "gateway's button   w" not in terminal.text, "the status is erased at the end"
        assert simulator.wait(5) == 0


def test_a_message_that_is_over_disappears() -> None:
    with on_a_terminal(DEMO) as (terminal, demo):
        terminal.until(lambda text: "amber fast" in text)
        terminal.press("o")
        terminal.until(lambda text: " started" in text)
        terminal.until(lambda text: " started" not in text and "to pair" in text)
        terminal.press("g")
        terminal.until(lambda text: "pairing window 1" in text)
        terminal.press("r")
        terminal.until(lambda text: "off · " in text and "pairing window" not in text)
        terminal.press("q")
        assert demo.wait(5) == 0


@pytest.mark.parametrize("variables", [{}, {"DISPLAY": ":1234"}])
def test_a_window_without_a_display_says_so(variables: dict[str, str]) -> None:
    pytest.importorskip("luma.emulator", reason="luma.emulator is not installed: no window can be tested")
    graphics = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    environment = {name: value for name, value in os.environ.items() if name not in graphics}
    result = subprocess.run(
        [*DEMO, "--window"], capture_output=True, text=True, timeout=60, env=environment | variables, check=False
    )
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert re.match(r"tt-appliance demo: (there is no display|can't open a window)", result.stderr)


def test_the_demo_has_a_past_of_two_weeks() -> None:
    clock = lunch_clock()
    orders = fortnight(clock(), pace=4.0)
    days = {order.created.date() for order in orders}
    assert len(days) == 14
    assert max(days) == clock().date()
    today = [order for order in orders if order.created.date() == clock().date()]
    assert len(today) >= 10
    assert all(order.changed <= clock() for order in orders)
    took = sorted((order.changed - order.created).total_seconds() for order in orders)
    assert 50 < took[len(took) // 2] < 90, "as quick as the guests of the demo"


def test_keys_pair_page_and_unplug() -> None:
    with on_a_terminal(DEMO) as (terminal, demo):
        terminal.until(lambda text: "amber fast" in text)
        terminal.press(" ")
        terminal.until(lambda text: "green slow" in text)
        terminal.press("g")
        terminal.until(lambda text: "paired" in text)
        terminal.press("p")
        terminal.until(lambda text: "♪ page" in text)
        terminal.press("r")
        terminal.until(lambda text: "red   slow" in text)
        terminal.press("q")
        assert demo.wait(5) == 0


def test_the_demo_prints_its_log_after_the_screen_closes(tmp_path: Path) -> None:
    config = tmp_path / "tt.yaml"
    config.write_text(f"gateway: {{address: 127.0.0.1:9}}\nstate_dir: {tmp_path}\n")
    run = [sys.executable, "-m", "appliance", "run", "--panel", "terminal", "--config", str(config)]
    with on_a_terminal(run) as (terminal, demo):
        terminal.until(lambda text: "amber fast" in text)
        assert "INFO" not in terminal.text
        terminal.press("q")
        terminal.until(lambda text: "Awaiting pairing: 127.0.0.1:9" in text)
        assert demo.wait(5) == 0
