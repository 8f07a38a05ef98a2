"""`tt-appliance record`: the file, the summary, and each way to end."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from appliance.__main__ import main
from appliance.config import Config, GatewayConfig
from appliance.core.values import Address, Credential, Token
from appliance.recording import cli
from appliance.recording.entries import End, Message, load
from appliance.recording.writer import RecordingFile
from appliance.store import TokenStore
from tests.recording.conftest import SECRET, other_gateway


def settings(folder: Path, port: int = 9, *, paired: bool = True) -> Path:
    """A settings file with the gateway's address. port 9: nobody listens there."""
    path = folder / "tt.yaml"
    path.write_text(f"gateway: {{address: 127.0.0.1:{port}, name: Grill}}\nstate_dir: {folder / 'state'}\n")
    if paired:
        TokenStore(folder / "state").store(Credential("Grill", Token(SECRET)))
    return path


def record(folder: Path, *arguments: str, paired: bool = True) -> int:
    return main(["record", *arguments, "--for", "0.2", "--config", str(settings(folder, paired=paired))])


@pytest.fixture(autouse=True)
def no_pairing_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))


async def test_ctrl_c_ends_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "grill.jsonl"
    async with other_gateway() as gateway:
        config = await asyncio.to_thread(settings, tmp_path, gateway.port)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "appliance", "record", str(path), "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            while not path.exists() or b"ACTIVE_ORDERS" not in path.read_bytes():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.05)
        gateway.do_start()
        process.send_signal(signal.SIGINT)
        output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    heading, entries, cut = load(path)
    assert (heading.gateway, cut) == ("Grill", False)
    assert isinstance(entries[-1], End)
    assert entries[-1].why == "quit"
    assert SECRET not in path.read_text()
    messages = sum(isinstance(entry, Message) for entry in entries)
    assert f"Recorded {messages} messages, ".encode() in output
    assert output.endswith(f" in {path} ({path.stat().st_size:,} bytes).\n".encode())


async def test_a_full_recording_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "RecordingFile", partial(RecordingFile, largest=4000))
    path = tmp_path / "grill.jsonl"
    async with other_gateway() as gateway:
        gateway.do_start(count=2)
        config = Config(gateway=GatewayConfig(Address("127.0.0.1", gateway.port), "Grill"))
        credential = Credential("Grill", Token(SECRET))
        async with asyncio.timeout(10):
            _, size = await cli._record(path, None, config, credential)
    assert size == path.stat().st_size <= 4000
    end = load(path)[1][-1]
    assert isinstance(end, End)
    assert end.why == "size"


def test_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grill.jsonl"
    assert record(tmp_path, str(path)) == 1
    said = capsys.readouterr()
    assert said.out.startswith("Recorded 0 messages, 0 HTTP answers and 0 mDNS records in ")
    assert said.err == "tt-appliance record: Grill did not answer\n"
    assert [type(entry).__name__ for entry in load(path)[1]][-1] == "End"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("/dev/full", "can't write /dev/full: No space left on device"),
        ("missing/grill.jsonl", "can't write missing/grill.jsonl: No such file or directory"),
        ("tt.yaml", "tt.yaml exists already; give the name of a new file"),
    ],
)
def test_a_file_that_can_not_be_written(
    file: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert record(tmp_path, file) == 1
    assert capsys.readouterr().err == f"tt-appliance record: {words}\n"


def test_without_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, str(tmp_path / "grill.jsonl"), paired=False) == 1
    assert "not paired with a gateway; run: tt-appliance pair" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["tt.yaml"]
