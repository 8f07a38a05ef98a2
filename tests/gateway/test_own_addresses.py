"""This box's own addresses, and a discovery that follows them: none at start, some later, others after that."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from appliance.core.events import GatewayFound, GatewayLost, NetworkChanged
from appliance.core.heartbeat import BEAT
from appliance.core.values import Address
from appliance.gateway import discovery as module
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.own_addresses import OwnAddress, own_addresses
from tests.clock import VirtualTimeLoop

from .mdns_peers import EventRecorder, responding

HERE = OwnAddress("127.0.0.1", 8)


def test_loopback_counts_where_it_is_named_and_else_not() -> None:
    assert own_addresses(("lo",))[0] == HERE
    assert HERE not in own_addresses()
    assert own_addresses(("nonexistent",)) == ()
    assert own_addresses(("x" * 40, "ä", "")) == ()


def test_link_local_addresses_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    import ifaddr

    def ip(address: str | tuple[str, int, int], prefix: int) -> ifaddr.IP:
        return ifaddr.IP(address, prefix, "lo")

    ips = [ip("169.254.3.4", 16), ip(("fe80::1", 0, 1), 64), ip("192.0.2.9", 24), ip("10.0.0.1", 8)]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [ifaddr.Adapter("lo", "lo", ips)])
    assert own_addresses(("lo",)) == (
        OwnAddress("10.0.0.1", 8),
        OwnAddress("192.0.2.9", 24),
        OwnAddress("169.254.3.4", 16),
    )


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> list[OwnAddress]:
    """This box's own addresses, as the test wants them."""
    own: list[OwnAddress] = []
    monkeypatch.setattr(module, "own_addresses", lambda _: tuple(own))
    monkeypatch.setattr(module, "NETWORK_POLL_INTERVAL", 0.02)
    return own


async def test_a_network_that_comes_changes_and_goes(own: list[OwnAddress]) -> None:
    name = f"T{uuid4().hex[:10]}"
    recorder = EventRecorder(name)
    async with responding() as responder:
        await responder.announce(name, "127.0.0.2")
        task = asyncio.create_task(Discovery(recorder).run())
        await asyncio.sleep(0.1)
        assert recorder.others == [NetworkChanged(())]
        assert recorder.events == []
        own.append(HERE)
        await recorder.found(name, "127.0.0.2")
        own[:] = [OwnAddress("127.0.0.9", 8)]
        await recorder.until(lambda: recorder.events[1:2] == [GatewayLost(name)])
        await recorder.until(lambda: len(recorder.others) == 3)
        own[:] = [HERE]
        await recorder.until(lambda: len(recorder.others) == 4)
        await recorder.found(name, "127.0.0.2")
        own.clear()
        await recorder.until(lambda: recorder.last == GatewayLost(name))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    networks = [(), ("127.0.0.1",), ("127.0.0.9",), ("127.0.0.1",), ()]
    assert recorder.others == [NetworkChanged(addresses) for addresses in networks]
    assert all(isinstance(event, GatewayFound | GatewayLost) for event in recorder.events)


@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")  # zeroconf's own, when it can't start
async def test_mdns_that_cannot_start_is_tried_again(own: list[OwnAddress], caplog: pytest.LogCaptureFixture) -> None:
    """An address that is not ours (any more) can't be bound to."""
    caplog.set_level(logging.INFO)
    name = f"T{uuid4().hex[:10]}"
    recorder = EventRecorder(name)
    own.append(OwnAddress("192.0.2.77", 24))
    task = asyncio.create_task(Discovery(recorder).run())
    await asyncio.sleep(0.2)
    assert not task.done()
    assert recorder.others == [NetworkChanged(("192.0.2.77",))], (
        "the network did not change, although mDNS is tried again"
    )
    assert sum("mDNS can't start" in record.getMessage() for record in caplog.records) == 1
    async with responding() as responder:
        await responder.announce(name, "127.0.0.2")
        own[:] = [HERE]
        await recorder.found(name, "127.0.0.2")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class SleepyLoop(VirtualTimeLoop):
    """A loop that counts how often it slept until a timer."""

    slept = 0

    def _jump(self, seconds: float) -> None:
        self.slept += 1
        super()._jump(seconds)


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_looking_at_the_network_wakes_the_box_no_more_often_than_its_heart_beats(late: float) -> None:
    async def heart(loop: SleepyLoop) -> None:
        while True:  # noqa: ASYNC110 - it beats for ever
            await asyncio.sleep(BEAT - loop.time() % BEAT)

    async def minute() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SleepyLoop)
        await asyncio.sleep(late)
        tasks = (
            asyncio.create_task(heart(loop)),
            asyncio.create_task(FixedGateway(EventRecorder("Bar"), Address("::1", 8)).run()),
        )
        before = loop.slept
        await asyncio.sleep(60)
        for task in tasks:
            task.cancel()
        return loop.slept - before

    with asyncio.Runner(loop_factory=SleepyLoop) as runner:
        # Each for itself would be twice as often; looking the address up takes some.
        assert runner.run(minute()) < 1.5 * 60 / BEAT


def said_apart(module: str) -> list[str]:
    """The lines that one of these tests' modules prints, run in a network namespace of its own."""
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", f"tests.gateway.{module}"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.netns
def test_a_gateway_at_a_link_local_address_with_its_scope() -> None:
    assert said_apart("link_local_child") == ["asked", "checked", "opened"]


@pytest.mark.netns
def test_an_interface_that_appears_loses_its_carrier_and_comes_back() -> None:
    """In a network namespace of its own, on a cable whose other end is pulled."""
    assert said_apart("cable_child") == [
        "network ()",
        "network ('192.0.2.7',)",
        "found 192.0.2.7",
        "network ()",
        "lost",
        "network ('192.0.2.7',)",
        "found 192.0.2.7",
        "network ('198.51.100.7',)",
        "found 198.51.100.7",
    ]
