"""Blocking calls on threads: results, errors and cancellation."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time

import pytest

from appliance.aio import SHORT_TURNS, USUAL_TURNS, compute_in_thread, in_daemon_thread
from tests.clock import until


async def test_a_threads_result_is_returned() -> None:
    assert await in_daemon_thread(lambda: threading.current_thread().name, "look around") == "look around"
    assert await in_daemon_thread(lambda: 7, "count") == 7


@pytest.mark.parametrize("error", [OSError(5, "oops"), TimeoutError(), asyncio.CancelledError(), StopIteration(3)])
async def test_a_threads_exception_is_raised(error: BaseException) -> None:
    def call() -> None:
        raise error

    async with asyncio.timeout(1):
        with pytest.raises((type(error), RuntimeError)) as raised:
            await in_daemon_thread(call, "fail")
    assert error in (raised.value, raised.value.__cause__)


async def test_the_loop_runs_during_a_call() -> None:
    gate = threading.Event()
    call = asyncio.create_task(in_daemon_thread(gate.wait, "wait"))
    await asyncio.sleep(0.01)
    assert not call.done()
    gate.set()
    assert await asyncio.wait_for(call, 1) is True


async def test_cancelling_does_not_wait_and_discards_the_result() -> None:
    gate = threading.Event()
    threads = threading.active_count()
    call = asyncio.create_task(in_daemon_thread(gate.wait, "wait"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 0.1)
    gate.set()
    await until(lambda: threading.active_count() == threads)
    await asyncio.sleep(0)


def test_a_call_may_end_after_its_loop() -> None:
    gate = threading.Event()
    failed: list[object] = []

    async def main() -> None:
        call = asyncio.create_task(in_daemon_thread(gate.wait, "wait"))
        await asyncio.sleep(0.01)
        call.cancel()

    hook, threading.excepthook = threading.excepthook, failed.append
    try:
        asyncio.run(main())
        (left,) = [thread for thread in threading.enumerate() if thread.name == "wait"]
        gate.set()
        left.join(1)
    finally:
        threading.excepthook = hook
    assert failed == []


def test_a_hanging_call_does_not_block_process_exit() -> None:
    code = """
import asyncio, time
from appliance.aio import in_daemon_thread
async def main():
    call = asyncio.create_task(in_daemon_thread(lambda: time.sleep(60), "hang"))
    await asyncio.sleep(0.01)
    call.cancel()
asyncio.run(main())
"""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=10)
    assert time.monotonic() - began < 5


async def test_no_garbage_is_collected_during_a_computation_and_afterwards_it_is() -> None:
    gates = [threading.Event(), threading.Event()]
    calls = [asyncio.create_task(compute_in_thread(gate.wait, "compute")) for gate in gates]
    await asyncio.sleep(0)
    assert not gc.isenabled()
    assert sys.getswitchinterval() == pytest.approx(SHORT_TURNS)
    gates[0].set()
    assert await calls[0] is True
    assert not gc.isenabled()
    calls[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await calls[1]
    assert gc.isenabled()
    assert sys.getswitchinterval() == pytest.approx(USUAL_TURNS)
    gates[1].set()


async def test_an_error_of_a_computation_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await compute_in_thread(lambda: 1 // 0, "divide")
    assert gc.isenabled()
