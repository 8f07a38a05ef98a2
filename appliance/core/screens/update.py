"""The update of the box: what it is, what a press does, and a remark on the other screens."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.navigation import available_screens
from appliance.core.screens.state_view import message
from appliance.core.states import AwaitingPairing, ScreenId, State, World
from appliance.core.updates import UpdatePhase, UpdateStatus
from appliance.core.view import Icon, Line, Message, Size

LONGEST_VERSION, LONGEST_REASON = 14, 20
"""Characters shown of a version, and of a reason that this version of the box does not know."""
UPDATED_SHOWS = 3600.0
"""Seconds for which a remark says that the box was updated: an update that works needs no answer."""


def update_screen(world: World, now: float) -> tuple[Message, float]:
    """The screen at `now`, and until when it holds."""
    update, requested = world.update, now < world.requested_until
    return _message(update, requested=requested), world.requested_until if requested else math.inf


def update_remark(state: State, now: float) -> tuple[str, float]:
    """What the other screens say of the update at `now`, or nothing; and until when."""
    world = state.world
    update = world.update
    if isinstance(state, AwaitingPairing):
        # The update's own screen comes in turn, and a press on any other pairs.
        return "", math.inf
    match update.phase:
        case UpdatePhase.NONE:
            return "", math.inf
        case UpdatePhase.FOUND:
            return _press(state), math.inf
        case UpdatePhase.INSTALLING:
            return texts.UPDATE_INSTALLING.format(percent=update.percent), math.inf
        case UpdatePhase.READY:
            return texts.UPDATE_READY, math.inf
        case UpdatePhase.TRIAL:
            return texts.UPDATE_TRYING, math.inf
        case UpdatePhase.UPDATED:
            until = world.update_since + UPDATED_SHOWS
            return (texts.UPDATE_DONE.format(version=_version(update)), until) if now < until else ("", math.inf)
        case UpdatePhase.FAILED:
            return texts.UPDATE_FAILED, math.inf


def _press(state: State) -> str:
    """How to get from the main screen to the update's."""
    presses = available_screens(state).index(ScreenId.UPDATE)
    return texts.UPDATE_PRESS if presses == 1 else texts.UPDATE_PRESS_TIMES.format(count=presses)


def _message(update: UpdateStatus, *, requested: bool) -> Message:
    version = _version(update)
    match update.phase:
        case UpdatePhase.FOUND if not requested:
            named = Line(texts.UPDATE_VERSION.format(version=version), spare=1)
            return _question(texts.FOUND_UPDATE, named, Line(texts.INSTALL_YES), Line(texts.INSTALL_NO, spare=2))
        case UpdatePhase.FOUND | UpdatePhase.INSTALLING:
            percent = min(100, max(0, update.percent))
            share = texts.INSTALLED_SHARE.format(version=version, percent=percent)
            return message(None, [texts.INSTALLING], [share, texts.INSTALLING_HINT], percent / 100)
        case UpdatePhase.READY if not requested:
            quiet = Line(texts.UPDATE_READY, spare=1)
            return _question(texts.INSTALLED, quiet, Line(texts.RESTART_YES), Line(texts.RESTART_NO, spare=2))
        case UpdatePhase.READY:
            return message(Icon.STARTING, [texts.RESTARTING], [texts.RESTARTING_HINT.format(version=version)])
        case UpdatePhase.UPDATED:
            return _question(texts.UPDATE_DONE.format(version=version), Line(texts.UPDATE_READ))
        case UpdatePhase.FAILED:
            return _question(
                texts.UPDATE_FAILED,
                Line(_reason(update)),
                Line(texts.UPDATE_KEPT, spare=1),
                Line(texts.UPDATE_READ),
            )
        case _:
            return message(Icon.STARTING, texts.TRYING, texts.TRYING_HINT)


def _question(headline: str, *lines: Line) -> Message:
    return Message((Line(headline, Size.MEDIUM), *lines))


def _version(update: UpdateStatus) -> str:
    return legible(update.version, LONGEST_VERSION)


def _reason(update: UpdateStatus) -> str:
    known = texts.UPDATE_REASONS.get(update.reason)
    return known or texts.UPDATE_UNKNOWN_REASON.format(reason=legible(update.reason, LONGEST_REASON))
