"""One HTTP GET with a deadline for the whole of it, whatever the other side does.

requests' own time-outs begin anew with every byte; a server that drips one a second would hold a caller for days.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from appliance.core.limits import LARGEST_ANSWER
from appliance.core.values import Address, Token
from appliance.threads import in_daemon_thread


class GatewaySilentError(Exception):
    """There was no answer: nothing listens, the line is dead, time was up, or what came was not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, and its body as JSON (None where it is none, or was not read)."""

    status: int
    body: Any


class _Line:
    """The socket that a request travels on, which is shut down from outside to end the request."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._over = False

    def connected(self, line: socket.socket) -> None:
        """Take the socket, in the request's thread."""
        self._socket = line
        if self._over:
            self.shut_down()

    def shut_down(self) -> None:
        """End what is under way; what is connected from now on ends at once."""
        self._over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


async def get(
    address: Address,
    path: str,
    deadline: float,
    token: Token | None = None,
    *,
    read_success: bool = True,
    largest: int = LARGEST_ANSWER,
) -> Answer:
    """What a gateway answers to a GET.

    deadline: seconds for the whole of it. read_success: False where the status alone is wanted of a success, whose body
    may hold thousands of orders. largest: bytes of a body that are read; a longer one counts as none.

    Raises:
        GatewaySilentError: There is no answer to speak of.
    """
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    line = _Line()

    def fetched() -> Answer:
        from appliance.gateway.request import NoAnswerError, fetch

        try:
            connected = line.connected
            found = fetch(address, path, headers, deadline, connected, read_success=read_success, largest=largest)
            return Answer(*found)
        except NoAnswerError as error:
            raise GatewaySilentError(str(error)) from None

    try:
        async with asyncio.timeout(deadline):
            return await in_daemon_thread(fetched, f"GET {path.partition('?')[0]}")
    except TimeoutError:
        raise GatewaySilentError("time was up") from None
    finally:
        line.shut_down()
