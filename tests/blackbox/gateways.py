"""Drives the other gateway: a process on a host of the lab, its commands, and its record of its clients."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.blackbox.lab import Host

PROGRAM = "tests.blackbox.other_gateway"
ROOT = Path(__file__).parents[2]
GENERATE = "/api/v2/accesstoken/generate"
Json = dict[str, Any]


class OtherGateway:
    """A gateway on a host, announced by avahi. token: accepted from the start. listen: the address of its server."""

    def __init__(
        self, host: Host, name: str, port: int = 8000, *, token: str | None = None, listen: str = "0.0.0.0"
    ) -> None:
        self.host = host
        self.name = name
        self.port = port
        self.seen: list[Json] = []
        self._replies: dict[int, Json] = {}
        self._news = threading.Condition()
        self._number = 0
        self._process = host.start(
            [sys.executable, "-m", PROGRAM, str(port), listen], log=subprocess.PIPE, PYTHONPATH=str(ROOT)
        )
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_errors)]
        self._errors = b""
        for thread in self._threads:
            thread.start()
        self._reply(0)
        if token is not None:
            self.do("tokens", keep=[token])

    @property
    def where(self) -> str:
        """Its address and port."""
        return f"{self.host.address}:{self.port}"

    def advertise(self) -> None:
        """Announce it."""
        self.host.advertise(self.name, self.port)

    def do(self, command: str, **keywords: Any) -> Json:
        """Send a command and return the answer."""
        self._number += 1
        line = json.dumps({"id": self._number, "do": command, **keywords})
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._reply(self._number)

    def start(self, **keywords: Any) -> str:
        """Start an order; return its uuid."""
        (uuid,) = self.do("start", **keywords)["uuids"]
        return str(uuid)

    def logged(self, kind: str, since: int = 0, **facts: object) -> list[Json]:
        """Its log entries of one kind (`request`, `issued`, `token`, `feed`)."""
        return [
            entry
            for entry in self.seen[since:]
            if entry["log"] == kind and all(entry[key] == fact for key, fact in facts.items())
        ]

    def wait(self, happened: Callable[[OtherGateway], bool], within: float) -> None:
        """Wait until `happened` is true."""
        with self._news:
            assert self._news.wait_for(lambda: happened(self), within), f"not within {within} s; seen: {self.seen[-8:]}"

    def asked(self, since: int = 0) -> int:
        """The number of token requests."""
        return len(self.logged("request", since, path=GENERATE))

    @property
    def feeds(self) -> list[float]:
        """The times at which its feeds became live, in monotonic seconds."""
        return [entry["at"] for entry in self.logged("feed")]

    @property
    def secrets(self) -> set[str]:
        """Every token that it issued or received, in every encoding."""
        shown = {entry["token"] for entry in (*self.logged("token"), *self.logged("issued"))}
        headers = {entry["authorization"] for entry in self.logged("request") if entry["authorization"]}
        return shown | {header.rpartition(" ")[2] for header in headers}

    @property
    def was_shown(self) -> set[str]:
        """Every token that a client sent."""
        headers = {entry["authorization"] for entry in self.logged("request") if entry["authorization"]}
        return {entry["token"] for entry in self.logged("token")} | {header.rpartition(" ")[2] for header in headers}

    def close(self) -> None:
        """End it. Raises AssertionError if it had an internal error."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        finally:
            self._process.kill()
            for thread in self._threads:
                thread.join()
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None
                pipe.close()
        assert b"Traceback" not in self._errors, self._errors.decode()

    def _reply(self, number: int) -> Json:
        with self._news:
            there = self._news.wait_for(lambda: number in self._replies, 15)
            assert there, f"the other gateway does not answer: {self._errors.decode()}"
            return self._replies.pop(number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._news:
                if "reply" in facts:
                    self._replies[facts["reply"]] = facts
                else:
                    self.seen.append({**facts, "heard": time.monotonic()})
                self._news.notify_all()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors += line
