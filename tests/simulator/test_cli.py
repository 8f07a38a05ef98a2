"""`tt-appliance simulate` as a process: lines on a pipe, keys on a terminal, and signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest

from appliance.__main__ import main
from tests.child_process import ChildProcess

START = [sys.executable, "-m", "appliance", "simulate", "--port", "0", "--seed", "1"]


RECORDING = """\
{"kind": "recording", "format": 1, "gateway": "Grill"}
{"at": 1.0, "kind": "feed", "feed": 1, "address": "192.0.2.1:8000", "header": false}
{"at": 1.1, "kind": "handshake", "feed": 1, "status": 101}
{"at": 1.2, "kind": "message", "feed": 1, "data": "{\\"type\\": \\"ACTIVE_ORDERS\\", \\"count\\": 0, \\"items\\": []}"}
{"at": 1.3, "kind": "mess"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def read_until(fd: int, words: str) -> str:
    """Read a terminal until words appear on it."""
    seen = ""
    end = time.monotonic() + 30
    while words not in seen:
        assert select([fd], [], [], max(0.0, end - time.monotonic()))[0], f"{words!r} not in {seen!r}"
        seen += os.read(fd, 4096).decode()
    return seen


def test_lines_are_commands_and_sigterm_ends_the_process() -> None:
    with ChildProcess(START, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("button\ntracker 777 4\nnonsense\nhelp")
        process.stdin.close()
        seen = ""
        while "end the simulator" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        for words in ("is up at 127.0.0.1:", "pairing window open for 120 s", "order 777 located", "unknown command"):
            assert words in seen
        assert "\x1b" not in seen
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().endswith("shutting down\ngateway is down\n")
        assert process.wait(2) == 0
        assert time.monotonic() - begun < 2


def test_keys_are_commands_and_the_terminal_is_restored(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    with ChildProcess([*START, "--no-advertise"], stdin=theirs, stdout=theirs) as process:
        read_until(ours, "0 feeds")
        assert not termios.tcgetattr(theirs)[3] & termios.ICANON
        os.write(ours, b"g")
        read_until(ours, "pairing window 1")
        os.write(ours, b"q")
        read_until(ours, "gateway is down")
        assert process.wait(2) == 0
    assert termios.tcgetattr(theirs) == before


def test_a_recording_is_played_and_not_changed(tmp_path: Path) -> None:
    recording = tmp_path / "grill.jsonl"
    recording.write_text(RECORDING)
    with ChildProcess(
        [*START[:-2], "--replay", str(recording), "--no-advertise"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        seen, _ = process.communicate("page\nbutton\nhelp\nquit\n", 30)
        assert process.returncode == 0
    for words in ("ends in the middle of a line", "gateway Grill is up", "can't be changed by page", "window open for"):
        assert words in seen
    assert "flood" not in seen, "help lists what there is"


def test_an_unreadable_recording_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, other = tmp_path / "missing", tmp_path / "other"
    other.write_text("hello\n")
    assert main(["simulate", "--replay", str(missing)]) == 1
    assert capsys.readouterr().err == f"tt-appliance simulate: can't read {missing}: No such file or directory\n"
    assert main(["simulate", "--replay", str(other)]) == 1
    assert capsys.readouterr().err == f"tt-appliance simulate: {other}:1: the line is not JSON\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "99999"], "65535"),
        (["--host", "gateway.example"], "not an IP address"),
        (["--interface", "::1"], "IPv4"),
        (["--pace", "0"], "0.01"),
        (["--orders", "-1"], "100000"),
        (["--name", "x" * 64], "63 bytes"),
    ],
)
def test_invalid_options_are_reported(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *options])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_an_unavailable_address_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--host", "203.0.113.9", "--no-advertise"]) == 1
    assert "203.0.113.9 port 8000" in capsys.readouterr().err
