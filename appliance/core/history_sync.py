"""When the archive is filled, and what becomes of what it tells: once an hour, and soon after each reconnection."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, StartTimer, StopHistorySync, SyncHistory
from appliance.core.events import HistorySynced, Timer
from appliance.core.heard_names import is_anothers
from appliance.core.states import Connected, World

SYNC_EVERY = 3600.0
"""Seconds between two fillings of the archive: so few writes reach the flash, and the gateway keeps two weeks."""
SYNC_SOON = 20.0
"""Seconds after a feed became live at which the archive is filled: a gateway that comes back has enough to do."""
SYNC_RETRY = 600.0
"""Seconds after a filling that failed at which it is tried again."""
SYNCS_AN_HOUR = 6
"""Fillings within an hour, after which those that a bad line asks for have to wait."""


def sync_delay(world: World, now: float) -> float:
    """Seconds until the archive may be filled after a reconnection."""
    if len(world.kept) < SYNCS_AN_HOUR:
        return SYNC_SOON
    return max(SYNC_SOON, world.kept[-SYNCS_AN_HOUR] + SYNC_EVERY - now)


def start_history_sync(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Have the archive brought up to date, unless the gateway is somewhere else by now."""
    if state.address not in state.gateway.addresses or is_anothers(state.world, state.address, state.gateway.name):
        return state, (StartTimer(Timer.HISTORY, SYNC_SOON),)
    credential = state.world.credential
    assert credential is not None, "a feed was opened with a token"
    number = state.world.serial + 1
    kept = (*(at for at in state.world.kept if at > now - SYNC_EVERY), now)
    today = state.book.today.on(state.book.offset, now)
    effect = SyncHistory(number, credential.gateway, state.address, credential.token, today.day, today.seen)
    return replace(state, world=replace(state.world, serial=number, kept=kept), filling=number), (effect,)


def history_synced(state: Connected, event: HistorySynced, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """The archive is up to date: what it holds need not be remembered here any more."""
    forget_after = state.world.benchmarks.forget_after
    today = state.book.today.on(state.book.offset, now)
    today = today.archived(event.day, event.figures, event.uuids, event.measured, event.gateway, forget_after)
    state = replace(state, book=replace(state.book, today=today), filling=0)
    return state, (StartTimer(Timer.HISTORY, SYNC_EVERY, jitter=True),)


def stop_history_sync(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """The gateway may not be where its token goes: nothing more is sent there, and the archive is filled later."""
    if not state.filling:
        return state, ()
    effects = (StopHistorySync(state.filling), StartTimer(Timer.HISTORY, SYNC_SOON))
    return replace(state, filling=0), effects


def history_sync_failed(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """It could not be done this time."""
    return replace(state, filling=0), (StartTimer(Timer.HISTORY, SYNC_RETRY, jitter=True),)
