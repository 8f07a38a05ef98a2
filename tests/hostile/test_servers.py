"""The whole program before servers that no gateway should be: little memory, an honest screen, and back in a minute."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.appliance_process import TOKEN, running
from tests.hostile.servers import CLOSES, FEEDS, HTTP, Moody

LASTS = 25.0
"""Seconds of each mood: longer than a feed without an answer may live."""
CLOSED = 3
"""Feeds that are closed in each way, instead: more would tell no more."""
MOST = 120.0
"""Megabytes: a message at its limit, and what the program takes anyway."""
AT_ONCE = 10


class Elsewhere:
    """Where the redirects lead to: nobody may come, and with a token least of all."""

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


def one(mood: str, elsewhere: Elsewhere, directory: Path) -> str:
    """Live through a mood; a line of the table. Raises AssertionError."""
    server = Moody(mood, elsewhere.address)
    try:
        with running(server.address, directory) as box:
            began = time.monotonic()
            while time.monotonic() < began + LASTS and not (mood in CLOSES and server.met >= CLOSED):
                time.sleep(0.1)
            assert server.met >= (CLOSED if mood in CLOSES else 1), f"{mood}: {server.met} came"
            shown = {line["active"] for line in box.lines}
            # With a page for an answer there is no feed; on a feed the set is empty, or one where it came whole.
            expected = {None} if mood in HTTP else {None, 1} if mood == "a byte a frame" else {None, 0}
            assert shown <= expected, f"{mood}: {shown}"
            mark, ended = len(box.lines), time.monotonic()
            server.good = True
            line = box.wait(lambda line: line["active"] == 1, 60, max(0, mark - 1))
            took = max(0.0, line["at"] - ended)
            assert box.peak < MOST, f"{mood}: {box.peak:.0f} MB"
            assert TOKEN not in str(box.lines)
            assert not any(line["sound"] for line in box.lines), f"{mood}: it sounded"
            if mood in CLOSES:
                states = [line["state"] for line in box.lines[:mark]]
                assert "offline" in states[states.index("connected") :], f"{mood}: its end was not told"
            return f"{mood:50s} {took:5.1f} s {box.peak:6.0f} MB"
    finally:
        server.close()


@pytest.mark.parametrize("moods", [HTTP, FEEDS, CLOSES], ids=["before the feed", "on the feed", "closes"])
def test_no_server_takes_it_down(tmp_path: Path, moods: dict[str, object]) -> None:
    elsewhere = Elsewhere()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lives = [pool.submit(one, mood, elsewhere, tmp_path / str(number)) for number, mood in enumerate(moods)]
        rows = [life.result() for life in lives]
    print("", *rows, sep="\n")
    assert elsewhere.heard == b"", "a redirect was followed"
