"""Runs the appliance as a service: connects a panel to the gateways, token store and archive of the settings."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial

from appliance import __version__, display_file
from appliance.backup.watch import watch_backup
from appliance.board import watch_board
from appliance.config import Config
from appliance.core.events import Event
from appliance.core.machine import begin
from appliance.core.values import Mistake
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.source import gateway_source
from appliance.history_syncs import Archiver
from appliance.logs import LastProblem
from appliance.panel import Panel
from appliance.runner import Runner
from appliance.status.publisher import StatusPublisher
from appliance.status.server import serving
from appliance.store import TokenStore
from appliance.update.request_file import request
from appliance.update.watch import watch_update

log = logging.getLogger("appliance")


async def serve(config: Config, panel: Panel, mistakes: tuple[Mistake, ...], last_problem: LastProblem) -> None:
    """Run the appliance until SIGTERM or SIGINT.

    mistakes: the invalid settings, which were ignored. last_problem: of the log, since the program started.
    """
    gateway = config.gateway
    state = begin(
        config.orders,
        fixed_address=gateway.address is not None,
        settings=config.panel,
        version=__version__,
        mistakes=mistakes,
    )
    effect_handlers = EffectHandlers(
        lambda emit: gateway_source(emit, gateway.address, gateway.name, config.network.interfaces),
        TokenStore(config.state_dir),
        _watch_box,
        lambda: _make_archiver(config),
        FeedPriority(),
        partial(display_file.keep, config.state_dir),
        partial(request, os.environ.get("RUNTIME_DIRECTORY")),
    )
    # A mistake without a line or a key is one of the whole file.
    settings_read = all(mistake.line is not None or mistake.key is not None for mistake in mistakes)
    publisher = StatusPublisher(panel, last_problem, config.state_dir, settings_read=settings_read)
    runner = Runner(state, effect_handlers, publisher)
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, runner.quit)
    log.info("Table Tracker appliance %s", __version__)
    async with serving(publisher, effect_handlers.fill_archive):
        await runner.run()


async def _watch_box(emit: Callable[[Event], None]) -> None:
    """Emit what changes in the box itself, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(watch_board(emit))
        group.create_task(watch_update(emit))
        group.create_task(watch_backup(emit))


def _make_archiver(config: Config) -> Archiver:
    """Make the archiver. Its slow imports are here, because the first picture does not need them."""
    from appliance.history.archive import MIB, MONTH, Archive, Bounds
    from appliance.history.archiver import Archiver

    return Archiver(
        Archive(config.state_dir, Bounds(config.history.months * MONTH, config.history.size * MIB)), config.orders
    )
