"""The whole appliance against the simulated gateway, over real sockets, real mDNS on loopback and real flash."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from appliance.core.events import Denial
from appliance.core.machine import begin
from appliance.core.values import Address, Benchmarks, Credential, Token
from appliance.core.view import Sound, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import Archiver, EffectHandlers
from appliance.gateway.api import Denied
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.runner import Runner
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore
from tests.clock import until

LOOPBACK = "127.0.0.1"
NAME = f"Bar {os.getpid()}"
"""Other tests announce gateways on the loopback interface at the same time."""


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Nothing of the appliance may block the loop; the tests themselves look at files."""
    parts = ("runner", "effect_handlers", "gateway", "core", "history", "systemd")
    with blockbuster_ctx([f"appliance.{part}" for part in parts]) as buster:
        yield buster


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway("Bar", LOOPBACK) as gateway:
        yield gateway


@asynccontextmanager
async def appliance(
    state_dir: Path,
    *,
    fixed_address: SimulatedGateway | None = None,
    benchmarks: Benchmarks | None = None,
    make_archiver: Callable[[], Archiver] | None = None,
) -> AsyncIterator[RecordingPanel]:
    """A running appliance; fixed_address: the gateway whose address was fixed_address in, else mDNS finds one."""

    def find(tell: Callable[[Any], None]) -> Any:
        if fixed_address is None:
            return Discovery(tell, NAME, ["lo"])
        return FixedGateway(tell, Address(fixed_address.host, fixed_address.port), "Bar")

    panel = RecordingPanel()
    state = begin(benchmarks or Benchmarks(), fixed_address=fixed_address is not None)
    runner = Runner(state, EffectHandlers(find, TokenStore(state_dir), make_archiver=make_archiver), panel)
    running = asyncio.create_task(runner.run())
    try:
        yield panel
    finally:
        runner.quit()
        async with asyncio.timeout(2):
            await running


def paired_with(gateway: SimulatedGateway, state_dir: Path) -> None:
    TokenStore(state_dir).store(Credential("Bar", Token(gateway.issue_token())))


def in_state(name: str, reason: str | None = None) -> Callable[[View], bool]:
    return lambda view: view.state == name and (reason is None or view.reason == reason)


def count(active: int) -> Callable[[View], bool]:
    return lambda view: view.active == active


async def test_found_by_mdns_and_paired(tmp_path: Path) -> None:
    async with (
        SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK]) as gateway,
        appliance(tmp_path) as box,
    ):
        gateway.restaurant.create_many(3)
        await box.until(in_state("awaiting_pairing"))
        box.press()
        await box.until(in_state("pairing"))
        gateway.press_button()
        view = await box.until(count(3))
        assert (view.gateway, view.address) == (NAME, gateway.address)
        assert box.sounds == [Sound.PAIRED]
        kept = json.loads((tmp_path / "token.json").read_text())
        assert kept["gateway"] == NAME
        assert not (tmp_path / "token.pending.json").exists()


async def test_a_second_press_cancels_and_a_token_that_comes_late_is_kept(
    gateway: SimulatedGateway, tmp_path: Path
) -> None:
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        gateway.silent = True
        box.press()
        await box.until(in_state("pairing"))
        box.press()
        await box.until(in_state("awaiting_pairing"))
        gateway.press_button()
        gateway.silent = False
        await box.until(count(0))
        assert (tmp_path / "token.json").exists()


async def test_a_feed_that_ends_is_opened_again_and_what_was_paged_meanwhile_sounds_once(
    gateway: SimulatedGateway, tmp_path: Path
) -> None:
    paired_with(gateway, tmp_path)
    first, second = gateway.restaurant.create_many(2)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(2))
        gateway.restaurant.page(first.uuid)
        await box.until(lambda view: view.paged == 1)
        await gateway.stop()
        view = await box.until(in_state("offline", "gateway unreachable"))
        assert (view.active, view.paged, view.oldest) == (None, None, None)
        gateway.restaurant.page(second.uuid)
        await gateway.start()
        await box.until(lambda view: view.paged == 2)
        assert box.sounds == [Sound.PAGE, Sound.PAGE]


async def test_deleted_tokens_ask_for_pairing_and_the_old_one_stays_until_there_is_a_new_one(
    gateway: SimulatedGateway, tmp_path: Path
) -> None:
    paired_with(gateway, tmp_path)
    before = (tmp_path / "token.json").read_bytes()
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(0))
        gateway.delete_tokens()
        await box.until(in_state("awaiting_pairing", "token refused"))
        assert (tmp_path / "token.json").read_bytes() == before
        assert box.sounds == [Sound.ERROR]
        box.press()
        gateway.press_button()
        await box.until(count(0))
        assert (tmp_path / "token.json").read_bytes() != before


async def test_a_gateway_that_is_half_booted_has_refused_nothing(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.half_booted = True
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("offline"))
        await asyncio.sleep(0.3)
        assert box.view is not None
        assert box.view.state == "offline"
        gateway.half_booted = False
        await box.until(count(0))


@pytest.mark.parametrize("trouble", ["not-json", "bad-order", "lost"])
async def test_what_can_not_be_used_has_the_whole_set_asked_for_again(
    gateway: SimulatedGateway, tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.core.connected.LOOK_EVERY", 0.2)
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(2)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(2))
        gateway.restaurant.create_many(1)
        gateway.restaurant.drop_next(1)
        gateway.restaurant.create_many(1)
        if trouble == "lost":
            gateway.restaurant.create_many(1)
        else:
            gateway.send_garbage(trouble)
        await box.until(count(5 if trouble == "lost" else 4))
        async with asyncio.timeout(3):
            while gateway.feeds != 1:  # noqa: ASYNC110 - the simulator has no event for it
                await asyncio.sleep(0.02)
        gateway.restaurant.clear_all()
        await box.until(count(0))


async def test_a_gateway_with_one_feed_a_token_is_no_outage(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.core.transitions.REFRESH_AFTER", 0.2)
    paired_with(gateway, tmp_path)
    gateway.one_feed_per_token = True
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(0))
        shown: list[str] = []
        show = box.show

        def noted(view: View, sound: Sound | None) -> None:
            shown.append(view.state)
            show(view, sound)

        monkeypatch.setattr(box, "show", noted)
        await asyncio.sleep(1.0)
        gateway.restaurant.create_many(1)
        await box.until(count(1))
        assert set(shown) == {"connected"}


async def test_a_large_site_is_counted_to_the_last_order(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(20_000)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(20_000), within=30)
        for order in gateway.restaurant.active[:5000]:
            gateway.restaurant.clear(order.uuid)
        await box.until(count(15_000), within=30)


async def test_a_disk_that_takes_nothing_is_said_and_stops_nothing(gateway: SimulatedGateway, tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("a file where the folder should be")
    async with appliance(tmp_path / "no folder", fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        box.press()
        gateway.press_button()
        view = await box.until(count(0))
        assert "Pairing not saved" in view.screen.words
        await gateway.restart(0.1)
        await box.until(in_state("offline"))
        await box.until(count(0))


async def test_a_disk_that_does_not_answer_is_said(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("appliance.effect_handlers.STORE_TIMEOUT", 0.1)
    monkeypatch.setattr(TokenStore, "store_pending", lambda *_: time.sleep(0.5))
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        box.press()
        gateway.press_button()
        await box.until(count(0))
    assert "Can't save the pairing: the disk does not respond" in caplog.text


async def test_a_token_that_the_gateway_repeats_is_not_logged(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that was deleted there may be restored as well."""
    caplog.set_level("INFO")
    paired_with(gateway, tmp_path)
    token = json.loads((tmp_path / "token.json").read_text())["token"]

    async def denies(address: Address) -> Denied:
        return Denied(Denial.REFUSED, f"No more {token}.")

    monkeypatch.setattr("appliance.effect_handlers.ask_for_token", denies)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(0))
        gateway.delete_tokens()
        await box.until(in_state("awaiting_pairing"))
        box.press()
        await box.until(in_state("pairing", "gateway refused"))
    assert "Its message: No more (token)." in caplog.text
    assert token not in caplog.text


async def test_a_damaged_token_is_said_and_kept_aside(gateway: SimulatedGateway, tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text('{"gateway": "Bar", "tok')
    async with appliance(tmp_path, fixed_address=gateway) as box:
        view = await box.until(in_state("awaiting_pairing", "token unreadable"))
        assert "Saved pairing damaged" in view.screen.words
    assert list(tmp_path.glob("token.json.damaged*"))


async def test_a_late_order_sounds_once(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(1, age=1.0)
    async with appliance(tmp_path, fixed_address=gateway, benchmarks=Benchmarks(0.5, 2.4, 60.0)) as box:
        await box.until(lambda view: view.leds.amber == "on")
        await box.until(lambda view: view.leds.red == "on")
        await asyncio.sleep(0.2)
        assert box.sounds == [Sound.LATE]


async def test_a_panel_that_fails_ends_the_process(gateway: SimulatedGateway, tmp_path: Path) -> None:
    class Broken(RecordingPanel):
        def show(self, view: View, sound: Sound | None) -> None:
            if view.state == "awaiting_pairing":
                raise RuntimeError("the panel is broken")

    address = Address(gateway.host, gateway.port)
    effect_handlers = EffectHandlers(lambda tell: FixedGateway(tell, address), TokenStore(tmp_path))
    runner = Runner(begin(Benchmarks(), fixed_address=True), effect_handlers, Broken())
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await runner.run()


async def test_systemd_is_told_of_readiness_and_life_from_the_loop(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        path = tmp_path / "notify"
        notified.bind(str(path))
        notified.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        told: list[str] = []
        # The socket holds no more than ten.
        loop = asyncio.get_running_loop()
        loop.add_reader(notified, lambda: told.append(notified.recv(200).decode()))
        async with appliance(tmp_path / "state", fixed_address=gateway) as box:
            await box.until(in_state("awaiting_pairing"))
            await asyncio.sleep(0.5)
        await until(lambda: told[-1:] == ["STOPPING=1"])
        loop.remove_reader(notified)
    assert told[0] == "READY=1"
    assert told.count("WATCHDOG=1") >= 4, "some may come late"
    assert any(line.startswith("STATUS=awaiting pairing") for line in told)


async def test_a_press_is_shown_at_once_however_lately_something_else_was(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        monkeypatch.setattr("appliance.runner.FRAME_INTERVAL", 60.0)
        box.press()
        assert (await box.until(lambda view: view.pressed)).state == "pairing"
