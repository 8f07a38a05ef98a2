"""The blocking half of an HTTP GET, through requests: on a thread, and with its socket in another's hands.

Only the thread that needs it imports this module: requests takes long to load, and a paired box may never call it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from appliance.core.values import Address
from appliance.gateway.wire import decode, url_host

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a gateway on the same network: it answers at once, or is not there."""
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
]
"""A gateway that was switched off while it thought about its answer is noticed within 20 s."""


class NoAnswerError(Exception):
    """Nothing listens, the line is dead, time was up, or what came was not HTTP; says which kind of error it was."""


class _Session(requests.Session):
    """A session that knows no redirects. Told not to follow one, requests would still read all of its body."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def fetch(
    address: Address,
    path: str,
    headers: Mapping[str, str],
    read_timeout: float,
    connected: Callable[[socket.socket], None],
    *,
    read_success: bool,
    largest: int,
) -> tuple[int, Any]:
    """The status of a GET, and its body as JSON (None where it is none, is too long, or is not wanted).

    read_timeout: seconds between two bytes. connected: is given the socket, and may shut it down at any time.
    read_success: False where the body of a success is not wanted. largest: bytes of a body that are read.

    Raises:
        NoAnswerError: There is no answer to speak of.
    """

    sockets: list[socket.socket] = []

    class Connection(HTTPConnection):
        def connect(self) -> None:
            # The URL has no scope (see url_host), and requests would not know what to do with one.
            self.host = address.host
            super().connect()
            sockets.append(self.sock)
            connected(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, socket_options=_KEEPALIVE)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool}

    url = f"http://{url_host(address)}:{address.port}{path}"
    timeout = (CONNECT_TIMEOUT, read_timeout)
    try:
        with _Session() as session:
            # No proxy, no .netrc, no environment: the token goes to the gateway alone.
            session.trust_env = False
            session.mount("http://", Adapter(max_retries=0))
            with session.get(url, headers=headers, timeout=timeout, allow_redirects=False, stream=True) as response:
                wanted = read_success or not response.ok
                return response.status_code, _body(response, largest) if wanted else None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # requests lets some of urllib3's and http.client's own errors through; all of them mean the same here.
        raise NoAnswerError(type(error).__name__) from None
    finally:
        # For certain: urllib3 leaves that of an answer it can't make sense of to the collector.
        for line in sockets:
            if (left := line.detach()) >= 0:
                os.close(left)


def _body(response: requests.Response, largest: int) -> Any:
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > largest:
            return None
    return decode(body)
