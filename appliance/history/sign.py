"""The sign by which the appliance tells other programs of its machine that it is opening a feed.

Whoever reads the history beside it waits meanwhile. The sign is a socket with a name of Linux's abstract namespace: it
needs no file, waits for no disk, and goes with its process, so that it is never left behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a reader waits at the most: a feed is open by then, or its gateway is not there."""
LOOK_AGAIN = 0.1


class Sign:
    """The appliance's own end of it. directory: where its state is, which is what readers know it by."""

    def __init__(self, directory: Path) -> None:
        self._name = _name(directory)
        self._socket: socket.socket | None = None

    def show(self, opening: bool) -> None:
        """A feed is being opened, or none is any more. Never waits."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if opening:
            # Where there is no such namespace, readers are a little less polite.
            with suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.bind(self._name)


async def out_of_the_way(directory: Path) -> None:
    """Wait while the appliance beside this program is opening a feed."""
    name = _name(directory)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while _shown(name):  # noqa: ASYNC110 - what another process does has no event here
                await asyncio.sleep(LOOK_AGAIN)


def _shown(name: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as look:
        look.setblocking(False)
        try:
            look.connect(name)
        except OSError:
            return False
    return True


def _name(directory: Path) -> bytes:
    # A path may be longer than a socket's name.
    return b"\0tt-appliance-feed-" + hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest().encode()
