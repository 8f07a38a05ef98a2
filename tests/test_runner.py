"""The whole appliance with the simulated gateway: real sockets, real mDNS on loopback and a real disk."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from appliance import systemd
from appliance.core import machine
from appliance.core.events import Denial, Event, FeedOpened
from appliance.core.machine import begin
from appliance.core.states import State
from appliance.core.transitions import Step
from appliance.core.values import Address, Benchmarks
from appliance.core.view import Sound, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.api import Denied
from appliance.gateway.fixed_address import FixedGateway
from appliance.runner import MANY_ORDERS, Runner
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore
from tests.clock import until
from tests.disk.obstacles import OBSTACLES
from tests.running_appliance import LOOPBACK, NAME, appliance, count, in_state, paired_with


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Nothing of the appliance may block the loop; the tests themselves may read files."""
    parts = ("runner", "effect_handlers", "gateway", "core", "history", "systemd")
    with blockbuster_ctx([f"appliance.{part}" for part in parts]) as buster:
        yield buster


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway("Bar", LOOPBACK) as gateway:
        yield gateway


async def test_a_gateway_is_found_by_mdns_and_paired(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("obstacle", ["folder with file", "pipe", "link to itself", "device"])
async def test_a_box_pairs_whatever_lies_in_its_state_directory(
    gateway: SimulatedGateway, tmp_path: Path, obstacle: str
) -> None:
    for file in ("token.json", "token.pending.json", "history.sqlite3", "history.sqlite3-journal", "history.lock"):
        for suffix in ("", ".new", ".damaged"):
            try:
                OBSTACLES[obstacle](tmp_path / f"{file}{suffix}")
            except PermissionError:
                pytest.skip("only root can create it")
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        box.press()
        await box.until(in_state("pairing"))
        gateway.press_button()
        await box.until(count(0))
        await until(lambda: TokenStore(tmp_path).load(tidy=False).current is not None)
        assert TokenStore(tmp_path).load(tidy=False).pending is None


async def test_a_second_press_cancels_pairing_but_a_late_token_is_stored(
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


async def test_a_lost_feed_is_reopened_and_a_missed_page_sounds_once(gateway: SimulatedGateway, tmp_path: Path) -> None:
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


async def test_deleted_tokens_start_pairing_and_the_old_token_is_kept_until_then(
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


async def test_a_starting_gateway_does_not_count_as_a_refusal(gateway: SimulatedGateway, tmp_path: Path) -> None:
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
async def test_an_unusable_message_makes_the_box_request_a_full_set(
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


async def test_a_gateway_with_one_feed_per_token_causes_no_outage(
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


async def test_a_large_site_is_counted_correctly(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(20_000)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(20_000), within=30)
        for order in gateway.restaurant.active[:5000]:
            gateway.restaurant.clear(order.uuid)
        await box.until(count(15_000), within=30)


async def test_a_full_disk_is_reported_and_does_not_stop_the_box(gateway: SimulatedGateway, tmp_path: Path) -> None:
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


async def test_a_hanging_disk_is_reported(
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


async def test_a_token_in_a_gateways_message_is_not_logged(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A deleted token may be restored later, so it stays secret."""
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


async def test_a_damaged_token_is_reported_and_put_aside(gateway: SimulatedGateway, tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text('{"gateway": "Bar", "tok')
    async with appliance(tmp_path, fixed_address=gateway) as box:
        view = await box.until(in_state("awaiting_pairing", "token unreadable"))
        assert "Saved pairing damaged" in view.screen.words
    assert list(tmp_path.glob("token.json.damaged*"))


async def test_a_late_order_sounds_once(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(1, age=1.0)
    async with appliance(tmp_path, fixed_address=gateway, benchmarks=Benchmarks(0.5, 4.0, 60.0)) as box:
        await box.until(lambda view: view.leds.amber == "on")
        await box.until(lambda view: view.leds.red == "on")
        await asyncio.sleep(0.2)
        assert box.sounds == [Sound.LATE]


async def test_a_failing_panel_ends_the_process(gateway: SimulatedGateway, tmp_path: Path) -> None:
    class Broken(RecordingPanel):
        def show(self, view: View, sound: Sound | None) -> None:
            if view.state == "awaiting_pairing":
                raise RuntimeError("the panel is broken")

    address = Address(gateway.host, gateway.port)
    effect_handlers = EffectHandlers(lambda tell: FixedGateway(tell, address), TokenStore(tmp_path))
    runner = Runner(begin(Benchmarks(), fixed_address=True), effect_handlers, Broken())
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await runner.run()


async def test_the_loop_notifies_systemd_of_readiness_and_liveness(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        path = tmp_path / "notify"
        notified.bind(str(path))
        notified.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        messages: list[str] = []
        # The socket's queue holds ten messages.
        loop = asyncio.get_running_loop()
        loop.add_reader(notified, lambda: messages.append(notified.recv(200).decode()))
        async with appliance(tmp_path / "state", fixed_address=gateway) as box:
            await box.until(in_state("awaiting_pairing"))
            await asyncio.sleep(0.5)
        await until(lambda: messages[-1:] == ["STOPPING=1"])
        loop.remove_reader(notified)
    assert messages[0] == "READY=1"
    assert messages.count("WATCHDOG=1") >= 4, "some may be late"
    assert any(line.startswith("STATUS=awaiting pairing") for line in messages)


async def test_a_press_is_shown_at_once_after_another_update(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(in_state("awaiting_pairing"))
        monkeypatch.setattr("appliance.runner.FRAME_INTERVAL", 60.0)
        box.press()
        assert (await box.until(lambda view: view.pressed)).state == "pairing"


async def test_the_loop_runs_and_quits_while_many_orders_are_processed(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core is held up on its thread: on the loop's own, nothing would go on, and the test would fail."""
    begun, go_on, beats, ended = threading.Event(), threading.Event(), list[bool](), list[bool]()
    real = machine.step

    def step(state: State, event: Event, now: float) -> Step:
        if isinstance(event, FeedOpened):
            begun.set()
            ended.append(go_on.wait(10))
        return real(state, event, now)

    monkeypatch.setattr(machine, "step", step)
    monkeypatch.setattr(systemd, "watchdog", lambda: beats.append(begun.is_set()))
    monkeypatch.setattr(systemd, "watchdog_interval", lambda: 0.05)
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(MANY_ORDERS + 1)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await until(lambda: beats.count(True) >= 3)
        assert box.view is not None
        assert box.view.active is None
    # The appliance has quit meanwhile.
    assert ended == []
    go_on.set()


async def test_many_orders_are_counted_and_paged(gateway: SimulatedGateway, tmp_path: Path) -> None:
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(MANY_ORDERS + 1)
    async with appliance(tmp_path, fixed_address=gateway) as box:
        await box.until(count(MANY_ORDERS + 1))
        gateway.restaurant.page(gateway.restaurant.create().uuid)
        await box.until(lambda view: view.active == MANY_ORDERS + 2 and view.paged == 1)
        assert box.sounds == [Sound.PAGE]
        assert gc.isenabled()
