"""The appliance as a process on the loopback interface, and its memory and CPU time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.history_syncs import UNEXPECTED_HISTORY_ERROR

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "systemd/tt-appliance.service").read_text()
ALLOCATOR = dict(re.findall(r"\b(MALLOC_\w+)=(\S+)", UNIT))
"""The environment that the unit gives to the memory allocator."""
TOKEN = "f" * 48
Line = dict[str, Any]


class Program:
    """A running appliance, paired with the gateway of an address or name. lines: its panel's lines."""

    def __init__(self, address: str, directory: Path, *, name: str = "", token: str = TOKEN) -> None:
        self._token = token
        directory.mkdir(exist_ok=True)
        (directory / "token.json").write_text(json.dumps({"gateway": name or address, "token": token}))
        gateway = f"name: {name}" if name else f'address: "{address}"'
        config = directory / "config.yaml"
        config.write_text(f"gateway: {{{gateway}}}\nnetwork: {{interfaces: [lo]}}\nstate_dir: {directory}\n")
        self.lines: list[Line] = []
        self._news = threading.Condition()
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(config)],
                cwd=ROOT,
                env=os.environ | ALLOCATOR,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        """Its log."""
        return self._log.read_text()

    def wait(self, true: Callable[[Line], bool], within: float = 30.0, since: int | None = None) -> Line:
        """The first line, from the latest one or from `since` on, for which `true` returns True."""
        at = max(0, len(self.lines) - 1) if since is None else since
        with self._news:
            there = self._news.wait_for(lambda: any(map(true, self.lines[at:])) or self._ended, within)
            found = next(filter(true, self.lines[at:]), None)
        assert there, f"not within {within:g} s; last: {self.lines[-1:]}\n{self.log[-2000:]}"
        assert found is not None, f"the program ended: {self.process.poll()}\n{self.log[-2000:]}"
        return found

    def status(self, field: str) -> int:
        """A number of /proc/PID/status, such as VmHWM (kB) or Threads."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise AssertionError(f"no {field}; it ended with {self.process.poll()}\n{self.log[-2000:]}")

    @property
    def peak(self) -> float:
        """Its peak memory in megabytes."""
        return self.status("VmHWM") / 1024

    @property
    def held(self) -> dict[str, float]:
        """Its present use of megabytes, descriptors and threads."""
        descriptors = sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())
        return {"MB": self.status("VmRSS") / 1024, "descriptors": descriptors, "threads": self.status("Threads")}

    @property
    def cpu(self) -> float:
        """Its CPU time in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it. Raises AssertionError unless it ends without an error."""
        self.process.terminate()
        try:
            code = self.process.wait(10)
        finally:
            self.kill()
        assert code == 0, f"code {code}\n{self.log[-2000:]}"
        assert "Traceback" not in self.log, self.log[-4000:]
        assert UNEXPECTED_HISTORY_ERROR not in self.log, self.log[-4000:]
        assert self._token not in self.log

    def kill(self) -> None:
        """Kill it, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    _ended = False

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self._news:
                self.lines.append({**json.loads(text), "at": time.monotonic()})
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


@contextmanager
def running(address: str, directory: Path) -> Iterator[Program]:
    """Run an appliance, and end it normally."""
    program = Program(address, directory)
    try:
        yield program
    except BaseException:
        program.kill()
        raise
    program.close()
