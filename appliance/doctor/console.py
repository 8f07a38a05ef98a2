"""The doctor's conversation: lines to the terminal, and yes or no from whoever sits there, if anybody does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.panel.fd_io import Reader

ANSWERS = {"": True, "y": True, "yes": True, "n": False, "no": False}
LONGEST = 1024
"""Bytes of an answer that are looked at."""


class Console:
    """Says and asks. write: takes text for the terminal. fd: where answers come from, line by line; None asks nobody.

    Once a question got no answer, nobody is asked any more.
    """

    def __init__(self, write: Callable[[str], None], fd: int | None = None) -> None:
        self._write = write
        self._fd = fd
        self._reader: Reader | None = None
        self._rest = b""
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    @property
    def asks(self) -> bool:
        """Whether there is somebody to ask."""
        return self._fd is not None

    def say(self, text: str) -> None:
        """Write a line."""
        self._write(_harmless(text) + "\n")

    async def ask(self, question: str, within: float) -> bool | None:
        """The answer to a question of yes or no; None where nobody is there to give one within so many seconds."""
        if self._fd is None:
            return None
        if self._reader is None:
            self._reader = Reader(self._fd, self._got)
        # What was typed before the question is no answer to it; that nothing more will come is.
        while not self._lines.empty():
            if self._lines.get_nowait() is None:
                self._leave()
                return None
        try:
            async with asyncio.timeout(within):
                while True:
                    self._write(f"{_harmless(question)} [Y/n] ")
                    line = await self._lines.get()
                    if line is None:
                        break
                    answer = ANSWERS.get(line.strip().lower())
                    if answer is not None:
                        return answer
        except TimeoutError:
            # Nobody is there to answer, which is what is said now.
            pass
        # Below the question, which the end of a line that was typed would have ended.
        self.say("")
        self._leave()
        return None

    def close(self) -> None:
        """Listen no more."""
        if self._reader is not None:
            self._reader.close()
        self._fd = None

    def _leave(self) -> None:
        self.close()
        self.say("(no answer; nobody is asked any more)")

    def _got(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            self._lines.put_nowait(line[:LONGEST].decode("utf-8", "replace"))
        if not chunk:
            self._lines.put_nowait(None)


def _harmless(text: str) -> str:
    # The names of gateways come from the network: they might speak to the terminal itself, or in the doctor's name.
    return "".join(one if one.isprintable() else "?" for one in text)
