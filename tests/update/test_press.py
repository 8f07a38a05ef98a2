"""From a bundle that was found to root's request: the real watcher, runner and request file, and a press."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from appliance.core import navigation
from appliance.core.machine import begin
from appliance.core.updates import UpdatePhase, UpdateStatus
from appliance.core.values import Benchmarks
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.runner import Runner
from appliance.store import TokenStore
from appliance.update import watch
from appliance.update.request_file import request
from tests.clock import until
from tests.update.test_watch import publish

FOUND = UpdateStatus(UpdatePhase.FOUND, "1.2.0", 0, "usb")
READ_TIME = 0.2


async def test_a_press_asks_root_to_install_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(navigation, "READ_TIME", READ_TIME)
    monkeypatch.setattr(watch, "CHECK_EVERY", 0.02)
    run = tmp_path / "run"
    status, asked = tmp_path / "status.json", run / "request"
    (tmp_path / "tt-slot").write_text("A\n")
    panel = RecordingPanel()
    handlers = EffectHandlers(
        lambda emit: Discovery(emit, "Nobody", ["lo"]),
        TokenStore(tmp_path / "state"),
        lambda emit: watch.watch_update(emit, status, tmp_path / "tt-slot"),
        request_action=partial(request, str(run)),
    )
    runner = Runner(begin(Benchmarks()), handlers, panel)
    running = asyncio.create_task(runner.run())

    def words() -> str:
        return " ".join(panel.view.screen.words) if panel.view else ""

    try:
        publish(status, FOUND)
        await until(lambda: "Install: press here" in words())
        await asyncio.sleep(READ_TIME + 0.05)
        panel.press()
        await until(lambda: "Installing" in words())
        await until(lambda: "Can't save the request to install" in caplog.text)
        assert not asked.exists(), "off the card, where there is no such folder"
        run.mkdir()
        publish(status, UpdateStatus(UpdatePhase.FOUND, "1.3.0", 0, "usb"))
        await until(lambda: "Version 1.3.0" in words())
        await asyncio.sleep(READ_TIME + 0.05)
        panel.press()
        await until(asked.exists)
        assert json.loads(asked.read_text()) == {"action": "install"}
        publish(status, UpdateStatus(UpdatePhase.INSTALLING, "1.3.0", 45, "usb"))
        await until(lambda: "1.3.0: 45 %" in words())
    finally:
        runner.quit()
        async with asyncio.timeout(2):
            await running
