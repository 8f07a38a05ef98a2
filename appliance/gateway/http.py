"""One HTTP GET with a deadline for the whole of it, whatever the other side does.

requests' own time-outs begin anew with every byte; a server that drips one a second would hold a caller for days.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from appliance.core.values import Address, Token
from appliance.gateway.wire import decode
from appliance.threads import in_daemon_thread

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a gateway on the same network: it answers at once, or is not there."""
LARGEST_ANSWER = 64 * 1024
"""Bytes of a body that are read; no answer that is used here is nearly as long."""
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
]
"""A gateway that was switched off while it thought about its answer is noticed within 20 s."""


class GatewaySilentError(Exception):
    """There was no answer: nothing listens, the line is dead, time was up, or what came was not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, and its body as JSON (None where it is none, or was not read)."""

    status: int
    body: Any


class _Session(requests.Session):
    """A session that knows no redirects. Told not to follow one, requests would still read all of its body."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Call:
    """One request, and the socket it travels on, so that it can be ended from outside. host: where it goes."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._socket: socket.socket | None = None
        self._over = False

    def abort(self) -> None:
        self._over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def get(self, url: str, headers: Mapping[str, str], read_timeout: float, *, read_success: bool) -> Answer:
        call = self

        class Connection(HTTPConnection):
            def connect(self) -> None:
                # The URL has no scope (see url_host), and requests would not know what to do with one.
                self.host = call._host
                super().connect()
                call._socket = self.sock
                if call._over:
                    call.abort()

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        class Adapter(HTTPAdapter):
            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, **kwargs, socket_options=_KEEPALIVE)
                self.poolmanager.pool_classes_by_scheme = {"http": Pool}

        try:
            with _Session() as session:
                # No proxy, no .netrc, no environment: the token goes to the gateway alone.
                session.trust_env = False
                session.mount("http://", Adapter(max_retries=0))
                with session.get(
                    url, headers=headers, timeout=(CONNECT_TIMEOUT, read_timeout), allow_redirects=False, stream=True
                ) as response:
                    wanted = read_success or not response.ok
                    return Answer(response.status_code, self._body(response) if wanted else None)
        finally:
            self._close()

    def _close(self) -> None:
        """Close the socket for certain: urllib3 leaves that of an answer it can't make sense of to the collector."""
        if self._socket is not None and (left := self._socket.detach()) >= 0:
            os.close(left)

    def _body(self, response: requests.Response) -> Any:
        body = b""
        for chunk in response.iter_content(4096):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                return None
        return decode(body)


async def get(
    address: Address, path: str, deadline: float, token: Token | None = None, *, read_success: bool = True
) -> Answer:
    """What a gateway answers to a GET.

    deadline: seconds for the whole of it. read_success: False where the status alone is wanted of a success, whose body
    may hold thousands of orders.

    Raises:
        GatewaySilentError: There is no answer to speak of.
    """
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    url = f"http://{url_host(address)}:{address.port}{path}"
    call = _Call(address.host)
    try:
        async with asyncio.timeout(deadline):
            return await in_daemon_thread(
                lambda: call.get(url, headers, deadline, read_success=read_success), f"GET {path}"
            )
    except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError, OSError, ValueError) as error:
        # requests lets some of urllib3's and http.client's own errors through; all of them mean the same here.
        raise GatewaySilentError(type(error).__name__) from None
    finally:
        call.abort()


def url_host(address: Address) -> str:
    """The host as URLs and the Host header have it: an IPv6 scope means something to this box alone."""
    return f"[{address.host.split('%')[0]}]" if ":" in address.host else address.host
