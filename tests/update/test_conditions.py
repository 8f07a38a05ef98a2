"""The verdict on a system on trial."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.updates import UpdateReason
from appliance.update.conditions import (
    ALWAYS,
    GATEWAY_LIMIT,
    LIMIT,
    MOST_RESTARTS,
    REASONS,
    SETTLED,
    SETTLED_AGAIN,
    Condition,
    Decision,
    Observed,
    Verdict,
    has_settled,
    held,
    judge,
    missing,
    needed,
    outcomes,
)

ALL = frozenset(Condition)
WELL = Observed(SETTLED, updater=True, state=True, settings=True, picture=True, gateway=True)
GOOD = Verdict(Decision.GOOD)
WITHOUT = {
    Condition.RUNNING: replace(WELL, running_for=0.0),
    Condition.UPDATER: replace(WELL, updater=False),
    Condition.STATE: replace(WELL, state=False),
    Condition.SETTINGS: replace(WELL, settings=False),
    Condition.PICTURE: replace(WELL, picture=False),
    Condition.GATEWAY: replace(WELL, gateway=False),
}
"""What holds where one condition is missing."""

befores = st.frozensets(st.sampled_from(Condition))
moments = st.builds(
    Observed,
    st.sampled_from((0.0, SETTLED - 1, SETTLED, SETTLED_AGAIN - 1, SETTLED_AGAIN)),
    st.integers(0, MOST_RESTARTS + 1),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
times = st.sampled_from((0.0, LIMIT - 1, LIMIT, GATEWAY_LIMIT - 1, GATEWAY_LIMIT)) | st.floats(0, 2 * GATEWAY_LIMIT)


def test_a_system_that_is_well_is_accepted_at_once() -> None:
    assert judge(ALL, WELL, 61.0, settled=False) == GOOD
    assert judge(ALL, WELL, 2 * GATEWAY_LIMIT, settled=True) == GOOD


@pytest.mark.parametrize("condition", [each for each in Condition if each is not Condition.GATEWAY])
def test_each_missing_condition_is_waited_for_and_then_ends_the_trial(condition: Condition) -> None:
    now = WITHOUT[condition]
    assert missing(ALL, now) == (condition,)
    assert judge(ALL, now, LIMIT - 0.1, settled=False) == Verdict(Decision.WAIT, condition)
    assert judge(ALL, now, LIMIT, settled=False) == Verdict(Decision.NO, condition)
    # Beside a missing gateway it is the reason too.
    assert judge(ALL, replace(now, gateway=False), LIMIT, settled=False) == Verdict(Decision.NO, condition)


def test_a_gateway_alone_is_waited_for_an_hour() -> None:
    now = WITHOUT[Condition.GATEWAY]
    for seconds in (61.0, LIMIT, GATEWAY_LIMIT - 0.1):
        for settled in (False, True):
            assert judge(ALL, now, seconds, settled=settled) == Verdict(Decision.WAIT, Condition.GATEWAY)
    assert judge(ALL, now, GATEWAY_LIMIT, settled=True) == GOOD


@pytest.mark.parametrize("condition", [Condition.STATE, Condition.SETTINGS, Condition.PICTURE, Condition.GATEWAY])
def test_what_did_not_hold_before_need_not_hold_after(condition: Condition) -> None:
    assert judge(ALL - {condition}, WITHOUT[condition], 61.0, settled=False) == GOOD


@pytest.mark.parametrize("condition", sorted(ALWAYS))
def test_no_box_can_do_without(condition: Condition) -> None:
    assert judge(frozenset(), WITHOUT[condition], LIMIT, settled=False) == Verdict(Decision.NO, condition)


def test_after_a_restart_the_appliance_must_run_for_longer() -> None:
    for restarts, seconds in ((0, SETTLED), (1, SETTLED_AGAIN), (MOST_RESTARTS - 1, SETTLED_AGAIN)):
        ran = replace(WELL, restarts=restarts, running_for=seconds)
        assert judge(ALL, ran, 400.0, settled=False) == GOOD
        almost = replace(ran, running_for=seconds - 0.1)
        assert judge(ALL, almost, 400.0, settled=False) == Verdict(Decision.WAIT, Condition.RUNNING)


def test_an_appliance_that_keeps_ending_ends_the_trial_at_once() -> None:
    crashing = replace(WITHOUT[Condition.RUNNING], restarts=MOST_RESTARTS)
    assert judge(ALL, crashing, 20.0, settled=True) == Verdict(Decision.NO, Condition.RUNNING)
    given_up = replace(WELL, failed=True)
    assert judge(ALL, given_up, 20.0, settled=True) == Verdict(Decision.NO, Condition.RUNNING)


def test_a_display_that_is_unplugged_while_the_gateway_is_awaited_ends_nothing() -> None:
    now = replace(WELL, gateway=False, picture=False)
    assert judge(ALL, now, LIMIT + 60, settled=True) == Verdict(Decision.WAIT, Condition.PICTURE)
    assert judge(ALL, now, LIMIT + 60, settled=False) == Verdict(Decision.NO, Condition.PICTURE)
    assert judge(ALL, now, GATEWAY_LIMIT, settled=True) == Verdict(Decision.NO, Condition.PICTURE)


def test_every_condition_has_a_reason_of_its_own() -> None:
    assert set(REASONS) == ALL
    assert len(set(REASONS.values())) == len(ALL)
    assert set(REASONS.values()) <= set(UpdateReason)


def test_the_outcomes_name_every_condition() -> None:
    assert outcomes(ALL - {Condition.PICTURE}, replace(WELL, gateway=False, picture=False)) == {
        "running": "good",
        "updater": "good",
        "state": "good",
        "settings": "good",
        "picture": "not needed",
        "gateway": "waiting",
    }


@given(befores, moments, times, st.booleans())
def test_the_verdict_by_its_rules(before: frozenset[Condition], now: Observed, seconds: float, settled: bool) -> None:
    verdict = judge(before, now, seconds, settled=settled)
    lacking = needed(before) - held(now)
    ended = now.failed or now.restarts >= MOST_RESTARTS
    alone = lacking == {Condition.GATEWAY}
    accepted = not lacking or (alone and not ended and seconds >= GATEWAY_LIMIT)
    assert (verdict.decision is Decision.GOOD) == accepted
    assert (verdict.missing is None) == accepted
    if verdict.decision is Decision.NO:
        assert ended or seconds >= LIMIT, "every system has its time"
        assert verdict.missing is Condition.RUNNING or verdict.missing in lacking - {Condition.GATEWAY}
    if verdict.decision is Decision.WAIT:
        assert verdict.missing in lacking
        assert seconds < (GATEWAY_LIMIT if settled or alone else LIMIT), "no trial lasts for ever"
    assert has_settled(before, now) == (lacking <= {Condition.GATEWAY})


@given(befores, befores, moments, times, st.booleans())
def test_a_box_that_lacked_more_before_is_never_judged_harder(
    before: frozenset[Condition], more: frozenset[Condition], now: Observed, seconds: float, settled: bool
) -> None:
    strict, mild = (judge(each, now, seconds, settled=settled).decision for each in (before | more, before))
    if strict is Decision.GOOD:
        assert mild is Decision.GOOD
    if mild is Decision.NO:
        assert strict is Decision.NO


@given(befores, moments, times, st.booleans(), st.sampled_from(("updater", "state", "settings", "picture", "gateway")))
def test_what_works_never_makes_the_verdict_worse(
    before: frozenset[Condition], now: Observed, seconds: float, settled: bool, name: str
) -> None:
    better = replace(now, **{name: True})
    order = [Decision.NO, Decision.WAIT, Decision.GOOD]
    verdicts = [judge(before, each, seconds, settled=settled).decision for each in (now, better)]
    assert order.index(verdicts[0]) <= order.index(verdicts[1])
