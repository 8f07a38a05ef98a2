"""An impaired cable: two TAP devices between which frames get lost, delayed, duplicated or reordered.

Runs as its own process in the switch's namespace: `python -m tests.blackbox.impaired_cable HOST_END SWITCH_END`. It
replaces tc's netem, which many kernels lack. A line of JSON on its input sets the impairment of one direction, as seen
from the host (`{"way": "out", "loss": 0.3}`), or plugs it (`{"plugged": false}`). It answers each with a line, and ends
with its input.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

TUNSETIFF, TUNSETCARRIER = 0x400454CA, 0x400454E2
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 65536
MOST_UNDER_WAY = 20_000
"""Capacity of the queue of delayed frames; more are lost."""


@dataclass
class Impairment:
    """The impairment of one direction. loss, twice: shares of frames. delay: seconds. jitter: random seconds more.

    Jitter reorders frames.
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    twice: float = 0.0


def tap(name: str) -> int:
    """Create a TAP device in this namespace, which exists until its descriptor is closed. Raises OSError."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


class Cable:
    """Carries frames between two descriptors."""

    def __init__(self, host: int, switch: int) -> None:
        self.host, self.switch = host, switch
        self.impairments = {"out": Impairment(), "in": Impairment()}
        self.plugged = True
        self.under_way = 0
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(host, self._take, host, switch, "out")
        self.loop.add_reader(switch, self._take, switch, host, "in")

    def set(self, way: str | None = None, plugged: bool | None = None, **impairment: Any) -> None:
        """Apply a line of input."""
        if way is not None:
            self.impairments[way] = Impairment(**impairment)
        if plugged is not None:
            self.plugged = plugged
            fcntl.ioctl(self.host, TUNSETCARRIER, struct.pack("i", plugged))

    def _take(self, source: int, target: int, way: str) -> None:
        with suppress(BlockingIOError):
            while True:
                self._carry(os.read(source, FRAME), target, self.impairments[way])

    def _carry(self, frame: bytes, target: int, impairment: Impairment) -> None:
        if not self.plugged or self.under_way > MOST_UNDER_WAY or random.random() < impairment.loss:
            return
        for _ in range(2 if random.random() < impairment.twice else 1):
            late = impairment.delay + impairment.jitter * random.random()
            if late:
                self.under_way += 1
                self.loop.call_later(late, self._arrive, frame, target)
            else:
                self._write(frame, target)

    def _arrive(self, frame: bytes, target: int) -> None:
        self.under_way -= 1
        if self.plugged:
            self._write(frame, target)

    def _write(self, frame: bytes, target: int) -> None:
        # An interface that is down rejects frames.
        with suppress(OSError):
            os.write(target, frame)


async def main() -> None:
    cable = Cable(tap(sys.argv[1]), tap(sys.argv[2]))
    commands = asyncio.StreamReader()
    await cable.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)
    while line := await commands.readline():
        cable.set(**json.loads(line))
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
