"""The doctor as a process: on a machine without parts, at a terminal, without a standard input, and under signals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.child_process import ChildProcess
from tests.doctor.fakes import Box

ROOT = Path(__file__).parents[2]
DOCTOR = ("-m", "appliance", "doctor")
SECRET = "0f9e8d7c6b5a4c3d2e1f00112233445566"
NOWHERE = "network:\n  interfaces: [tt-none0]\n"
ALONE = "network:\n  interfaces: [lo]\ngateway:\n  name: nobody's\n"
MUTE = "buzzer:\n  enabled: false\n"
WITHIN = 60.0
"""Timeout in seconds of a whole examination without a search; an idle machine takes one."""
AT_ONCE = 3.0
"""Timeout in seconds of the end after a signal; the search for a gateway would take eight."""


class Running:
    """A running doctor. said: its output so far, including standard error."""

    def __init__(self, process: subprocess.Popen[bytes], out: int, answers: int) -> None:
        self.process = process
        self.said = ""
        self._out = out
        self._answers = answers
        self._until = time.monotonic() + WITHIN
        self._heard = 0

    def hear(self, what: str) -> None:
        """Read until this text appears after the last one."""
        while what not in self.said[self._heard :]:
            assert self._read(), f"the process ended without {what!r}: {self.said}"
        self._heard = self.said.index(what, self._heard) + len(what)

    def answer(self, text: str) -> None:
        os.write(self._answers, text.encode())

    def end(self, within: float | None = None) -> int:
        """Read to the end; the exit code."""
        if within is not None:
            self._until = time.monotonic() + within
        while self._read():
            pass
        return self.process.wait(max(0.1, self._until - time.monotonic()))

    def _read(self) -> bool:
        ready, _, _ = select.select([self._out], [], [], max(0.0, self._until - time.monotonic()))
        assert ready, f"timed out: {self.said}"
        try:
            chunk = os.read(self._out, 4096)
        except OSError:
            # The process has closed its terminal.
            chunk = b""
        self.said += chunk.decode()
        return bool(chunk)


@contextmanager
def running(*arguments: str, columns: int | None = None, pins: str | None = None) -> Iterator[Running]:
    """Start Python. columns: of its terminal; None for pipes. pins: gpiozero's factory; None for the default."""
    environment = {name: value for name, value in os.environ.items() if name not in ("GPIOZERO_PIN_FACTORY", "COLUMNS")}
    if pins is not None:
        environment["GPIOZERO_PIN_FACTORY"] = pins
    if columns is None:
        (theirs_in, answers), (out, theirs_out) = os.pipe(), os.pipe()
    else:
        out, theirs_out = pty.openpty()
        fcntl.ioctl(theirs_out, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        theirs_in, answers = os.dup(theirs_out), os.dup(out)
    with ChildProcess[bytes](
        [sys.executable, *arguments], stdin=theirs_in, stdout=theirs_out, stderr=theirs_out, cwd=ROOT, env=environment
    ) as process:
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Running(process, out, answers)
        finally:
            process.kill()
            os.close(out)
            os.close(answers)


def settings(folder: Path, *parts: str) -> str:
    file = folder / "tt.yaml"
    file.write_text("".join(parts) + f"state_dir: {folder / 'state'}\n")
    return str(file)


def test_a_machine_without_pins_and_bus_gets_a_plain_report(tmp_path: Path) -> None:
    Box(tmp_path).pair("Bar", SECRET)
    with running(*DOCTOR, "--no-questions", "--config", settings(tmp_path, NOWHERE)) as doctor:
        assert doctor.end() == 1
    said = doctor.said
    assert "\nWRONG  pins         this machine has no GPIO pins for LEDs, buzzer and button\n" in said
    assert "\nWRONG  display      this machine has no I2C bus 1 (no /dev/i2c-1)\n" in said
    assert said.count("\n         - Run the doctor on the box's Raspberry Pi.\n") == 2
    assert "\n?      buzzer       not tried: its pin can't be used\n" in said
    assert "\nWRONG  network      this box has no interface tt-none0," in said
    assert "\n?      pairing      paired with Bar; not tried: there is no network\n" in said
    assert "\nWrong: pins, display, network.\n" in said
    assert "[Y/n]" not in said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert SECRET not in said


def test_lines_fit_the_terminal_and_the_end_of_input_ends_the_questions(
    tmp_path: Path,
) -> None:
    with running(*DOCTOR, "--config", settings(tmp_path, NOWHERE, MUTE), columns=80, pins="mock") as doctor:
        doctor.hear("Do you see the GREEN light, and no other? [Y/n] ")
        doctor.answer("no\n")
        doctor.hear("WRONG  green light  not visible")
        doctor.hear("Do you see the AMBER light, and no other? [Y/n] ")
        doctor.answer("\n")
        doctor.hear("Do you see the RED light, and no other? [Y/n] ")
        doctor.answer("\x04")
        doctor.hear("(no answer; skipping all further questions)")
        doctor.hear("button       not stuck; not tested further without a user")
        assert doctor.end() == 1
    lines = doctor.said.replace("\r", "").split("\n")
    assert [line for line in lines if len(line) > 80] == []
    assert "\nWrong: display, green light, network.\n" in "\n".join(lines)
    assert "Traceback" not in doctor.said


def test_sigterm_ends_the_search_for_a_gateway(tmp_path: Path) -> None:
    with running(*DOCTOR, "--no-questions", "--config", settings(tmp_path, ALONE)) as doctor:
        doctor.hear("searching for gateways (up to 8 seconds)\n")
        doctor.process.send_signal(signal.SIGTERM)
        assert doctor.end(AT_ONCE) == 128 + signal.SIGTERM
    assert doctor.said.endswith("\nInterrupted. All outputs are off.\n")
    assert "Traceback" not in doctor.said


@pytest.mark.parametrize(
    ("at", "number"),
    [
        ("frame around the whole display", signal.SIGTERM),
        ("GREEN", signal.SIGINT),
        ("AMBER", signal.SIGHUP),
        ("RED", signal.SIGTERM),
        ("the sound for: page", signal.SIGTERM),
    ],
)
def test_everything_is_off_after_a_signal(tmp_path: Path, at: str, number: signal.Signals) -> None:
    with running("-m", "tests.doctor.examined_process", str(tmp_path)) as doctor:
        for question in ("frame around the whole display", "GREEN", "AMBER", "RED"):
            if question == at:
                break
            doctor.hear(question)
            doctor.hear("[Y/n] ")
            doctor.answer("\n")
        doctor.hear(at)
        doctor.process.send_signal(number)
        assert doctor.end(AT_ONCE) == 128 + number
    assert "\nInterrupted. All outputs are off.\n" in doctor.said
    left = json.loads(doctor.said.splitlines()[-1])
    assert left.pop("sent") > 0
    assert left == {"lit": [], "taken": [], "display": False}


@pytest.mark.parametrize("stdin", ["<&-", "</dev/null"])
def test_without_a_standard_input_there_are_no_questions(tmp_path: Path, stdin: str) -> None:
    # Without the command line, which checks for a terminal itself.
    program = (
        "import sys; from functools import partial; from pathlib import Path; from appliance.config import load; "
        "from appliance.doctor import examination; from appliance.doctor.context import CheckContext, Limits; "
        "examination.CheckContext = partial(CheckContext, limits=Limits(lit=0.01)); "
        "from appliance.program import run; "
        "sys.exit(run(lambda: examination.main(load(Path(sys.argv[1])), questions=True)))"
    )
    settings_ = settings(tmp_path, NOWHERE, MUTE)
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" "$2" {stdin}', sys.executable, program, settings_],
        cwd=ROOT,
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock"},
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 1
    assert "red light    lit; no answer whether it was visible\n" in done.stdout
    assert "[Y/n]" not in done.stdout
    assert done.stderr == ""
