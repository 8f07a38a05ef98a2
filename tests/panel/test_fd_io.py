"""Reading and writing file descriptors: slow readers, broken pipes, end of file."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest

from appliance.panel.fd_io import Reader, Writer
from tests.clock import until


async def until_ended(chunks: list[bytes]) -> None:
    await until(lambda: bool(chunks) and not chunks[-1])


async def test_the_reader_delivers_everything_and_then_the_end_once() -> None:
    inward, outward = os.pipe()
    chunks: list[bytes] = []
    Reader(inward, chunks.append)
    data = bytes(range(256)) * 60
    os.set_blocking(outward, False)
    os.write(outward, data)
    os.close(outward)
    await until_ended(chunks)
    assert b"".join(chunks) == data
    assert chunks.count(b"") == 1
    os.close(inward)


async def test_a_closed_descriptor_ends_the_reader() -> None:
    inward, outward = os.pipe()
    os.close(inward)
    chunks: list[bytes] = []
    Reader(inward, chunks.append)
    await until_ended(chunks)
    assert chunks == [b""]
    os.close(outward)


async def test_nothing_is_reported_after_close() -> None:
    inward, outward = os.pipe()
    chunks: list[bytes] = []
    reader = Reader(inward, chunks.append)
    reader.close()
    os.close(outward)
    await asyncio.sleep(0.05)
    assert chunks == []
    os.close(inward)


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_slow_reader_receives_everything(blocking: bool) -> None:
    inward, outward = os.pipe()
    os.set_blocking(outward, blocking)
    failures: list[OSError] = []
    writer: Writer[str] = Writer(outward, str.encode, failures.append, capacity=1000)
    for number in range(100):
        writer.put(f"{number:4}" * 500)
    assert not await writer.close(0.05), "the pipe has not been read yet"
    got = b""
    while len(got) < 100 * 2000:
        got += await asyncio.to_thread(os.read, inward, 65536)
    assert await writer.close(5)
    assert got == b"".join(f"{number:4}".encode() * 500 for number in range(100))
    assert failures == []
    os.close(inward)
    os.close(outward)


async def test_old_lines_are_dropped_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    inward, outward = os.pipe()
    writer: Writer[str] = Writer(outward, lambda item: item.encode() * 100_000, lambda _: None, capacity=3)
    with caplog.at_level(logging.WARNING):
        for number in range(10):
            writer.put(str(number))
            await asyncio.sleep(0.005)
    assert len(caplog.records) == 1
    got = b""
    while len(got) < 4 * 100_000:
        got += await asyncio.to_thread(os.read, inward, 65536)
    assert await writer.close(5)
    assert [got[place : place + 1] for place in range(0, 400_000, 100_000)] == [b"0", b"7", b"8", b"9"]
    os.close(inward)
    os.close(outward)


async def test_a_broken_pipe_is_reported_once() -> None:
    inward, outward = os.pipe()
    os.close(inward)
    failures: list[OSError] = []
    writer: Writer[str] = Writer(outward, str.encode, failures.append, capacity=10)
    for _ in range(5):
        writer.put("line\n")
    assert await writer.close(5)
    await asyncio.sleep(0)
    assert [type(failure) for failure in failures] == [BrokenPipeError]
    os.close(outward)
