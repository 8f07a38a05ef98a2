"""How the soak test evaluates py-spy's dumps."""

from __future__ import annotations

from tests.soak.__main__ import spinning

IDLE, ACTIVE = 'Thread 1 (idle): "MainThread"', 'Thread 1 (active): "MainThread"'
SPINNING, SPINNING_WITH_GIL = 'Thread 2 (active): "display"', 'Thread 2 (active+gil): "display"'


def test_a_thread_active_in_each_dump_is_reported_as_spinning() -> None:
    assert spinning([{IDLE}, {ACTIVE}, {IDLE}]) == []
    assert spinning([{IDLE, SPINNING}, {ACTIVE, SPINNING_WITH_GIL}, {IDLE, SPINNING}]) == [f"never idle: {SPINNING}"]
