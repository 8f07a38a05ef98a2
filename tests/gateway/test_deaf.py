"""Lost multicast memberships: the kernel's reports of interfaces, and answers that stop coming."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.gateway.link_events import LinkEvents, _losses
from tests.blackbox.conftest import missing
from tests.blackbox.lab import Lab

ROOT = Path(__file__).parents[2]


class Lines:
    """The lines of a process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.seen: list[str] = []
        self._news = threading.Condition()
        assert process.stdout is not None
        self._output = process.stdout
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self, line: str, since: int, within: float) -> None:
        """Wait for a line after so many others."""
        with self._news:
            assert self._news.wait_for(lambda: line in self.seen[since:], within), self.seen

    def close(self) -> None:
        """Wait for the end of the output."""
        self._thread.join()
        self._output.close()

    def _read(self) -> None:
        for line in self._output:
            with self._news:
                self.seen.append(line.decode().strip())
                self._news.notify_all()


@pytest.mark.netns
def test_a_box_whose_membership_is_lost_finds_out() -> None:
    """Nothing in the network changes: only answers stop."""
    if (why := missing()) is not None:
        pytest.skip(why)
    lab = Lab()
    try:
        gateway, box = lab.host(10), lab.host(2)
        gateway.advertise("Gateway", 8000)
        child = box.start(
            [sys.executable, "-m", "tests.gateway.deaf_child", box.address],
            log=subprocess.DEVNULL,
            PYTHONPATH=str(ROOT),
        )
        lines = Lines(child)
        lines.wait("found 10.77.0.10", 0, 15)
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        lines.wait("deaf", 0, 10)
        since = len(lines.seen)
        gateway.move(11)
        lines.wait("found 10.77.0.11", since, 40)
        child.stdin.close()
        assert child.wait(10) == 0
        lines.close()
    finally:
        lab.close()


@given(st.binary(max_size=200))
def test_any_report_of_the_kernel_can_be_read(data: bytes) -> None:
    assert all(isinstance(index, int) for index in _losses(data, ipv6=True))


def test_without_rtnetlink_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("socket.AF_NETLINK")
    events = LinkEvents()
    assert not events.interrupted({1}, ipv6=True)
    events.close()
