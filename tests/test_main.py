"""The command line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.__main__ import EX_CONFIG, main
from appliance.config import Config, parse
from appliance.status.cli import NOT_RUNNING
from tests.child_process import ChildProcess

RUN = [sys.executable, "-m", "appliance", "run", "--panel", "headless"]


def test_an_invalid_config_is_reported_with_file_line_and_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tt.yaml"
    config.write_text("orders:\n  warn_after: 60\ndisplay:\n  contrats: 5\n")
    assert main(["run", "--panel", "headless", "--config", str(config)]) == EX_CONFIG == 78
    output = capsys.readouterr().err
    assert f"{config}:4" in output
    assert "display.contrats" in output
    assert "did you mean" in output
    assert "display.contrast" in output


def test_the_printed_config_can_be_parsed_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert parse(capsys.readouterr().out, "printed") == Config()


@pytest.mark.parametrize("command", ["history", "pair", "doctor", "record FILE"])
def test_on_the_box_the_services_settings_are_the_default(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "tt.yaml"
    settings.write_text("no such key: 1\n")
    monkeypatch.setattr("appliance.__main__.SETTINGS", (tmp_path / "none.yaml", settings))
    assert main(command.split()) == EX_CONFIG
    assert f"{settings}:1" in capsys.readouterr().err


def test_the_status_needs_only_the_state_directory_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The appliance runs with mistakes in its settings; so does the status."""
    settings = tmp_path / "tt.yaml"
    settings.write_text(f"state_dir: {tmp_path}\nno such key: 1\n")
    assert main(["status", "--config", str(settings)]) == NOT_RUNNING == 69
    assert (
        capsys.readouterr().err == f"tt-appliance status: no appliance is running with the state directory {tmp_path}\n"
    )
    assert main(["status", "--config", str(tmp_path / "missing.yaml")]) == EX_CONFIG
    assert "missing.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.6])
def test_sigterm_ends_the_program_at_any_moment_of_its_start(tmp_path: Path, after: float) -> None:
    config = tmp_path / "tt.yaml"
    config.write_text(f"gateway: {{address: 127.0.0.1:9}}\nstate_dir: {tmp_path}\n")
    with ChildProcess(
        [*RUN, "--config", str(config)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as box:
        assert box.stderr is not None
        # The interpreter's own start is excluded: a program can't handle signals yet.
        while not _loaded(box.pid):
            time.sleep(0.005)
        time.sleep(after)
        box.send_signal(signal.SIGTERM)
        assert box.wait(2) == 0, box.stderr.read()


def _loaded(pid: int) -> bool:
    """Whether the process handles SIGTERM already."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
