"""One HTTP request with a total deadline, whatever the server does.

The timeouts of requests restart with every byte: a server that sends one byte a second would hold a caller for days.
The request therefore runs on a thread, and the deadline shuts its socket down from outside.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.aio import in_daemon_thread
from appliance.core.limits import LARGEST_ANSWER
from appliance.core.values import Address, Token
from appliance.gateway.wire import decode, url_host

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
Connected = Callable[[socket.socket], None]
"""Takes the socket of a request, and may shut it down at any time."""

CONNECT_TIMEOUT = 5.0
"""Seconds to connect: a gateway on the same network answers at once, or is absent."""
_SOCKET_OPTIONS = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
]
"""TCP keepalive notices within 20 s that a gateway was switched off while it prepared its answer."""


class NoAnswerError(Exception):
    """The request got no HTTP answer: connection refused, dead connection or timeout. The text names which."""


class UnreadableAnswerError(NoAnswerError):
    """Something answered the request, but not by HTTP, or not completely."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, and its body as JSON (None if it is not JSON, too long, or was not read)."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came. body: None if it is too long."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class _RequestSocket:
    """The socket of a request, which another thread shuts down to end the request."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._aborted = False

    def connected(self, opened: socket.socket) -> None:
        """Take the socket, on the request's thread."""
        self._socket = opened
        if self._aborted:
            self.abort()

    def abort(self) -> None:
        """Shut the socket down, or as soon as it connects."""
        self._aborted = True
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
    """Return a gateway's answer to a GET.

    deadline: seconds for the whole request. read_success: False to skip the body of a 2xx answer, which may hold
    thousands of orders. largest: bytes of the body to read; a longer body is dropped.

    Raises:
        NoAnswerError: The gateway gave no HTTP answer in time.
        UnreadableAnswerError: What it answered is not HTTP.
    """
    headers = _headers(token)

    def fetched(connected: Connected) -> Answer:
        return _fetch(address, path, headers, deadline, connected, read_success=read_success, largest=largest)

    return await _within(deadline, fetched, f"GET {path.partition('?')[0]}")


async def exchange(
    address: Address, method: str, path: str, deadline: float, token: Token | None = None, largest: int = LARGEST_ANSWER
) -> RawAnswer:
    """Return a gateway's answer to any request, as it came. Arguments and exceptions as for `get`."""
    headers = _headers(token)

    def read(response: requests.Response) -> RawAnswer:
        pairs = tuple((str(name), str(value)) for name, value in response.raw.headers.items())
        return RawAnswer(response.status_code, response.reason or "", pairs, _body(response, largest))

    def exchanged(connected: Connected) -> RawAnswer:
        return _request(address, method, path, headers, deadline, connected, read)

    return await _within(deadline, exchanged, f"{method} {path.partition('?')[0]}")


def _headers(token: Token | None) -> Mapping[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    return headers if token is None else {**headers, "Authorization": f"Bearer {token.reveal()}"}


async def _within(deadline: float, call: Callable[[Connected], T], name: str) -> T:
    """The result of a blocking request on a thread. Raises NoAnswerError."""
    request_socket = _RequestSocket()
    try:
        async with asyncio.timeout(deadline):
            return await in_daemon_thread(lambda: call(request_socket.connected), name)
    except TimeoutError:
        raise NoAnswerError("timed out") from None
    finally:
        request_socket.abort()


def _fetch(
    address: Address,
    path: str,
    headers: Mapping[str, str],
    read_timeout: float,
    connected: Connected,
    *,
    read_success: bool,
    largest: int,
) -> Answer:
    """The blocking half of `get`."""

    def read(response: requests.Response) -> Answer:
        body = _body(response, largest) if read_success or not response.ok else None
        return Answer(response.status_code, None if body is None else decode(body))

    return _request(address, "GET", path, headers, read_timeout, connected, read)


def _request(
    address: Address,
    method: str,
    path: str,
    headers: Mapping[str, str],
    read_timeout: float,
    connected: Connected,
    read: Callable[[requests.Response], T],
) -> T:
    """Make a request through requests, and read its answer.

    read_timeout: seconds between two bytes.
    """
    # requests takes long to load, and a paired box may never call it: only this thread waits for it.
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool

    sockets: list[socket.socket] = []

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # Told not to follow a redirect, requests would still read all of its body.
            return None

    class Connection(HTTPConnection):
        def connect(self) -> None:
            # The URL omits the IPv6 scope (see url_host), because requests can't parse one.
            self.host = address.host
            super().connect()
            sockets.append(self.sock)
            connected(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, socket_options=_SOCKET_OPTIONS)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool}

    url = f"http://{url_host(address)}:{address.port}{path}"
    timeout = (CONNECT_TIMEOUT, read_timeout)
    try:
        with Session() as session:
            # No proxy, .netrc or environment variable: the token goes to the gateway alone.
            session.trust_env = False
            session.mount("http://", Adapter(max_retries=0))
            with session.request(
                method, url, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as response:
                return read(response)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # requests lets some exceptions of urllib3 and http.client through; all of them mean the same here.
        broken = _http_error(error)
        if broken is not None:
            raise UnreadableAnswerError(type(broken).__name__) from None
        raise NoAnswerError(type(error).__name__) from None
    finally:
        # urllib3 leaves the socket of a malformed answer to the garbage collector.
        for opened in sockets:
            if (descriptor := opened.detach()) >= 0:
                os.close(descriptor)


def _http_error(error: BaseException) -> HTTPException | None:
    """The violation of HTTP by the server that an error wraps, perhaps in several others."""
    if isinstance(error, HTTPException):
        return None if isinstance(error, RemoteDisconnected) else error
    causes = (_http_error(cause) for cause in error.args if isinstance(cause, BaseException))
    return next((cause for cause in causes if cause is not None), None)


def _body(response: requests.Response, largest: int) -> bytes | None:
    """The body of an answer; None if it is too long."""
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > largest:
            return None
    return body
