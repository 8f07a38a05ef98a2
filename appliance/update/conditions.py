"""Whether a system on trial is good: the conditions, and the verdict on them. Pure; times in seconds.

A condition that held before the update must hold after it. What did not hold before, such as a display that is missing,
is not asked for: such a box must be able to update too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from appliance.core.updates import UpdateReason

LIMIT = 900.0
"""From the appliance's start until every condition must have held at once: a slow board needs minutes for its start."""
GATEWAY_LIMIT = 3600.0
"""From the appliance's start until a missing gateway, if all else is good, is waited for no longer: it may be off."""
SETTLED = 60.0
"""For how long the appliance must run without an interruption."""
SETTLED_AGAIN = 300.0
"""The same after it was restarted once: it may end again."""
MOST_RESTARTS = 3
"""Restarts of the appliance that end the trial. After five failures the box would restart without a verdict."""


class Condition(StrEnum):
    """What is asked for, in the order in which a missing one is told as the reason."""

    RUNNING = "running"
    """The appliance runs, and feeds its watchdog."""
    UPDATER = "updater"
    """The next update can be installed: RAUC answers, and the firmware keeps its flag."""
    STATE = "state"
    """The state is on the card, and can be written."""
    SETTINGS = "settings"
    """The settings file was read."""
    PICTURE = "picture"
    """The display took the pictures."""
    GATEWAY = "gateway"
    """The gateway's feed is live."""


REASONS: Mapping[Condition, UpdateReason] = MappingProxyType(
    {
        Condition.RUNNING: UpdateReason.CRASHED,
        Condition.UPDATER: UpdateReason.ENGINE_FAILED,
        Condition.STATE: UpdateReason.STATE_NOT_WRITTEN,
        Condition.SETTINGS: UpdateReason.SETTINGS_UNREAD,
        Condition.PICTURE: UpdateReason.NO_PICTURE,
        Condition.GATEWAY: UpdateReason.NOT_CONNECTED,
    }
)
ALWAYS = frozenset({Condition.RUNNING, Condition.UPDATER})
"""Conditions that no box can do without: the old system met them when it installed this one."""


class Outcome(StrEnum):
    """How a condition stands, in the journal and the status."""

    GOOD = "good"
    WAITING = "waiting"
    NOT_NEEDED = "not needed"


class Decision(StrEnum):
    """What becomes of the system on trial."""

    GOOD = "good"
    WAIT = "wait"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Observed:
    """What holds at a moment. running_for: since the appliance's last start, 0 while it does not run. restarts: of the
    appliance, since the box started. failed: systemd has given it up."""

    running_for: float = 0.0
    restarts: int = 0
    failed: bool = False
    updater: bool = False
    state: bool = False
    settings: bool = False
    picture: bool = False
    gateway: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision. missing: the condition that is the reason for NO, or that is waited for."""

    decision: Decision
    missing: Condition | None = None


def held(now: Observed) -> frozenset[Condition]:
    """The conditions that hold."""
    runs = not now.failed and now.running_for >= (SETTLED_AGAIN if now.restarts else SETTLED)
    facts = {
        Condition.RUNNING: runs,
        Condition.UPDATER: now.updater,
        Condition.STATE: now.state,
        Condition.SETTINGS: now.settings,
        Condition.PICTURE: now.picture,
        Condition.GATEWAY: now.gateway,
    }
    return frozenset(condition for condition, holds in facts.items() if holds)


def needed(before: frozenset[Condition]) -> frozenset[Condition]:
    """The conditions that are asked for. before: those that held before the update."""
    return before | ALWAYS


def missing(before: frozenset[Condition], now: Observed) -> tuple[Condition, ...]:
    """The conditions that are asked for and don't hold, the first reason first."""
    lacking = needed(before) - held(now)
    return tuple(condition for condition in Condition if condition in lacking)


def outcomes(before: frozenset[Condition], now: Observed) -> dict[str, str]:
    """How each condition stands."""
    lacking, asked = missing(before, now), needed(before)
    return {
        condition.value: (
            Outcome.WAITING if condition in lacking else Outcome.GOOD if condition in asked else Outcome.NOT_NEEDED
        ).value
        for condition in Condition
    }


def has_settled(before: frozenset[Condition], now: Observed) -> bool:
    """Whether all conditions hold but for the gateway's."""
    return missing(before, now) in ((), (Condition.GATEWAY,))


def judge(before: frozenset[Condition], now: Observed, seconds: float, *, settled: bool) -> Verdict:
    """The verdict on a system on trial.

    before: the conditions that held before the update. seconds: since the appliance's first start. settled: whether
    has_settled() was true at any moment so far.
    """
    lacking = missing(before, now)
    if not lacking:
        return Verdict(Decision.GOOD)
    if now.failed or now.restarts >= MOST_RESTARTS:
        return Verdict(Decision.NO, Condition.RUNNING)
    if seconds < (GATEWAY_LIMIT if settled or has_settled(before, now) else LIMIT):
        return Verdict(Decision.WAIT, lacking[0])
    if lacking == (Condition.GATEWAY,):
        return Verdict(Decision.GOOD)
    return Verdict(Decision.NO, lacking[0])
