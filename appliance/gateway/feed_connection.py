"""Opens a feed's WebSocket connection, and monitors it: any frame from the gateway but a ping counts as life.

Source: gateway API, WebSocket.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State
from websockets.typing import DataLike

from appliance.core.events import FeedFailure
from appliance.core.limits import LARGEST_MESSAGE
from appliance.core.values import Address, Token
from appliance.gateway.api import refuses_token
from appliance.gateway.http import Answer
from appliance.gateway.strange_answers import MOST_READ, describe
from appliance.gateway.wire import TooLargeError, decode, read_envelope, url_host

PATH = "/api/v2/websocket"
OPEN_TIMEOUT = 5.0
"""Seconds for the TCP connection and the handshake, which take milliseconds on a local network."""
PING_INTERVAL, PING_TIMEOUT = 10.0, 10.0
"""Seconds. A connection is dead after 20 s without such a frame, so no count is shown for longer than that."""
CLOSE_TIMEOUT = 0.5
"""Seconds for the gateway to close its side; the shutdown on SIGTERM has 2."""
CAPTIVE_PORTAL = 511
"""HTTP status of a network that wants a login (RFC 6585, 6): a portal answers in the gateway's place."""
WATCHDOG_INTERVAL = 5.0
"""The most seconds between two checks whether the gateway still sends and reads."""
MOST_UNSENT = 1024 * 1024
"""Bytes in the send buffer above which the connection counts as dead: the gateway is not reading our pongs."""


class TokenRefusedError(Exception):
    """The gateway rejected the token."""


class FeedEndedError(Exception):
    """The feed ended. answer: what came instead of orders, safe to log, if no gateway sends that."""

    def __init__(self, why: FeedFailure, words: str, answer: str | None = None) -> None:
        super().__init__(words)
        self.why = why
        self.answer = answer


class FeedConnection(ClientConnection):
    """A connection whose pings only make the gateway send something: any frame from it but a ping counts as life.

    last_heard: when the last such frame came, by the loop's clock in seconds. beginning: the first bytes of the
    handshake's answer.
    """

    on_pong: Callable[[], None] | None = None
    last_heard = 0.0
    timed_out = False
    beginning = b""
    _watchdog: asyncio.TimerHandle | None = None

    def start_keepalive(self) -> None:
        """Start the pings, unless the gateway closed the connection right after the handshake."""
        if self.state is not State.CLOSED:
            super().start_keepalive()

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        """Send a ping; its pong is reported."""
        pong = await super().ping(data)
        assert isinstance(pong, asyncio.Future)
        pong.add_done_callback(self._handle_pong)
        return pong

    def process_event(self, event: Event) -> None:
        """Take a frame from the gateway. Its own pings are no sign that it still sends orders."""
        if not (isinstance(event, Frame) and event.opcode is Opcode.PING):
            self.last_heard = self.loop.time()
        super().process_event(event)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the gateway."""
        if self.response is None and len(self.beginning) < MOST_READ:
            self.beginning += data[:MOST_READ]
        super().data_received(data)

    def start_watchdog(self) -> None:
        """Abort the connection once the gateway is silent for too long, or stops reading."""
        self.last_heard = self.loop.time()
        self._watch_again()

    def stop_watchdog(self) -> None:
        """Stop the checks."""
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _watch(self) -> None:
        silent = self.loop.time() >= self.last_heard + PING_INTERVAL + PING_TIMEOUT
        # The library's ping blocks for ever if its buffer is full.
        self.timed_out = silent or self.transport.get_write_buffer_size() > MOST_UNSENT
        if self.timed_out:
            self.transport.abort()
        else:
            self._watch_again()

    def _watch_again(self) -> None:
        deadline = self.last_heard + PING_INTERVAL + PING_TIMEOUT
        self._watchdog = self.loop.call_at(min(deadline, self.loop.time() + WATCHDOG_INTERVAL), self._watch)

    def _handle_pong(self, pong: asyncio.Future[float]) -> None:
        if self.on_pong is not None and not pong.cancelled() and pong.exception() is None:
            self.on_pong()


async def open_connection(
    address: Address, token: Token, header: bool, kind: Callable[..., FeedConnection] = FeedConnection
) -> FeedConnection:
    """Open a connection. header: send the token in the handshake. kind: makes it.

    Raises:
        FeedEndedError: No gateway answered the handshake, or it refused a handshake without a token.
        TokenRefusedError: It refused this token.
    """
    made: list[FeedConnection] = []

    def make(*arguments: Any, **named: Any) -> FeedConnection:
        made.append(kind(*arguments, **named))
        return made[-1]

    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            # With a given socket, the library neither follows redirects nor uses a proxy.
            sock = await _connect_tcp(address)
            connection = await connect(
                f"ws://{url_host(address)}:{address.port}{PATH}",
                sock=sock,
                create_connection=make,  # type: ignore[arg-type]
                additional_headers={"Authorization": f"Bearer {token.reveal()}"} if header else None,
                proxy=None,
                compression=None,  # no gain on a local network, and no decompression bombs
                open_timeout=None,
                ping_interval=PING_INTERVAL,
                ping_timeout=None,  # the watchdog counts other frames as life, too
                close_timeout=CLOSE_TIMEOUT,
                max_size=LARGEST_MESSAGE,
            )
            assert isinstance(connection, FeedConnection)
            return connection
    except (WebSocketException, ValueError, OSError, TimeoutError, EOFError) as error:
        # With a given socket, the library raises ValueError for a redirect.
        refusal = error if isinstance(error, InvalidStatus) else error.__cause__
        if isinstance(refusal, InvalidStatus):
            response = refusal.response
            raise _refused(response.status_code, bytes(response.body or b""), token, header) from None
        beginning = made[-1].beginning if made else b""
        words = f"handshake failed: {error or type(error).__name__}"
        if not beginning:
            raise FeedEndedError(FeedFailure.UNREACHABLE, words) from None
        # The library reads neither HTTP/1.0 nor lines that end in LF alone.
        status = _STATUS.match(beginning)
        if status is not None and status["code"] != b"101":
            raise _refused(int(status["code"]), status["body"] or b"", token, header) from None
        raise FeedEndedError(FeedFailure.UNREADABLE, words, describe(beginning, token)) from None


_STATUS = re.compile(rb"HTTP/1\.[01] (?P<code>\d{3})\b(?:.*?\r?\n\r?\n(?P<body>.*))?", re.DOTALL)
"""An HTTP answer: its status, and its body if that has begun."""


def _refused(status: int, body: bytes, token: Token, header: bool) -> Exception:
    """The error that stands for an HTTP answer other than 101."""
    envelope = read_envelope(_decoded(body))
    words = f"handshake failed: HTTP {status}, returnCode {envelope.return_code}"
    if refuses_token(envelope, Answer(status, None)):
        return TokenRefusedError() if header else FeedEndedError(FeedFailure.UNAUTHORIZED, words)
    if envelope.return_code is not None or (status >= 500 and status != CAPTIVE_PORTAL):
        return FeedEndedError(FeedFailure.CLOSED, words)
    return FeedEndedError(FeedFailure.UNREADABLE, words, f"HTTP {status}, {describe(body, token)}")


def _decoded(body: bytes) -> object:
    try:
        return decode(body)
    except TooLargeError:
        return None


async def _connect_tcp(address: Address) -> socket.socket:
    """Open a TCP connection. The host is an IP address, so no DNS lookup can block.

    Raises:
        OSError: The connection failed.
    """
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock
