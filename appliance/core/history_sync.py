"""History sync: when the archive is brought up to date. Once an hour, soon after each reconnection, and on request."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, StartTimer, StopHistorySync, StopTimer, SyncHistory
from appliance.core.events import HistorySynced
from appliance.core.heard_names import is_anothers
from appliance.core.states import Connected, World
from appliance.core.timers import Timer

SYNC_EVERY = 3600.0
"""Seconds between two syncs: few writes reach the flash, and the gateway keeps two weeks."""
SYNC_SOON = 20.0
"""Seconds from a live feed to the sync: a gateway that restarts has enough to do."""
SYNC_RETRY = 600.0
"""Seconds until a failed sync is retried."""
SYNCS_AN_HOUR = 6
"""Syncs within an hour; further ones, after reconnections on a bad connection, have to wait."""


def sync_delay(world: World, now: float) -> float:
    """Seconds from a reconnection to the next sync."""
    if len(world.history_syncs) < SYNCS_AN_HOUR:
        return SYNC_SOON
    return max(SYNC_SOON, world.history_syncs[-SYNCS_AN_HOUR] + SYNC_EVERY - now)


def start_history_sync(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Start a sync that is due, unless the gateway may have moved."""
    if _may_have_moved(state):
        return state, (StartTimer(Timer.HISTORY, SYNC_SOON),)
    history_syncs = (*(at for at in state.world.history_syncs if at > now - SYNC_EVERY), now)
    state = replace(state, world=replace(state.world, history_syncs=history_syncs))
    state, effect = _sync(state, now, requested=False)
    return state, (effect,)


def start_requested_sync(state: Connected, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """Start a sync for a report, unless the gateway may have moved. It delays no sync after a reconnection."""
    if _may_have_moved(state):
        return state, ()
    state, effect = _sync(state, now, requested=True)
    return state, (StopTimer(Timer.HISTORY), effect)


def _may_have_moved(state: Connected) -> bool:
    return state.address not in state.gateway.addresses or is_anothers(state.world, state.address, state.gateway.name)


def _sync(state: Connected, now: float, *, requested: bool) -> tuple[Connected, SyncHistory]:
    credential = state.world.credential
    assert credential is not None, "a feed was opened with a token"
    number = state.world.serial + 1
    today = state.book.today.for_day(state.book.clock.offset, now)
    effect = SyncHistory(number, credential.gateway, state.address, credential.token, today.day, today.seen, requested)
    return replace(state, world=replace(state.world, serial=number), history_sync=number), effect


def history_synced(state: Connected, event: HistorySynced, now: float) -> tuple[Connected, tuple[Effect, ...]]:
    """A sync succeeded: drop the orders that the archive holds now."""
    forget_after = state.world.benchmarks.forget_after
    today = state.book.today.for_day(state.book.clock.offset, now)
    today = today.with_archive(event.day, event.figures, event.uuids, event.measured, event.gateway, forget_after)
    state = replace(state, book=replace(state.book, today=today), history_sync=0)
    return state, (StartTimer(Timer.HISTORY, SYNC_EVERY, jitter=True),)


def stop_history_sync(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """The gateway may have moved, and must not get its token at the old address: stop the sync, and retry soon."""
    if not state.history_sync:
        return state, ()
    effects = (StopHistorySync(state.history_sync), StartTimer(Timer.HISTORY, SYNC_SOON))
    return replace(state, history_sync=0), effects


def history_sync_failed(state: Connected) -> tuple[Connected, tuple[Effect, ...]]:
    """A sync failed."""
    return replace(state, history_sync=0), (StartTimer(Timer.HISTORY, SYNC_RETRY, jitter=True),)
