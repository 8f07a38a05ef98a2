"""The log's formats for people and for the journal; it contains no frames or headers of libraries."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from appliance import logs

SECRET = "5ecret" * 8


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    names = ("asyncio", "aiohttp", "gpiozero", "luma", "PIL", "requests", "urllib3", "websockets", "zeroconf")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def say() -> None:
    log = logging.getLogger("appliance.runner")
    log.debug("one")
    log.info("two")
    log.warning("three\nfour")
    try:
        raise ValueError("five")
    except ValueError:
        log.exception("six")
    log.critical("seven")


def test_the_journal_format_has_priorities(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(journal=True)
    say()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:4] == [
        "<6>appliance.runner: two",
        "<4>appliance.runner: three",
        "<4>four",
        "<3>appliance.runner: six",
    ]
    assert all(line.startswith("<3>") for line in lines[4:-1])
    assert lines[-1] == "<2>appliance.runner: seven"


def test_the_plain_format_has_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(logging.DEBUG)
    say()
    first = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} DEBUG appliance\.runner: one", first)


def test_a_second_set_up_does_not_duplicate_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(journal=True)
    logs.set_up(logging.WARNING, journal=True)
    logging.getLogger("appliance").info("not this")
    logging.getLogger("appliance").warning("this")
    assert capsys.readouterr().err == "<4>appliance: this\n"


@pytest.mark.parametrize("own", [True, False])
def test_the_journal_is_detected_by_its_stream(own: bool) -> None:
    code = "import logging; from appliance import logs; logs.set_up(); logging.getLogger('x').error('here')"
    with tempfile.TemporaryFile() as journal:
        status = os.fstat(journal.fileno())
        stream = f"{status.st_dev}:{status.st_ino if own else status.st_ino + 1}"
        environment = os.environ | {"JOURNAL_STREAM": stream}
        subprocess.run([sys.executable, "-c", code], stderr=journal, env=environment, check=True)
        journal.seek(0)
        assert journal.read().startswith(b"<3>x: here\n") is own


@pytest.mark.parametrize("stream", ["", "1", "a:b", "1:2:3"])
def test_an_invalid_journal_stream_means_plain_format(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    logs.set_up()
    logging.getLogger("x").error("here")
    assert re.match(r"\d{4}-", capsys.readouterr().err)


async def test_no_frame_and_no_header_is_logged_at_any_level(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("websockets.client").setLevel(logging.DEBUG)
    logs.set_up(logging.DEBUG)

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with asyncio.timeout(5), serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        headers = {"Authorization": f"Bearer {SECRET}"}
        async with connect(f"ws://127.0.0.1:{port}", additional_headers=headers, proxy=None) as client:
            await client.send(SECRET)
            assert await client.recv() == SECRET
    logging.getLogger("appliance").debug("ours is heard")
    said = capsys.readouterr().err
    assert "ours is heard" in said
    assert SECRET not in said
    assert "websockets" not in said


def test_a_burst_of_equal_lines_is_summarised(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("appliance.logs.time.monotonic", lambda: now)
    logs.set_up(journal=True)
    log = logging.getLogger("appliance")
    for number in range(43):
        log.info("gateway %s", "lost")
        if number < 2:
            log.info("gateway found")
    assert capsys.readouterr().err.count("gateway") == 5
    now += logs.BURST
    log.warning("other")
    assert capsys.readouterr().err.splitlines() == ["<6>appliance: gateway lost (... 40 more)", "<4>appliance: other"]
    log.info("gateway lost")
    assert capsys.readouterr().err == "<6>appliance: gateway lost\n", "a burst later is a new one"


def test_the_end_of_the_program_summarises_what_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(journal=True)
    for _ in range(5):
        logging.getLogger("appliance").info("again")
    (handler,) = logging.getLogger().handlers
    handler.close()
    assert capsys.readouterr().err.splitlines()[-1] == "<6>appliance: again (... 2 more)"


def test_the_lines_to_remember_are_limited(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(journal=True)
    for number in range(5 * logs.MOST_DIFFERENT):
        logging.getLogger("appliance").info("%d", number)
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logs.BurstHandler)
    assert len(handler._bursts) <= logs.MOST_DIFFERENT + 1
    assert len(capsys.readouterr().err.splitlines()) == 5 * logs.MOST_DIFFERENT
