"""The connection to the agent, which runs a test's commands in a machine."""

from __future__ import annotations

import socket
import time
from pathlib import Path


class Agent:
    """A connected agent. path: the socket of QEMU's serial port."""

    def __init__(self, path: Path) -> None:
        self._socket = connect(path)
        self._buffer = b""

    def send(self, command: str) -> None:
        """Let it run a command; it answers with one line."""
        assert "\n" not in command
        self._socket.sendall(command.encode() + b"\n")

    def line(self, timeout: float) -> bytes:
        """The next line. Raises TimeoutError after so many seconds, or ConnectionError if the machine ended."""
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            if not (read := self._socket.recv(1 << 16)):
                raise ConnectionError("the machine ended")
            self._buffer += read
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.strip(b"\r")

    def close(self) -> None:
        self._socket.close()


def connect(path: Path, timeout: float = 20) -> socket.socket:
    """Connect to a socket that QEMU is about to create."""
    end = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            assert time.monotonic() < end, f"QEMU does not listen at {path}"
            time.sleep(0.05)
        else:
            return connection
