"""Downloads by HTTPS, with limits on size and time. Follows no redirect, and uses no proxy. Blocks."""

from __future__ import annotations

import http.client
import signal
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import BinaryIO, NoReturn
from urllib.parse import urlsplit

from appliance import __version__

SILENCE = 30.0
"""Seconds for a connection, and for each part of an answer."""
CHUNK = 64 * 1024
PARTIAL, OK, NOT_SATISFIABLE = 206, 200, 416


class FetchError(Exception):
    """The server did not answer as it should. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer. begin: the first byte that follows. etag: a strong one, or empty."""

    begin: int
    etag: str


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so long, whatever blocks there. In the main thread, and not nested."""

    def expire(_number: int, _frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"it took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def get(url: str, context: ssl.SSLContext, most: int) -> bytes:
    """The content at an address, of at most so many bytes.

    Raises:
        FetchError: There is none, or more.
        OSError: The server can't be reached, or is not the one of the address.
    """
    with _answer(url, context, {}) as response:
        if response.status != OK:
            raise FetchError(f"the server answered {response.status}")
        data = b""
        while len(data) <= most and (chunk := response.read(CHUNK)):
            data += chunk
        if len(data) > most:
            raise FetchError(f"the answer has more than {most} bytes")
        return data


def resume(url: str, context: ssl.SSLContext, file: BinaryIO, size: int, etag: str) -> Generator[Answer, None, None]:
    """Download what a file lacks of an address, and yield once, before the first byte is written.

    The file is emptied if the server does not go on where it ends. It has at most `size` bytes at the end. etag: the
    version of which the file has a part, or empty.

    Raises:
        FetchError: The answer ended early, is larger, or is none.
        OSError: As in get(); or the file can't be written.
    """
    have = file.seek(0, 2)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and etag:
        headers["If-Range"] = etag
    with _answer(url, context, headers) as response:
        if response.status == NOT_SATISFIABLE and have:
            file.truncate(0)
            raise FetchError("the file on the server is smaller than before")
        if response.status not in (OK, PARTIAL):
            raise FetchError(f"the server answered {response.status}")
        found = response.getheader("ETag") or ""
        if response.status == OK:
            have = 0
            file.truncate(0)
            file.seek(0)
        elif not have or response.getheader("Content-Range") != f"bytes {have}-{size - 1}/{size}":
            file.truncate(0)
            raise FetchError("the server sent another part")
        yield Answer(have, found if found.startswith('"') else "")
        while chunk := response.read(min(CHUNK, size + 1 - have)):
            have += len(chunk)
            if have > size:
                file.truncate(0)
                raise FetchError(f"the file has more than {size} bytes")
            file.write(chunk)
        if have < size:
            raise FetchError(f"the file ended after {have} of {size} bytes")


@contextmanager
def _answer(url: str, context: ssl.SSLContext, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(url)
    assert parts.scheme == "https", "the index and the settings have no other addresses"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=SILENCE, context=context)
    try:
        connection.request("GET", path, headers={"User-Agent": f"tt-appliance/{__version__}", **headers})
        yield connection.getresponse()
    except http.client.HTTPException as error:
        raise FetchError(f"it is no answer of a web server ({type(error).__name__})") from None
    finally:
        connection.close()
