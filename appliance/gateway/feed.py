"""One authenticated WebSocket connection to a gateway, monitored by pings. It never reconnects by itself.

Source: gateway API, WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.frames import CloseCode
from websockets.typing import DataLike

from appliance.aio import compute_in_thread
from appliance.core.events import (
    Event,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrdersReplaced,
    TokenRefused,
)
from appliance.core.formatting import legible
from appliance.core.limits import LARGEST_MESSAGE
from appliance.core.values import Address, Token
from appliance.gateway.api import refuses_token
from appliance.gateway.wire import Envelope, TooLargeError, read_message, url_host

log = logging.getLogger(__name__)

PATH = "/api/v2/websocket"
OPEN_TIMEOUT = 5.0
"""Seconds for the TCP connection and the handshake, which take milliseconds on a local network."""
FIRST_MESSAGE_TIMEOUT = 20.0
"""Seconds from sending the token to the full order set; a large site's takes a few."""
LONG_MESSAGE = 256 * 1024
"""Bytes, of 1,000 orders: a longer message is parsed on a thread. A shorter one takes 0.2 s on the slowest board."""
PING_INTERVAL, PING_TIMEOUT = 10.0, 10.0
"""Seconds. A dead connection is detected within 20 s, so no count is shown as current for longer than that."""
WATCHDOG_INTERVAL = 5.0
"""Seconds between checks that the library still sends pings and the gateway answers them."""
MOST_UNSENT = 1024 * 1024
"""Bytes in the send buffer above which the connection counts as dead: the gateway is not reading our pongs."""
CLOSE_TIMEOUT = 0.5
"""Seconds for the gateway to close its side; the shutdown on SIGTERM has 2."""
MOST_LOGGED = 20
"""Unexpected messages to log; a faulty gateway may send a new type each time."""
LONGEST_REASON = 300
"""Characters of an error text to log; a close reason has up to 123 bytes, and may appear twice."""
_logged: set[str] = set()

Emit = Callable[[Event], None]


class _TokenRefusedError(Exception):
    """The gateway rejected the token."""


class _FeedEndedError(Exception):
    """The feed ended."""

    def __init__(self, why: FeedFailure, words: str) -> None:
        super().__init__(words)
        self.why = why


class _FeedConnection(ClientConnection):
    """A connection that reports the pongs to the library's keepalive pings, and aborts when they stop."""

    on_pong: Callable[[], None] | None = None
    last_pong = 0.0
    watchdog: asyncio.TimerHandle | None = None
    timed_out = False

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        pong = await super().ping(data)
        assert isinstance(pong, asyncio.Future)
        pong.add_done_callback(self._handle_pong)
        return pong

    def _handle_pong(self, pong: asyncio.Future[float]) -> None:
        if self.on_pong is not None and not pong.cancelled() and pong.exception() is None:
            self.last_pong = self.loop.time()
            self.on_pong()

    def start_watchdog(self) -> None:
        """Abort the connection once it stops answering: the library's ping blocks for ever if its buffer is full."""
        self.last_pong = self.loop.time()
        self.watchdog = self.loop.call_later(WATCHDOG_INTERVAL, self._check)

    def _check(self) -> None:
        silent = self.loop.time() - self.last_pong
        self.timed_out = silent > PING_INTERVAL + PING_TIMEOUT or self.transport.get_write_buffer_size() > MOST_UNSENT
        if self.timed_out:
            self.transport.abort()
        else:
            self.watchdog = self.loop.call_later(WATCHDOG_INTERVAL, self._check)


async def run_feed(attempt: int, address: Address, token: Token, emit: Emit) -> None:
    """Open a feed and emit its events until it ends, the last one being TokenRefused or FeedLost.

    After it is cancelled, it closes the connection and emits nothing more.
    """
    try:
        connection = await _open(address)
        try:
            async with connection:
                await _receive(connection, attempt, token, emit)
        finally:
            # A second cancellation during the close makes the library leave the connection open and pinging.
            connection.transport.abort()
            if connection.watchdog is not None:
                connection.watchdog.cancel()
    except _TokenRefusedError:
        emit(TokenRefused(attempt))
    except _FeedEndedError as failed:
        # The gateway's own text may contain the token or terminal escapes.
        log.debug("Feed of %s ended: %s", address, legible(token.hidden(str(failed)), LONGEST_REASON))
        emit(FeedLost(attempt, failed.why))


async def _open(address: Address) -> _FeedConnection:
    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            # With a given socket, the library neither follows redirects nor uses a proxy.
            sock = await _connect_tcp(address)
            connection = await connect(
                f"ws://{url_host(address)}:{address.port}{PATH}",
                sock=sock,
                create_connection=_FeedConnection,
                proxy=None,
                compression=None,  # no gain on a local network, and no decompression bombs
                open_timeout=None,
                ping_interval=PING_INTERVAL,
                ping_timeout=PING_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=LARGEST_MESSAGE,
            )
            assert isinstance(connection, _FeedConnection)
            return connection
    except InvalidStatus as error:
        status = error.response.status_code
        # The handshake carries no token, so 401 and 403 don't reject it; an authenticated GET checks it.
        why = FeedFailure.CLOSED_EARLY if status in (401, 403) else FeedFailure.CLOSED
        raise _FeedEndedError(why, f"handshake failed: HTTP {status}") from None
    except InvalidMessage as error:
        raise _FeedEndedError(FeedFailure.UNREACHABLE, str(error)) from None
    except (WebSocketException, ValueError) as error:
        # With a given socket, the library raises ValueError for a redirect.
        raise _FeedEndedError(FeedFailure.CLOSED, f"handshake failed: {error}") from None
    except (OSError, TimeoutError, EOFError) as error:
        raise _FeedEndedError(FeedFailure.UNREACHABLE, str(error) or type(error).__name__) from None


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


async def _receive(connection: _FeedConnection, attempt: int, token: Token, emit: Emit) -> None:
    live = False
    batch: list[Notification] = []
    task = asyncio.current_task()
    assert task is not None

    def flush() -> None:
        if batch and not task.cancelling():
            notifications = tuple(batch)
            batch.clear()
            emit(FeedNotified(attempt, notifications))

    try:
        await connection.send(json.dumps({"accesstoken": token.reveal()}))
        first = await _receive_first(connection)
        _log_unexpected(first, token)
        emit(FeedOpened(attempt, first.orders, first.unreadable))
        live = True
        connection.start_watchdog()
        connection.on_pong = lambda: None if task.cancelling() else emit(FeedAnswered(attempt))
        loop = asyncio.get_running_loop()
        while True:
            message = await _read([await connection.recv(decode=False)])
            if isinstance(message, Envelope):
                _raise_for_error(message)
                continue
            _log_unexpected(message, token)
            if not batch:
                # Emit a burst as one event: processing a thousand changes together costs little more than one.
                loop.call_soon(flush)
            batch.append(message)
    except TooLargeError:
        # On a live feed a single message may be corrupt: the next full order set decides.
        why = FeedFailure.CLOSED if live else FeedFailure.TOO_MUCH
        raise _FeedEndedError(why, "a message exceeds the size limits") from None
    except TimeoutError:
        raise _FeedEndedError(FeedFailure.UNREACHABLE, "timed out waiting for the orders") from None
    except ConnectionClosed as closed:
        why = FeedFailure.UNREACHABLE if connection.timed_out else _failure_of(closed, live)
        raise _FeedEndedError(why, str(closed)) from None
    finally:
        flush()


async def _receive_first(connection: ClientConnection) -> OrdersReplaced:
    """Receive the full order set that starts a feed; other notifications before it are ignored.

    Raises:
        TimeoutError: It did not arrive in time. The time to parse it does not count.
    """
    until = asyncio.get_running_loop().time() + FIRST_MESSAGE_TIMEOUT
    while True:
        async with asyncio.timeout_at(until):
            received = [await connection.recv(decode=False)]
        message = await _read(received)
        if isinstance(message, OrdersReplaced):
            return message
        if isinstance(message, Envelope):
            _raise_for_error(message)


async def _read(received: list[bytes]) -> Notification | Envelope:
    """Parse the message in a list, which is emptied: nobody else keeps its bytes in memory. Raises TooLargeError.

    As bytes: decoding by the library would keep a second copy of the message in memory.
    """
    if len(received[0]) < LONG_MESSAGE:
        return read_message(received.pop())
    return await compute_in_thread(lambda: read_message(received.pop()), "parse a long message")


def _log_unexpected(message: Notification, token: Token) -> None:
    """Log an unknown or invalid message, once each: a gateway may repeat it for years."""
    match message:
        case MessageIgnored(_, kind):
            # The type may contain the token.
            words = f"Ignoring messages of unknown type {legible(token.hidden(kind))}"
        case MessageUnusable():
            words = "The gateway sent an invalid message; reloading all orders whenever that happens"
        case OrdersReplaced(_, unreadable) if unreadable.count:
            words = "The gateway sent unreadable orders; counting them without details"
        case _:
            return
    if words not in _logged and len(_logged) < MOST_LOGGED:
        _logged.add(words)
        log.info("%s", words)


def _raise_for_error(envelope: Envelope) -> None:
    """Raise the error in an envelope, which the gateway sends before it closes; successes are ignored."""
    if refuses_token(envelope):
        raise _TokenRefusedError
    if envelope.return_code is not None and envelope.return_code < 0:
        raise _FeedEndedError(FeedFailure.CLOSED, f"returnCode {envelope.return_code}: {envelope.message}")


def _failure_of(closed: ConnectionClosed, live: bool) -> FeedFailure:
    # The code with which this side closed, if it closed first.
    close_code = closed.sent.code if closed.sent is not None and not closed.rcvd_then_sent else None
    if close_code == CloseCode.MESSAGE_TOO_BIG and not live:
        return FeedFailure.TOO_MUCH
    if close_code == CloseCode.INTERNAL_ERROR and closed.rcvd is None:
        return FeedFailure.UNREACHABLE
    return FeedFailure.CLOSED if live else FeedFailure.CLOSED_EARLY
