"""The words of an update."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import texts
from appliance.core.screens.update import update_screen
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from tests.core.cases import NOW, STATES

FAILED = UpdateStatus(UpdatePhase.FAILED, "1.2.0")


def test_every_reason_has_words_of_its_own() -> None:
    assert set(texts.UPDATE_REASONS) == set(UpdateReason)
    assert len(set(texts.UPDATE_REASONS.values())) == len(UpdateReason)


@pytest.mark.parametrize("reason", [*UpdateReason, "", "code-of-a-newer-version", "\x00\u202e", "x" * 300])
def test_any_reason_is_one_short_line(reason: str) -> None:
    world = replace(STATES["connected"].world, update=replace(FAILED, reason=reason))
    line = update_screen(world, NOW)[0].words[1]
    assert 5 <= len(line) <= 28
    assert line.isprintable()


def test_a_long_version_is_shortened() -> None:
    for phase in UpdatePhase:
        world = replace(STATES["connected"].world, update=UpdateStatus(phase, "1.2.0-rc.1+build.20261130.1542"))
        assert max(map(len, update_screen(world, NOW)[0].words)) <= 32
