"""The whole program against hostile servers: it takes little memory, shows no wrong count, and recovers in a minute."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.appliance_process import TOKEN, running
from tests.hostile.servers import CLOSES, FEEDS, HTTP, HostileServer

pytestmark = pytest.mark.release

LASTS = 25.0
"""Seconds for each server: longer than the program keeps a silent feed."""
CLOSED = 3
"""Feeds to close in each way, instead of a time: more of them would repeat the same steps."""
MOST = 120.0
"""Megabytes: a message of the largest size, and the idle program."""
AT_ONCE = 10
"""Servers, each with a program of its own, that run side by side: all of HTTP, since each lasts LASTS."""


class Elsewhere:
    """The target of the redirects: no program may connect to it."""

    def __init__(self) -> None:
        self.heard = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listening.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            line, _ = self._listening.accept()
            self.heard += line.recv(65536) or b"somebody"
            line.close()


def one(behaviour: str, elsewhere: Elsewhere, directory: Path) -> str:
    """Run the program against a server with this behaviour; return a line of the table. Raises AssertionError."""
    server = HostileServer(behaviour, elsewhere.address)
    try:
        with running(server.address, directory) as box:
            began = time.monotonic()
            while time.monotonic() < began + LASTS and not (behaviour in CLOSES and server.met >= CLOSED):
                time.sleep(0.1)
            assert server.met >= (CLOSED if behaviour in CLOSES else 1), f"{behaviour}: {server.met} connections"
            shown = {line["active"] for line in box.lines}
            # A server of HTTP opens no feed. On a feed the set is empty, or has one order if that message is whole.
            expected = (
                {None} if behaviour in HTTP else {None, 1} if behaviour == "messages in 1-byte frames" else {None, 0}
            )
            assert shown <= expected, f"{behaviour}: {shown}"
            mark, ended = len(box.lines), time.monotonic()
            server.good = True
            line = box.wait(lambda line: line["active"] == 1, 60, max(0, mark - 1))
            took = max(0.0, line["at"] - ended)
            assert box.peak < MOST, f"{behaviour}: {box.peak:.0f} MB"
            assert TOKEN not in str(box.lines)
            assert not any(line["sound"] for line in box.lines), f"{behaviour}: a sound"
            if behaviour in CLOSES:
                states = [line["state"] for line in box.lines[:mark]]
                assert "offline" in states[states.index("connected") :], (
                    f"{behaviour}: the program did not show that it is offline"
                )
            return f"{behaviour:50s} {took:5.1f} s {box.peak:6.0f} MB"
    finally:
        server.close()


@pytest.mark.parametrize("behaviours", [HTTP, FEEDS, CLOSES], ids=["before the feed", "on the feed", "closes"])
def test_hostile_servers_cause_no_wrong_count_and_no_leak(tmp_path: Path, behaviours: dict[str, object]) -> None:
    elsewhere = Elsewhere()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lives = [
            pool.submit(one, behaviour, elsewhere, tmp_path / str(number))
            for number, behaviour in enumerate(behaviours)
        ]
        rows = [life.result() for life in lives]
    print("", *rows, sep="\n")
    assert elsewhere.heard == b"", "a redirect was followed"
