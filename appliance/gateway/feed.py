"""One WebSocket connection to a gateway: authenticated, read, watched by pings. It never tries again by itself.

Facts: gateway API, WebSocket.
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
from appliance.gateway.wire import Envelope, TooMuchError, read_message, url_host

log = logging.getLogger(__name__)

PATH = "/api/v2/websocket"
OPEN_TIMEOUT = 5.0
"""Seconds for TCP and the handshake; on one network both take milliseconds."""
FIRST_MESSAGE_TIMEOUT = 20.0
"""Seconds from the token to the whole set; a large site's takes a few."""
PING_EVERY, PING_TIMEOUT = 10.0, 10.0
"""Seconds. A line that went silent is found after 20 s at most, and a count older than that is never shown as true."""
WATCH_EVERY = 5.0
"""Seconds between looks at whether the library's own pings are still sent and answered."""
MOST_UNSENT = 1024 * 1024
"""Bytes that may wait to be sent. We say little; this many are answers to pings, which the other side does not read."""
CLOSE_TIMEOUT = 0.5
"""Seconds for the gateway to close its side; SIGTERM has 2."""
MOST_REMARKS = 20
"""Kinds of message that the log tells of; a gateway gone wild may make up a new one each time."""
LONGEST_WORDS = 300
"""Characters of an end's words that are logged; the reason of a close has 123 bytes, and may be told twice."""
_remarked: set[str] = set()

Tell = Callable[[Event], None]


class _Refused(Exception):
    """The gateway said that the token is not good."""


class _Failed(Exception):
    """The feed ended."""

    def __init__(self, why: FeedFailure, words: str) -> None:
        super().__init__(words)
        self.why = why


class _Line(ClientConnection):
    """A connection that also tells when the gateway answered one of the library's own pings."""

    answered: Callable[[], None] | None = None
    answered_at = 0.0
    watch: asyncio.TimerHandle | None = None
    overdue = False

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        waiter = await super().ping(data)
        assert isinstance(waiter, asyncio.Future)
        waiter.add_done_callback(self._ponged)
        return waiter

    def _ponged(self, waiter: asyncio.Future[float]) -> None:
        if self.answered is not None and not waiter.cancelled() and waiter.exception() is None:
            self.answered_at = self.loop.time()
            self.answered()

    def begin_watch(self) -> None:
        """From now on, cut a line that does not answer: the library waits for ever to send a ping if nobody reads."""
        self.answered_at = self.loop.time()
        self.watch = self.loop.call_later(WATCH_EVERY, self._look)

    def _look(self) -> None:
        silent = self.loop.time() - self.answered_at
        self.overdue = silent > PING_EVERY + PING_TIMEOUT or self.transport.get_write_buffer_size() > MOST_UNSENT
        if self.overdue:
            self.transport.abort()
        else:
            self.watch = self.loop.call_later(WATCH_EVERY, self._look)


async def run_feed(attempt: int, address: Address, token: Token, tell: Tell) -> None:
    """Open a feed and tell what comes, until it ends; its end is told too, as TokenRefused or FeedLost.

    Cancelling closes it, and then nothing more is told.
    """
    try:
        connection = await _open(address)
        try:
            async with connection:
                await _serve(connection, attempt, token, tell)
        finally:
            # Cancelled once more while it closes, the library would leave it open, and pinging.
            connection.transport.abort()
            if connection.watch is not None:
                connection.watch.cancel()
    except _Refused:
        tell(TokenRefused(attempt))
    except _Failed as failed:
        # The words may be the gateway's own: it knows the token, and may speak to a terminal.
        log.debug("Feed of %s ended: %s", address, legible(token.hidden(str(failed)), LONGEST_WORDS))
        tell(FeedLost(attempt, failed.why))


async def _open(address: Address) -> _Line:
    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            # A socket of our own: then the library neither follows a redirect nor looks for a proxy.
            line = await _dial(address)
            connection = await connect(
                f"ws://{url_host(address)}:{address.port}{PATH}",
                sock=line,
                create_connection=_Line,
                proxy=None,
                compression=None,  # nothing to gain on a local network, and no bomb to take apart
                open_timeout=None,
                ping_interval=PING_EVERY,
                ping_timeout=PING_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=LARGEST_MESSAGE,
            )
            assert isinstance(connection, _Line)
            return connection
    except InvalidStatus as error:
        status = error.response.status_code
        # The handshake carries no token, so 401 and 403 say nothing of it: a secured GET has to.
        why = FeedFailure.CLOSED_EARLY if status in (401, 403) else FeedFailure.CLOSED
        raise _Failed(why, f"handshake answered with HTTP {status}") from None
    except InvalidMessage as error:
        raise _Failed(FeedFailure.UNREACHABLE, str(error)) from None
    except (WebSocketException, ValueError) as error:
        # ValueError is what a redirect leads to when the socket is given.
        raise _Failed(FeedFailure.CLOSED, f"handshake failed: {error}") from None
    except (OSError, TimeoutError, EOFError) as error:
        raise _Failed(FeedFailure.UNREACHABLE, str(error) or type(error).__name__) from None


async def _dial(address: Address) -> socket.socket:
    """A TCP connection; the host is an IP address, so that no look-up can block.

    Raises:
        OSError: Nothing answers there.
    """
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    line = socket.socket(family, kind, protocol)
    try:
        line.setblocking(False)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(line, where)
    except BaseException:
        line.close()
        raise
    return line


async def _serve(connection: _Line, attempt: int, token: Token, tell: Tell) -> None:
    live = False
    batch: list[Notification] = []
    task = asyncio.current_task()
    assert task is not None

    def flush() -> None:
        if batch and not task.cancelling():
            notifications = tuple(batch)
            batch.clear()
            tell(FeedNotified(attempt, notifications))

    try:
        await connection.send(json.dumps({"accesstoken": token.reveal()}))
        async with asyncio.timeout(FIRST_MESSAGE_TIMEOUT):
            first = await _first(connection)
        _remark(first, token)
        tell(FeedOpened(attempt, first.orders, first.unreadable))
        live = True
        connection.begin_watch()
        connection.answered = lambda: None if task.cancelling() else tell(FeedAnswered(attempt))
        loop = asyncio.get_running_loop()
        while True:
            # As bytes: read as text first, a message would be there twice.
            message = read_message(await connection.recv(decode=False))
            if isinstance(message, Envelope):
                _judge(message)
                continue
            _remark(message, token)
            if not batch:
                # What came in one burst is told in one go: folding a thousand changes costs little more than one.
                loop.call_soon(flush)
            batch.append(message)
    except TooMuchError:
        # Of a live feed it may have been one message gone wrong: the next whole set tells.
        why = FeedFailure.CLOSED if live else FeedFailure.TOO_MUCH
        raise _Failed(why, "more than is taken in one message") from None
    except TimeoutError:
        raise _Failed(FeedFailure.UNREACHABLE, "no orders within the time") from None
    except ConnectionClosed as closed:
        why = FeedFailure.UNREACHABLE if connection.overdue else _why(closed, live)
        raise _Failed(why, str(closed)) from None
    finally:
        flush()


async def _first(connection: ClientConnection) -> OrdersReplaced:
    """The whole set, with which a feed begins; anything else before it is not ours to judge."""
    while True:
        message = read_message(await connection.recv(decode=False))
        if isinstance(message, OrdersReplaced):
            return message
        if isinstance(message, Envelope):
            _judge(message)


def _remark(message: Notification, token: Token) -> None:
    """Log what is new to us or can't be used, once: a gateway may go on saying it for years."""
    match message:
        case MessageIgnored(_, kind):
            # It knows the token, and may say anything.
            words = f"Messages of the type {legible(token.hidden(kind))} are not known here, and ignored"
        case MessageUnusable():
            words = "A message of the gateway can't be used; the whole set is asked for whenever that happens"
        case OrdersReplaced(_, unreadable) if unreadable.count:
            words = (
                "Orders of the gateway's whole set can't be read; they are counted, and nothing else is known of them"
            )
        case _:
            return
    if words not in _remarked and len(_remarked) < MOST_REMARKS:
        _remarked.add(words)
        log.info("%s", words)


def _judge(envelope: Envelope) -> None:
    """An error in words, before the gateway closes. A success is none of our business."""
    if refuses_token(envelope):
        raise _Refused
    if envelope.return_code is not None and envelope.return_code < 0:
        raise _Failed(FeedFailure.CLOSED, f"returnCode {envelope.return_code}: {envelope.words}")


def _why(closed: ConnectionClosed, live: bool) -> FeedFailure:
    # Why we closed it, where it was us.
    said = closed.sent.code if closed.sent is not None and not closed.rcvd_then_sent else None
    if said == CloseCode.MESSAGE_TOO_BIG and not live:
        return FeedFailure.TOO_MUCH
    if said == CloseCode.INTERNAL_ERROR and closed.rcvd is None:
        return FeedFailure.UNREACHABLE
    return FeedFailure.CLOSED if live else FeedFailure.CLOSED_EARLY
