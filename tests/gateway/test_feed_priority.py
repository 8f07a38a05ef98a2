"""Requests that give way to feeds: one at a time, and none while a feed is opening."""

from __future__ import annotations

import asyncio
import gc

import pytest

from appliance.gateway.feed_priority import FeedPriority
from tests.clock import virtual_time


class SlowRequest:
    """A request that takes a second. begun, ended: virtual times; ended only for requests that were not interrupted."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.ended: list[float] = []

    async def __call__(self) -> int:
        loop = asyncio.get_running_loop()
        self.begun.append(loop.time())
        await asyncio.sleep(1)
        self.ended.append(loop.time())
        return 7


@virtual_time
async def test_requests_run_one_at_a_time() -> None:
    feed_priority, asked = FeedPriority(), SlowRequest()
    assert list(await asyncio.gather(feed_priority.request(asked), feed_priority.request(asked))) == [7, 7]
    assert asked.begun[1] >= asked.ended[0]


@virtual_time
async def test_an_opening_feed_interrupts_a_request_which_is_then_repeated() -> None:
    feed_priority, asked = FeedPriority(), SlowRequest()
    request = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(0.5)
    feed_priority.opening(1)
    feed_priority.opening(2)
    await asyncio.sleep(0.1)
    opened = asyncio.get_running_loop().time()
    assert (len(asked.begun), asked.ended) == (1, []), "the request must be interrupted at once"
    await asyncio.sleep(5)
    feed_priority.settled(1)
    await asyncio.sleep(5)
    assert len(asked.begun) == 1, "another feed is still opening"
    feed_priority.settled(2)
    assert await request == 7
    assert asked.begun[1] >= opened + 10
    assert len(asked.ended) == 1


@virtual_time
async def test_no_request_starts_while_a_feed_is_opening() -> None:
    feed_priority, asked = FeedPriority(), SlowRequest()
    feed_priority.opening(1)
    request = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(30)
    assert asked.begun == []
    feed_priority.settled(1)
    feed_priority.settled(1)
    assert await request == 7


@virtual_time
async def test_a_failed_request_raises_and_the_next_one_runs() -> None:
    feed_priority = FeedPriority()

    async def failing_request() -> int:
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        await feed_priority.request(failing_request)
    assert await feed_priority.request(SlowRequest()) == 7


@virtual_time
async def test_a_waiting_caller_may_be_cancelled() -> None:
    feed_priority, asked = FeedPriority(), SlowRequest()
    caller = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(0.5)
    caller.cancel()
    await asyncio.sleep(0)
    assert await feed_priority.request(asked) == 7
    assert len(asked.ended) == 1


@virtual_time
async def test_a_caller_may_be_cancelled_when_its_request_fails() -> None:
    feed_priority, fail_now = FeedPriority(), asyncio.Event()
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))

    async def failing_request() -> int:
        await fail_now.wait()
        raise OSError("connection lost")

    caller = asyncio.create_task(feed_priority.request(failing_request))
    await asyncio.sleep(0.1)
    fail_now.set()
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled()
    # asyncio reports an unretrieved exception when the last reference is gone.
    del caller
    gc.collect()
    assert reported == []
