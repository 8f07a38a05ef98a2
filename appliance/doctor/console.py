"""The doctor's terminal: prints lines, and asks yes-or-no questions if there is a user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.panel.fd_io import Reader

ANSWERS = {"y": True, "yes": True, "n": False, "no": False}
LONGEST = 1024
"""Maximum bytes of an answer."""


class Console:
    """Prints and asks. write: prints text. fd: the file descriptor for answers, one per line; None without a user.

    After an unanswered question, all further questions are skipped.
    """

    def __init__(self, write: Callable[[str], None], fd: int | None = None) -> None:
        self._write = write
        self._fd = fd
        self._reader: Reader | None = None
        self._rest = b""
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    @property
    def asks(self) -> bool:
        """Whether there is a user to ask."""
        return self._fd is not None

    def say(self, text: str) -> None:
        """Print a line."""
        self._write(_printable(text) + "\n")

    async def agrees(self, question: str, within: float) -> bool:
        """Whether a person agrees to a change. No answer, and an empty one, are a no."""
        return await self.ask(question, within, usual=False) or False

    async def ask(self, question: str, within: float, *, usual: bool = True) -> bool | None:
        """The answer to a yes-or-no question; None without an answer within so many seconds. usual: an empty answer."""
        if self._fd is None:
            return None
        if self._reader is None:
            self._reader = Reader(self._fd, self._received)
        # Discard input from before the question, but not the end of the input.
        while not self._lines.empty():
            if self._lines.get_nowait() is None:
                self._stop_asking()
                return None
        try:
            async with asyncio.timeout(within):
                while True:
                    self._write(f"{_printable(question)} [{'Y/n' if usual else 'y/N'}] ")
                    line = await self._lines.get()
                    if line is None:
                        break
                    answer = ANSWERS.get(line.strip().lower(), usual if not line.strip() else None)
                    if answer is not None:
                        return answer
        except TimeoutError:
            pass
        # The cursor is still behind the question.
        self.say("")
        self._stop_asking()
        return None

    def close(self) -> None:
        """Stop reading answers."""
        if self._reader is not None:
            self._reader.close()
        self._fd = None

    def _stop_asking(self) -> None:
        self.close()
        self.say("(no answer; skipping all further questions)")

    def _received(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            self._lines.put_nowait(line[:LONGEST].decode("utf-8", "replace"))
        if not chunk:
            self._lines.put_nowait(None)


def _printable(text: str) -> str:
    # Gateway names come from the network and could contain control sequences.
    return "".join(one if one.isprintable() else "?" for one in text)
