"""The demo, unattended and on a terminal with keys."""

from __future__ import annotations

import os
import pty
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
