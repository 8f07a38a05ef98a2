"""An interrupted examination: all outputs are off, and a second signal changes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace

import pytest

from appliance.doctor.examination import examine, examine_until_signal
from tests.doctor.fakes import QUESTIONS, Box, all_is_off, everything_seen


async def test_a_second_signal_does_not_interrupt_the_end(box: Box) -> None:
    box.limits = replace(box.limits, bus=5.0)
    context, person = box.context({})
    box.display.hang()
    examining = asyncio.create_task(examine_until_signal(context))
    await asyncio.to_thread(box.display.hanging.wait, 5)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        # After the examination, a signal would end the test run.
        assert not examining.done()
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.02)
    assert not examining.done()
    box.display.stop_hanging()
    assert await examining == 128 + signal.SIGTERM
    assert person.said.endswith("\nInterrupted. All outputs are off.\n")
    assert all_is_off(box)


@pytest.mark.parametrize("question", [*QUESTIONS, "Press the button"])
async def test_all_is_off_after_an_end_at_a_question(box: Box, question: str) -> None:
    box.limits = replace(box.limits, answer=30.0, press=30.0)
    asked = asyncio.Event()

    def come() -> str:
        asked.set()
        return ""

    context, _ = box.context(everything_seen(box) | {question: come})
    context.sounds = ()
    examining = asyncio.create_task(examine(context))
    async with asyncio.timeout(5):
        await asked.wait()
    examining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await examining
    context.console.close()
    assert box.display.sent > 0
    assert all_is_off(box)
