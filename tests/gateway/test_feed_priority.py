"""Requests that wait for others: one at a time, and none while a feed is being opened."""

from __future__ import annotations

import asyncio
import gc

import pytest

from appliance.gateway.feed_priority import FeedPriority
from tests.clock import virtual_time


class Asked:
    """A request that takes a second. begun, ended: when, in virtual seconds; ended only for what was not broken off."""

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
async def test_one_at_a_time() -> None:
    feed_priority, asked = FeedPriority(), Asked()
    assert list(await asyncio.gather(feed_priority.request(asked), feed_priority.request(asked))) == [7, 7]
    assert asked.begun[1] >= asked.ended[0]


@virtual_time
async def test_it_gives_way_to_a_feed_that_is_opened_and_is_asked_again() -> None:
    feed_priority, asked = FeedPriority(), Asked()
    request = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(0.5)
    feed_priority.opening(1)
    feed_priority.opening(2)
    await asyncio.sleep(0.1)
    opened = asyncio.get_running_loop().time()
    assert (len(asked.begun), asked.ended) == (1, []), "broken off at once"
    await asyncio.sleep(5)
    feed_priority.settled(1)
    await asyncio.sleep(5)
    assert len(asked.begun) == 1, "another one is still being opened"
    feed_priority.settled(2)
    assert await request == 7
    assert asked.begun[1] >= opened + 10
    assert len(asked.ended) == 1


@virtual_time
async def test_none_begins_while_a_feed_is_being_opened() -> None:
    feed_priority, asked = FeedPriority(), Asked()
    feed_priority.opening(1)
    request = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(30)
    assert asked.begun == []
    feed_priority.settled(1)
    feed_priority.settled(1)
    assert await request == 7


@virtual_time
async def test_what_goes_wrong_is_told_and_the_next_has_its_turn() -> None:
    feed_priority = FeedPriority()

    async def wrong() -> int:
        raise OSError("line is dead")

    with pytest.raises(OSError, match="dead"):
        await feed_priority.request(wrong)
    assert await feed_priority.request(Asked()) == 7


@virtual_time
async def test_who_waits_may_leave() -> None:
    feed_priority, asked = FeedPriority(), Asked()
    leaving = asyncio.create_task(feed_priority.request(asked))
    await asyncio.sleep(0.5)
    leaving.cancel()
    await asyncio.sleep(0)
    assert await feed_priority.request(asked) == 7
    assert len(asked.ended) == 1


@virtual_time
async def test_who_waits_may_leave_at_the_moment_at_which_it_fails() -> None:
    feed_priority, fails = FeedPriority(), asyncio.Event()
    unseen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context["message"]))

    async def wrong() -> int:
        await fails.wait()
        raise OSError("line is dead")

    leaving = asyncio.create_task(feed_priority.request(wrong))
    await asyncio.sleep(0.1)
    fails.set()
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    assert leaving.cancelled()
    # What was never seen is told of when nothing holds it any more.
    del leaving
    gc.collect()
    assert unseen == []
