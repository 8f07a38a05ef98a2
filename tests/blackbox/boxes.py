"""Drives an appliance process through the headless panel: its JSON lines, its commands and its exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from appliance.history_syncs import UNEXPECTED_HISTORY_ERROR
from tests.blackbox.lab import Host

ROOT = Path(__file__).parents[2]
START = 20.0
"""Seconds until the first line: on two busy cores, several cold starts at once take long."""
TO_END = 2.0
STATES = {"discovering", "awaiting_pairing", "pairing", "connecting", "connected", "offline"}
LIGHTS = {"off", "on", "slow", "fast"}
SOUNDS = {None, "page", "paired", "error", "late", "new_order"}
KEYS = {"state", "reason", "gateway", "active", "paged", "oldest_s", "leds", "sound", "screen"}
Json = dict[str, Any]


class Box:
    """An appliance on a host. config: its YAML, without the state directory."""

    def __init__(self, host: Host, directory: Path, config: str = "") -> None:
        self.host = host
        self.state_dir = directory / "state"
        self.token_file = self.state_dir / "token.json"
        self._config = directory / "config.yaml"
        self.lines: list[Json] = []
        self.output = b""
        self.log = ""
        directory.mkdir(exist_ok=True)
        self.state_dir.mkdir(mode=0o700)
        self._config.write_text(f"state_dir: {self.state_dir}\n{config}")
        self._news = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []

    def hold_token(self, gateway: str, token: str) -> None:
        """Store a token, as if it was paired."""
        self.token_file.write_text(json.dumps({"gateway": gateway, "token": token}))
        self.token_file.chmod(0o600)

    def start(self) -> int:
        """Start it and wait for its first line; return the mark before the start."""
        mark = self.launch()
        self.wait(START, since=mark)
        return mark

    def launch(self) -> int:
        """Start it; return the mark before the start."""
        mark = self.mark()
        command = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(self._config)]
        self._process = self.host.start(command, log=subprocess.PIPE, PYTHONPATH=str(ROOT))
        self._threads = [
            threading.Thread(target=work, args=[self._process], daemon=True) for work in (self._read, self._read_log)
        ]
        for thread in self._threads:
            thread.start()
        return mark

    def mark(self) -> int:
        """The position of the next line."""
        return len(self.lines)

    @property
    def line(self) -> Json:
        """The latest line."""
        return self.lines[-1]

    def wait(
        self, within: float, since: int | None = None, where: Callable[[Json], bool] | None = None, **facts: object
    ) -> Json:
        """The first line with these facts, from the latest one or from a mark on; `gateway` is the gateway's name."""
        at = max(0, len(self.lines) - 1) if since is None else since
        found: list[Json] = []

        def there() -> bool:
            nonlocal at
            while not found and at < len(self.lines):
                line = self.lines[at]
                at += 1
                if fits(line, facts) and (where is None or where(line)):
                    found.append(line)
            return bool(found)

        with self._news:
            if not self._news.wait_for(there, within):
                raise AssertionError(f"not within {within:g} s: {facts or where}\n{self.story()}")
        return found[0]

    def wait_for_log(self, words: str, within: float = 3.0) -> None:
        """Wait until the log has these words: it comes on another pipe than the lines."""
        until = time.monotonic() + within
        while words not in self.log and time.monotonic() < until:
            time.sleep(0.02)
        assert words in self.log, self.story()

    def never(self, since: int, **facts: object) -> None:
        """Check that no line since a mark has these facts."""
        wrong = [line for line in self.lines[since:] if fits(line, facts)]
        assert not wrong, f"{facts}: {wrong[0]}\n{self.story()}"

    def sounds(self, since: int = 0) -> list[str]:
        """The sounds since a mark."""
        return [line["sound"] for line in self.lines[since:] if line["sound"]]

    def press(self) -> int:
        """Press the button; return the mark before it."""
        return self.type("press")

    def type(self, command: str) -> int:
        """Type a line; return the mark before it."""
        mark = self.mark()
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        return mark

    def end(self, how: str = "term", within: float = TO_END) -> None:
        """End it with `term`, `quit` or `eof`. Raises AssertionError unless it ends within 2 s with everything off.

        within: seconds instead of 2, for tests of other things.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        asked, waits = time.monotonic(), ""
        match how:
            case "term":
                self._process.send_signal(signal.SIGTERM)
            case "quit":
                self.type("quit")
            case _:
                self._process.stdin.close()
        try:
            try:
                code = self._process.wait(within)
            except subprocess.TimeoutExpired:
                waits = waiting(self._process.pid)
                code = self._process.wait(8)
            took = time.monotonic() - asked
        finally:
            self._stop()
        where = self.line["state"] if self.lines else "not a line"
        assert code == 0, f"{how}, {where}: code {code}\n{self.story()}"
        assert took <= within, f"{how}, {where}: {took:.1f} s\n{self.story()}\n{waits}"
        assert self.lines, self.log
        assert set(self.line["leds"].values()) == {"off"}, self.story()

    def kill(self) -> None:
        """Kill it, like a power cut."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._stop()

    def close(self, secrets: set[str], within: float = TO_END) -> None:
        """End it if it runs, and check its whole output. secrets: must not appear in it."""
        if self._process is not None:
            self.end(within=within)
        for line in self.lines:
            check(line)
        assert "Traceback" not in self.log, self.log
        assert UNEXPECTED_HISTORY_ERROR not in self.log, self.log
        for secret in secrets:
            assert secret.encode() not in self.output, "a token in the lines"
            assert secret not in self.log, "a token in the log"

    def story(self) -> str:
        """Its last lines and log, for a failure's message."""
        lines = [f"{line['at']:.2f} {brief(line)}" for line in self.lines[-25:]]
        return "\n".join([*lines, "log:", *self.log.splitlines()[-25:]])

    def _stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._process = None

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for text in process.stdout:
            self.output += text
            if text.endswith(b"\n"):
                with self._news:
                    self.lines.append({**json.loads(text), "at": time.monotonic()})
                    self._news.notify_all()

    def _read_log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        for text in process.stderr:
            self.log += text.decode()


def waiting(process: int) -> str:
    """The kernel function in which each thread of a process waits."""
    lines = []
    for thread in sorted(Path(f"/proc/{process}/task").glob("*")):
        with suppress(OSError):
            lines.append(f"{thread.name} {(thread / 'stat').read_text().split(') ')[1][0]}")
            lines.append((thread / "stack").read_text())
    return "\n".join(lines)


def run_to_end(host: Host, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run the appliance's command to its end; return exit code, output and log."""
    command = [sys.executable, "-m", "appliance", *arguments]
    process = host.start(command, log=subprocess.PIPE, PYTHONPATH=str(ROOT))
    output, log = process.communicate(timeout=START)
    return process.returncode, output.decode(), log.decode()


def brief(line: Json) -> str:
    """A short form of a line."""
    name = line["gateway"] and line["gateway"]["name"]
    shown = {key: line[key] for key in ("reason", "active", "paged", "sound") if line[key] is not None}
    return f"{line['state']} {name} {shown} {' / '.join(line['screen'])}"


def fits(line: Json, facts: dict[str, object]) -> bool:
    """Return True if a line has these facts."""
    flat = {**line, "gateway": line["gateway"] and line["gateway"]["name"]}
    flat["address"] = line["gateway"] and line["gateway"]["address"]
    return all(flat[key] == fact for key, fact in facts.items())


def check(line: Json) -> None:
    """Check a line against the contract."""
    assert line.keys() - {"at"} == KEYS, line
    assert line["state"] in STATES, line
    assert line["reason"] is None or isinstance(line["reason"], str), line
    assert line["gateway"] is None or line["gateway"].keys() == {"name", "address"}, line
    counts = [line["active"], line["paged"]]
    live = line["state"] == "connected"
    assert all(isinstance(count, int) for count in counts) if live else counts == [None, None], line
    assert line["oldest_s"] is None or (live and isinstance(line["oldest_s"], int)), line
    assert line["leds"].keys() == {"green", "amber", "red"}, line
    assert set(line["leds"].values()) <= LIGHTS, line
    assert line["sound"] in SOUNDS, line
    assert all(isinstance(words, str) for words in line["screen"]), line
