"""Wrong words and values, help, and terminals without colours or a cursor: for every command."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance import __version__
from appliance.__main__ import main
from appliance.command_line import COMMANDS, EXIT_CODES
from tests.commands import run_command
from tests.test_program_ends import PROGRAM, started, write_box

ROOT = Path(__file__).parents[1]
WRONG = [
    "",
    "nonsense",
    "--nonsense",
    "run --panel window",
    "run more",
    "run --nonsense",
    "status --nonsense",
    "status more",
    "config --nonsense",
    "config more",
    "demo --auto --window",
    "demo more",
    "doctor --nonsense",
    "doctor more",
    "screens --nonsense",
    "screens more",
    "pair --nonsense",
    "pair more",
    "pair --gateway",
    "record",
    "record OUT more",
    "record OUT --for soon",
    "record OUT --for 0",
    "record OUT --nonsense",
    "update",
    "update nonsense",
    "update install",
    "update status OUT",
    "update rollback --json",
    "update install OUT more",
    "backup",
    "backup OUT more",
    "backup OUT --nonsense",
    "help nonsense",
    "help history more",
    "simulate --port 65536",
    "simulate --port nonsense",
    "simulate --host gateway.example",
    "simulate --pace 0",
    "simulate --orders -1",
    "simulate --seed x",
    "simulate --nonsense",
    "simulate --replay OUT --orders 3",
    "simulate more",
    "history --config CONFIG yesterdai",
    "history --config CONFIG yesterday more",
    "history --config CONFIG --since soon",
    "history --config CONFIG --since 14days",
    "history --config CONFIG --from 2026-02-30",
    "history --config CONFIG --to 2026-1-1",
    "history --config CONFIG --since 3d --from 2026-11-01",
    "history --config CONFIG --from 2026-11-02 --to 2026-11-01",
    "history --config CONFIG today --since 3d",
    "history --config CONFIG --format xml",
    "history --config CONFIG --offline --type nonsense",
    "history --config CONFIG --offline --table nonsense",
    "history --config CONFIG --chart chart.gif",
    "history --config CONFIG --chart chart.svg --format csv",
    "history --config CONFIG --nonsense",
]


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a box with a token and an archive."""
    return write_box(tmp_path_factory.mktemp("box"))


def test_every_command_is_told_what_it_does_not_know() -> None:
    assert {line.split()[0] for line in WRONG if line and line.split()[0] in COMMANDS} == set(COMMANDS)


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_word_or_value_has_the_exit_code_2(line: str, paired: Path) -> None:
    ended = run_command(*(str({"CONFIG": paired}.get(word, word)) for word in line.split()))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith("tt-appliance"), "the last line says what is wrong"


@pytest.mark.parametrize("line", ["nonsense", "history --config CONFIG --offline --type nonsense"])
def test_the_process_has_this_exit_code_too(line: str, tmp_path: Path) -> None:
    with started(tmp_path, line) as process:
        assert process.popen.stdout is not None
        output = process.popen.stdout.read()
        assert (process.end(), output) == (2, b""), process.said
        assert process.said.splitlines()[-1].startswith("tt-appliance"), "the last line says what is wrong"


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([option])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"tt-appliance {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for arguments in (["help", command], [command, "--help"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert shown[0].startswith(f"usage: tt-appliance {command} ")


def test_help_without_a_command_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["help"])
    shown = capsys.readouterr().out
    assert all(re.search(rf"^    {command} ", shown, re.MULTILINE) for command in COMMANDS)


def test_the_document_has_every_exit_code() -> None:
    document = (ROOT / "docs/command-line.md").read_text()
    assert all(f"| {code} |" in document for code, _ in EXIT_CODES)


def written(folder: Path, line: str, environment: Mapping[str, str], until: str = "", more: float = 0.0) -> bytes:
    """What a command writes to a terminal until it ends, or until these words and so many seconds more."""
    config = folder / "tt.yaml"
    config.write_text(f"gateway: {{address: 127.0.0.1:9}}\nstate_dir: {folder}\n")
    (folder / "token.json").write_text('{"gateway": "127.0.0.1:9", "token": "0"}')
    words = [{"CONFIG": str(config), "OUT": str(folder / "out")}.get(word, word) for word in line.split()]
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    own = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [PROGRAM, *words], stdin=slave, stdout=slave, stderr=slave, env={**own, "TERM": "xterm", **environment},
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    output, deadline, seen = b"", time.monotonic() + 60, False
    while time.monotonic() < deadline:
        if not seen and output and until.encode() in output:
            seen, deadline = True, time.monotonic() + more
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return output


SHOWN = {
    "run": "run --panel terminal --config CONFIG",
    "demo": "demo",
    "simulate": "simulate --port 0 --no-advertise",
    "history": "history --config CONFIG",
    "pair": "pair --config CONFIG",
    "doctor": "doctor --config CONFIG --no-questions",
    "screens": "screens --out OUT",
    "record": "record OUT --for 1 --config CONFIG",
    "help": "help",
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_dumb_terminal_gets_no_control_sequences(name: str, tmp_path: Path) -> None:
    output = written(tmp_path, SHOWN[name], {"TERM": "dumb"}, more=1.0)
    assert output
    assert b"\x1b" not in output


def test_the_panel_tells_a_dumb_terminal_why_it_ends(tmp_path: Path) -> None:
    dumb = {"TERM": "dumb"}
    assert b"the panel needs a terminal with a cursor" in written(tmp_path, SHOWN["run"], dumb, "cursor")
    story = written(tmp_path, "demo", dumb, "looking for the gateway")
    assert b"playing the story of --auto" in story
    assert b"looking for the gateway" in story


def test_settings_on_a_terminal_have_no_password(tmp_path: Path) -> None:
    """In a file or a pipe they have, so that they can be read again."""
    settings = tmp_path / "wifi.yaml"
    settings.write_text("wifi: {country: DE, name: Bar, password: kitchen-2024}\n")
    shown = written(tmp_path, f"config --config {settings}", {}, "state_dir:")
    assert b"kitchen-2024" not in shown
    assert b"  password: null  # set, but not shown on a terminal" in shown
    assert b"Bar" in shown
    piped = subprocess.run([PROGRAM, "config", "--config", settings], capture_output=True, check=True, timeout=60)
    assert b'  password: "kitchen-2024"' in piped.stdout


COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:[34][0-9]|9[0-7]|10[0-7])[0-9;]*m")


@pytest.mark.parametrize(("value", "coloured"), [(None, True), ("", True), ("1", False), ("0", False)])
def test_no_color_is_respected(value: str | None, coloured: bool, tmp_path: Path) -> None:
    environment = {} if value is None else {"NO_COLOR": value}
    output = written(tmp_path, "demo", environment, "amber", more=0.3 if coloured else 1.5)
    assert b"\x1b[?1049h" in output, "the panel is drawn"
    assert bool(COLOUR.search(output)) is coloured


def test_the_module_is_the_same_program() -> None:
    shown = subprocess.run([sys.executable, "-m", "appliance", "-V"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"tt-appliance {__version__}\n"
