"""How each command ends on a closed pipe, a full disk, a narrow terminal and Ctrl-C: as real processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from appliance.core.delivery import Finished
from appliance.history.archive import Archive, Progress

PROGRAM = Path(sys.executable).parent / "tt-appliance"
TIMEOUT = 40.0
BROKEN_PIPE, INTERRUPTED = 141, 130
EMPTY: Mapping[str, str] = MappingProxyType({})
UGLY = ("Traceback", "Exception ignored", "Error in sys.excepthook", "UnicodeEncodeError", "Logging error")


@dataclass(frozen=True)
class Command:
    """A command line. codes: its exit codes without output errors. writes: it writes to standard output.

    settles: it treats an output error as its regular end, and exits with 0. modules: some of its imports. running: its
    words on standard error when it runs, after which a signal ends it.
    """

    line: str
    codes: tuple[int, ...] = (0,)
    writes: bool = True
    settles: bool = False
    modules: tuple[str, ...] = ()
    running: tuple[str, signal.Signals] | None = None


COMMANDS = {
    "help": Command("--help", modules=("argparse", "appliance.__main__")),
    "version": Command("--version", modules=("gettext",)),
    "help of a command": Command("help history", modules=("appliance.history.options",)),
    "headless": Command("run --panel headless --config CONFIG", settles=True, modules=("yaml", "appliance.service")),
    "terminal": Command("run --panel terminal --config CONFIG", settles=True, modules=("PIL", "asyncio")),
    "hardware": Command(
        "run --config CONFIG",
        writes=False,
        modules=("appliance.panel.hardware",),
        running=("Table Tracker appliance", signal.SIGTERM),
    ),
    "config": Command("config", modules=("appliance.config.keys",)),
    "config check": Command("config --check CONFIG", modules=("yaml", "appliance.config.check_report")),
    "config check json": Command("config --check CONFIG --json", modules=("json",)),
    "demo": Command("demo", modules=("aiohttp", "tempfile", "appliance.simulator.feeds")),
    "doctor": Command("doctor --no-questions --config CONFIG", codes=(0, 1), modules=("smbus2", "requests")),
    "doctor protocol": Command(
        "doctor --protocol --no-questions --config CONFIG", codes=(0, 1), modules=("appliance.doctor.protocol",)
    ),
    "screens": Command(
        "screens --out OUT",
        codes=(INTERRUPTED,),
        writes=False,
        modules=("PIL.PngImagePlugin",),
        running=("saving: ", signal.SIGINT),
    ),
    "history": Command(
        "history --config CONFIG --offline --format csv", modules=("sqlite3", "appliance.history.archive")
    ),
    "history online": Command("history --config CONFIG", codes=(75,), modules=("requests",)),
    "history help": Command("history --help"),
    "pair": Command("pair --config CONFIG", codes=(0, 1), modules=("appliance.history.pair", "requests")),
    "record": Command("record OUT --for 1 --config CONFIG", codes=(1,), modules=("appliance.recording.cli",)),
    "simulate": Command("simulate --port 0 --no-advertise", modules=("aiohttp", "ifaddr")),
    "simulate help": Command("simulate --help"),
}
KINDS = ("help", "headless", "terminal", "hardware", "doctor", "history", "simulate")
"""A command of each kind: all go the same way to the end, and each start takes a third of a second of a core's time."""
NAMES = [
    pytest.param(name, marks=() if name in KINDS else pytest.mark.release)
    for name in COMMANDS
    if name != "history online"
]
"""A command of each kind, and the others for `make release`."""
every_command = pytest.mark.parametrize("name", NAMES)


@dataclass
class Process:
    popen: subprocess.Popen[bytes]
    errors: Path

    def until_output(self, within: float) -> None:
        """Wait for the first output, or for the whole time if there is none."""
        assert self.popen.stdout is not None
        select.select([self.popen.stdout], [], [], within)

    def until_running(self, name: str) -> list[signal.Signals]:
        """The signals that end it. Only a command that writes nothing to standard output needs one."""
        running = COMMANDS[name].running
        if running is None:
            return []
        words, ends = running
        deadline = time.monotonic() + TIMEOUT
        while words not in self.errors.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        return [ends]

    def end(self, *signals: signal.Signals) -> int:
        """Its exit code after these signals, or the shell's code if a signal killed it."""
        for number in signals:
            self.popen.send_signal(number)
        if self.popen.stdout is not None:
            self.popen.communicate(timeout=TIMEOUT)
        code = self.popen.wait(TIMEOUT)
        return 128 - code if code < 0 else code

    @property
    def said(self) -> str:
        said = self.errors.read_text(errors="replace")
        assert not any(words in said for words in UGLY), said
        return said


def write_box(folder: Path) -> Path:
    """Write a token, an archive and settings, and return the settings' file. Nobody listens on the gateway's port."""
    config, state = folder / "tt.yaml", folder / "state"
    config.write_text(f"gateway: {{address: 127.0.0.1:9}}\nstate_dir: {state}\n")
    state.mkdir()
    (state / "token.json").write_text('{"gateway": "127.0.0.1:9", "token": "0"}')
    orders = [Finished(str(number), created=60.0 * number, cleared=60.0 * number + 5) for number in range(100)]
    Archive(state).add("127.0.0.1:9", orders, Progress())
    return config


@contextmanager
def started(
    folder: Path,
    line: str,
    redirection: str = "",
    *,
    stdout: int = subprocess.PIPE,
    environment: Mapping[str, str] = EMPTY,
) -> Iterator[Process]:
    """A command in a shell that redirects its streams."""
    config = write_box(folder)
    words = [str({"CONFIG": config, "OUT": folder / "out"}.get(word, word)) for word in line.split()]
    errors = folder / "stderr"
    with errors.open("wb") as stderr:
        popen = subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" {redirection}', str(PROGRAM), *words],
            stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, cwd=folder,
            env={**os.environ, "XDG_STATE_HOME": str(folder), **environment},
        )  # fmt: skip
    try:
        yield Process(popen, errors)
    finally:
        popen.kill()
        popen.communicate()


@every_command
def test_a_closed_pipe(name: str, tmp_path: Path) -> None:
    command = COMMANDS[name]
    read, write = os.pipe()
    os.close(read)
    with started(tmp_path, command.line, stdout=write) as process:
        os.close(write)
        code = process.end(*process.until_running(name))
        assert code in ((BROKEN_PIPE,) if command.writes and not command.settles else command.codes), process.said
        assert process.said == "" or not command.writes or command.settles


OUTPUT_ERRORS = {">/dev/full": "No space left on device", ">&-": "Bad file descriptor"}


@every_command
@pytest.mark.parametrize("redirection", OUTPUT_ERRORS)
def test_a_full_or_closed_output(name: str, redirection: str, tmp_path: Path) -> None:
    command, words = COMMANDS[name], OUTPUT_ERRORS[redirection]
    with started(tmp_path, command.line, redirection) as process:
        code = process.end(*process.until_running(name))
        if command.writes:
            assert words in process.said
        if command.writes and not command.settles:
            assert code == 1
            assert "standard output: " in process.said
        else:
            assert code in command.codes


@every_command
@pytest.mark.parametrize("redirection", ["2>/dev/full", "<&- 2>&-"])
def test_a_full_or_closed_error_output(name: str, redirection: str, tmp_path: Path) -> None:
    with started(tmp_path, COMMANDS[name].line, redirection) as process:
        process.until_output(3.0 if COMMANDS[name].writes else 1.0)
        assert process.end(signal.SIGINT) in (*COMMANDS[name].codes, INTERRUPTED)


NARROW: dict[str, Mapping[str, str]] = {
    "LC_ALL=C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "PYTHONIOENCODING=ascii": {"PYTHONIOENCODING": "ascii"},
}


@every_command
@pytest.mark.parametrize("terminal", NARROW)
def test_a_terminal_without_utf_8(name: str, terminal: str, tmp_path: Path) -> None:
    with started(tmp_path, COMMANDS[name].line, environment=NARROW[terminal]) as process:
        process.until_output(3.0 if COMMANDS[name].writes else 1.0)
        assert process.end(signal.SIGINT) in (*COMMANDS[name].codes, INTERRUPTED), process.said
        assert process.said.count("\n") < 20


HOOK = """
import os, signal, sys
event, _, detail = os.environ["INTERRUPT_AT"].partition(" ")
pending = [True]
def hook(name, arguments):
    if pending and name == event and (not detail or arguments[0] == detail):
        pending.clear()
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
"""
MOMENTS = [(name, f"import {module}") for name, command in COMMANDS.items() for module in command.modules]
LOOPS = [
    (name, "socket.__new__")
    for name in ("headless", "terminal", "demo", "doctor", "history online", "pair", "record", "simulate")
]


@pytest.mark.parametrize(
    ("name", "moment"),
    [pytest.param(*case, marks=() if case[0] in KINDS else pytest.mark.release) for case in [*MOMENTS, *LOOPS]],
)
def test_ctrl_c_during_the_start(name: str, moment: str, tmp_path: Path) -> None:
    """The process interrupts itself at an import, or when the event loop opens its first socket."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    with started(
        tmp_path, COMMANDS[name].line, environment={"PYTHONPATH": str(tmp_path), "INTERRUPT_AT": moment}
    ) as process:
        code = process.end()
        assert all(line.startswith("saving: ") for line in process.said.splitlines()), "only progress"
        assert code == INTERRUPTED
