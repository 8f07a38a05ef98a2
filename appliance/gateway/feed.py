"""One authenticated WebSocket connection to a gateway, monitored by pings. It never reconnects by itself.

Source: gateway API, WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from appliance.aio import compute_in_thread
from appliance.core.events import (
    Event,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    TokenRefused,
)
from appliance.core.formatting import legible
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrdersReplaced,
)
from appliance.core.values import Address, Token
from appliance.gateway.api import refuses_token
from appliance.gateway.feed_connection import (
    FeedConnection,
    FeedEndedError,
    TokenRefusedError,
    open_connection,
)
from appliance.gateway.strange_answers import MOST_READ, REDACTED, describe, repeats_token
from appliance.gateway.wire import (
    MALFORMED_AUTHORIZATION,
    TOKEN_TIMEOUT,
    Envelope,
    TooLargeError,
    read_message,
)

log = logging.getLogger(__name__)

FIRST_MESSAGE_TIMEOUT = 20.0
"""Seconds from sending the token to the full order set; a large site's takes a few."""
LONG_MESSAGE = 256 * 1024
"""Bytes, of 1,000 orders: a longer message is parsed on a thread. A shorter one takes 0.2 s on the slowest board."""
UNUSABLE_PATIENCE = 5.0
"""Seconds to wait for the order set after an unusable message: the display should soon say what is wrong."""
HEADER_PATIENCE = 5.0
"""Seconds of silence after a handshake with the token, until a message with it follows: a gateway may want both."""
MALFORMED_CLOSE = ("close frame too short", "invalid status code")
"""The library's words for a close frame that breaks the protocol: the gateway closed the feed all the same."""
MOST_LOGGED = 20
"""Unexpected messages and ends to log; a faulty gateway may send a new type each time."""
LONGEST_REASON = 300
"""Characters of an error text to log; a close reason has up to 123 bytes, and may appear twice."""
_logged: set[str] = set()

Emit = Callable[[Event], None]


async def run_feed(
    attempt: int,
    address: Address,
    token: Token,
    emit: Emit,
    header: bool = False,
    kind: Callable[..., FeedConnection] = FeedConnection,
) -> None:
    """Open a feed and emit its events until it ends, the last one being TokenRefused or FeedLost.

    header: send the token in the handshake's header, and in a message only if the gateway then says nothing. After it
    is cancelled, it closes the connection and emits nothing more. kind: makes the connection.
    """
    try:
        connection = await open_connection(address, token, header, kind)
        try:
            async with connection:
                await _receive(connection, attempt, token, header, emit)
        finally:
            # A second cancellation during the close makes the library leave the connection open and pinging.
            connection.transport.abort()
            connection.stop_watchdog()
    except TokenRefusedError:
        emit(TokenRefused(attempt))
    except FeedEndedError as failed:
        # The gateway's own text may contain the token or terminal escapes.
        words = legible(token.hidden(str(failed)), LONGEST_REASON)
        ended = f"The feed of {address} ended: {REDACTED if repeats_token(words, token) else words}"
        if failed.answer is not None:
            _log_once(f"{address} answers, but not as a gateway: {failed.answer}", logging.WARNING)
        elif failed.why is FeedFailure.UNREACHABLE or not _log_once(ended, logging.INFO):
            log.debug("%s", ended)
        emit(FeedLost(attempt, failed.why))


async def _receive(connection: FeedConnection, attempt: int, token: Token, header: bool, emit: Emit) -> None:
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
        connection.start_watchdog()
        first, header = await _receive_first(connection, token, header)
        _log_unexpected(first, token)
        emit(FeedOpened(attempt, first.orders, first.unreadable, header))
        live = True
        connection.on_pong = lambda: None if task.cancelling() else emit(FeedAnswered(attempt))
        loop = asyncio.get_running_loop()
        while True:
            message = await _read([await connection.recv(decode=False)])
            if isinstance(message, Envelope):
                _raise_for_error(message, header)
                continue
            _log_unexpected(message, token)
            if not batch:
                # Emit a burst as one event: processing a thousand changes together costs little more than one.
                loop.call_soon(flush)
            batch.append(message)
    except TooLargeError:
        # On a live feed a single message may be corrupt: the next full order set decides.
        why = FeedFailure.CLOSED if live else FeedFailure.TOO_MUCH
        raise FeedEndedError(why, "a message exceeds the size limits") from None
    except ConnectionClosed as closed:
        why = _failure_of(closed, live)
        if connection.timed_out:
            why = FeedFailure.UNREACHABLE if live else FeedFailure.SILENT
        answer = f"no WebSocket ({closed.sent.reason})" if why is FeedFailure.UNREADABLE and closed.sent else None
        raise FeedEndedError(why, str(closed), answer) from None
    finally:
        flush()


async def _receive_first(connection: FeedConnection, token: Token, header: bool) -> tuple[OrdersReplaced, bool]:
    """Receive the full order set that starts a feed; other notifications before it are ignored.

    Returns it, and whether the gateway took the token from the header. The time to parse it does not count.

    Raises:
        FeedEndedError: It did not arrive in time, or not in a readable form.
    """
    answer = None
    loop = asyncio.get_running_loop()
    until = loop.time() + FIRST_MESSAGE_TIMEOUT
    if not header:
        await _send_token(connection, token)
    try:
        while True:
            soon = min(until, loop.time() + HEADER_PATIENCE) if header else until
            received = await _receive_until(connection, soon)
            if not received and loop.time() < until:
                header = False
                await _send_token(connection, token)
                continue
            if not received:
                break
            beginning, length = received[0][:MOST_READ], len(received[0])
            message = await _read(received)
            if isinstance(message, OrdersReplaced):
                return message, header
            if isinstance(message, Envelope):
                _raise_for_error(message, header)
            elif isinstance(message, MessageUnusable | MessageIgnored) and answer is None:
                answer = f"an unusable message of {describe(beginning, token, length)}"
                if isinstance(message, MessageUnusable):
                    until = min(until, loop.time() + UNUSABLE_PATIENCE)
    except ConnectionClosed as closed:
        if answer is None:
            raise
        why = FeedFailure.UNREADABLE if connection.timed_out else _failure_of(closed, live=False)
        raise FeedEndedError(why, str(closed), answer) from None
    if answer is not None:
        raise FeedEndedError(FeedFailure.UNREADABLE, "no orders", answer)
    raise FeedEndedError(FeedFailure.SILENT, "timed out waiting for the orders")


async def _send_token(connection: FeedConnection, token: Token) -> None:
    await connection.send(json.dumps({"accesstoken": token.reveal()}))


async def _receive_until(connection: FeedConnection, until: float) -> list[bytes]:
    """The next message, or an empty list if none comes until then, in seconds of the loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            return [await connection.recv(decode=False)]
    except TimeoutError:
        return []


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
    _log_once(words, logging.INFO)


def _log_once(words: str, level: int) -> bool:
    """Log words that are new; return whether they are."""
    if words in _logged or len(_logged) >= MOST_LOGGED:
        return False
    _logged.add(words)
    log.log(level, "%s", words)
    return True


def _raise_for_error(envelope: Envelope, header: bool) -> None:
    """Raise the error in an envelope, which the gateway sends before it closes; successes are ignored.

    header: the token was in the header of the handshake.
    """
    if envelope.return_code == TOKEN_TIMEOUT or (envelope.return_code == MALFORMED_AUTHORIZATION and not header):
        raise FeedEndedError(FeedFailure.UNAUTHORIZED, "the gateway saw no token")
    if refuses_token(envelope):
        raise TokenRefusedError
    if envelope.return_code is not None and envelope.return_code < 0:
        raise FeedEndedError(FeedFailure.CLOSED, f"returnCode {envelope.return_code}: {envelope.message}")


def _failure_of(closed: ConnectionClosed, live: bool) -> FeedFailure:
    if live:
        return FeedFailure.CLOSED
    # The code with which this side closed, if it closed first.
    close_code = closed.sent.code if closed.sent is not None and not closed.rcvd_then_sent else None
    if close_code == CloseCode.MESSAGE_TOO_BIG:
        return FeedFailure.TOO_MUCH
    if close_code == CloseCode.PROTOCOL_ERROR and closed.sent is not None and closed.sent.reason not in MALFORMED_CLOSE:
        return FeedFailure.UNREADABLE
    return FeedFailure.CLOSED_EARLY
