"""The processes of a recovery measurement: a faulty server in the gateway's place, and the plain client."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.bench.program import BenchError
from tests.blackbox.boxes import ROOT
from tests.blackbox.gateways import OtherGateway
from tests.blackbox.lab import Host
from tests.hostile.appliance_process import TOKEN


class FaultyServer:
    """A faulty server on a gateway's host and port."""

    def __init__(self, gateway: OtherGateway, behaviour: str, orders: int) -> None:
        nowhere = f"{gateway.host.address}:9"
        program = [sys.executable, "-m", "tests.hostile.servers", str(gateway.port), behaviour, nowhere, str(orders)]
        self._behaviour = behaviour
        self._process = gateway.host.start(program, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BenchError(f"no server: {behaviour}")

    def repair(self) -> None:
        """Serve new connections correctly. Raises BenchError unless both clients have connected before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        if int(self._process.stdout.readline()) < 2:
            raise BenchError(f"not both clients connected to the server: {self._behaviour}")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate(timeout=10)


class PlainClient:
    """A plain client on a host. lines: times and counts that it showed; None while it shows no count."""

    def __init__(self, host: Host, folder: Path) -> None:
        folder.mkdir()
        self._host = host
        self._file = folder / "token"
        self._file.write_text(TOKEN)
        self.lines: list[tuple[float, int | None]] = []
        self._news = threading.Condition()
        self.start()

    def start(self) -> None:
        """Start the process."""
        program = [sys.executable, "-m", "tests.bench.plain_lines", "--token-file", str(self._file)]
        self._process = self._host.start(program, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def time_of_count(self, count: int, within: float) -> float | None:
        """When the client began to show a count; waits for it. None if it never does."""
        with self._news:
            there = self._news.wait_for(lambda: self.lines and self.lines[-1][1] == count, max(0.0, within))
            return self.lines[-1][0] if there else None

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process."""
        self._process.send_signal(how)
        self._process.wait(10)
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            with self._news:
                self.lines.append((time.monotonic(), json.loads(text)["active"]))
                self._news.notify_all()
