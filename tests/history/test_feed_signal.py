"""The signal between two programs of one machine: a feed is opening."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.gateway import feed_priority as module
from appliance.gateway.feed_priority import FeedPriority, FeedSignal, wait_for_feed
from tests.child_process import ChildProcess
from tests.history.conftest import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture
def signal_(tmp_path: Path) -> Iterator[FeedSignal]:
    signal_ = FeedSignal(tmp_path)
    yield signal_
    signal_.show(False)


async def waits(directory: Path) -> bool:
    """Return True if a reader has to wait."""
    try:
        async with asyncio.timeout(0.3):
            await wait_for_feed(directory)
    except TimeoutError:
        return True
    return False


async def test_a_reader_waits_while_any_feed_opens(signal_: FeedSignal, tmp_path: Path) -> None:
    feed_priority = FeedPriority(signal_.show)
    assert not await waits(tmp_path)
    feed_priority.opening(1)
    feed_priority.opening(2)
    assert await waits(tmp_path)
    feed_priority.settled(1)
    assert await waits(tmp_path)
    feed_priority.settled(2)
    assert not await waits(tmp_path)
    feed_priority.settled(2)
    feed_priority.opening(3)
    assert await waits(tmp_path)


async def test_a_reader_waits_for_a_limited_time(
    signal_: FeedSignal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAIT", 0.1)
    signal_.show(True)
    assert not await waits(tmp_path)


async def test_a_foreign_socket_of_the_same_name_only_delays_a_reader(
    signal_: FeedSignal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket of the abstract namespace has no owner: any program can bind its name."""
    monkeypatch.setattr(module, "MOST_WAIT", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.bind(module._name(tmp_path))
        feed_priority = FeedPriority(signal_.show)
        feed_priority.opening(1)
        assert not await waits(tmp_path), "it continues after its timeout"
        feed_priority.settled(1)
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
    feed_priority.opening(2)
    monkeypatch.setattr(module, "MOST_WAIT", 30.0)
    assert await waits(tmp_path), "the free name carries the signal again"


async def test_a_killed_process_withdraws_its_signal(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from appliance.gateway.feed_priority import FeedSignal
signal_ = FeedSignal(Path({str(tmp_path)!r}))
signal_.show(True)
print("shown", flush=True)
time.sleep(60)
"""
    with ChildProcess[bytes]([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as box:
        assert box.stdout is not None
        assert box.stdout.readline() == b"shown\n"
        assert await waits(tmp_path)
        box.kill()
        box.wait()
    assert not await waits(tmp_path)


async def test_the_box_signals_its_first_feed(site: Site) -> None:
    """It does so even before there is an archive."""
    site.do(lambda: setattr(site.gateway, "silent", True))
    command = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(site.config)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ChildProcess(command, cwd=ROOT, text=True, **streams) as box:  # type: ignore[call-overload]
        assert next(line for line in box.stdout if '"state": "connecting"' in line)
        async with asyncio.timeout(5):
            # The box resolves the gateway's name first.
            while not await waits(site.state):
                pass
        site.do(lambda: setattr(site.gateway, "silent", False))
        assert next(line for line in box.stdout if '"state": "connected"' in line)
        assert not await waits(site.state)
        assert not (site.state / "history.sqlite3").exists()
        box.stdin.close()
