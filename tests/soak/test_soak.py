"""What the soak makes of what py-spy sees."""

from __future__ import annotations

from tests.soak.__main__ import spinning

REST, WORK = 'Thread 1 (idle): "MainThread"', 'Thread 1 (active): "MainThread"'
SPINS, AND_HOLDS = 'Thread 2 (active): "display"', 'Thread 2 (active+gil): "display"'


def test_a_thread_that_is_always_at_work_spins() -> None:
    assert spinning([{REST}, {WORK}, {REST}]) == []
    assert spinning([{REST, SPINS}, {WORK, AND_HOLDS}, {REST, SPINS}]) == [f"it never rests: {SPINS}"]
