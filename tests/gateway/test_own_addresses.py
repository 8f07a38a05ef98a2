"""This box's own addresses, and how discovery follows their changes."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import ifaddr
import pytest

from appliance.core.events import GatewayFound, GatewayLost, NetworkChanged
from appliance.core.heartbeat import BEAT
from appliance.core.values import Address
from appliance.gateway import network_watch as module
from appliance.gateway import own_addresses
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork, own_network
from tests.clock import VirtualTimeLoop

from .mdns_peers import EventRecorder, responding

HERE = OwnAddress("127.0.0.1", 8)


def test_loopback_addresses_are_returned_only_for_named_interfaces() -> None:
    index = socket.if_nametoindex("lo")
    assert own_network(("lo",)).addresses == (OwnAddress("127.0.0.1", 8, "lo", index),)
    assert "127.0.0.1" not in own_network().texts
    for missing in (("nonexistent",), ("x" * 40, "ä", "")):
        network = own_network(missing)
        assert network.addresses == ()
        assert (network.interfaces.missing, network.interfaces.plugged) == (missing, False)
        assert "lo" not in network.interfaces.present


IPV4, IPV6 = "192.0.2.9", "2001:db8::1"
SELF4, SELF6 = "169.254.3.4", "fe80::1"


@pytest.mark.parametrize(
    ("all_of_them", "used"),
    [
        ([SELF4, SELF6, IPV4, "10.0.0.1", IPV6], ["10.0.0.1", IPV4, SELF4]),
        ([SELF4, SELF6, IPV6], [IPV6, SELF4, SELF6]),
        ([SELF6, SELF4], [SELF4, SELF6]),
        ([SELF6, IPV6], [IPV6, SELF6]),
        ([SELF6], [SELF6]),
    ],
)
def test_assigned_addresses_come_first_and_ipv6_serves_where_ipv4_is_not_assigned(
    all_of_them: list[str], used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ips = [ifaddr.IP((one, 0, 1) if ":" in one else one, 64 if ":" in one else 24, "lo") for one in all_of_them]
    monkeypatch.setattr(own_addresses, "_can_be_bound", lambda own: True)
    monkeypatch.setattr(ifaddr, "get_adapters", lambda include_unconfigured: [ifaddr.Adapter("lo", "lo", ips)])
    assert list(own_network(("lo",)).texts) == used


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> list[OwnAddress]:
    """This box's own addresses, set by the test."""
    own: list[OwnAddress] = []
    monkeypatch.setattr(module, "own_network", lambda _: OwnNetwork(tuple(own)))
    monkeypatch.setattr(module, "NETWORK_POLL_INTERVAL", 0.02)
    return own


async def test_discovery_follows_changes_of_the_network(own: list[OwnAddress]) -> None:
    name = f"T{uuid4().hex[:10]}"
    recorder = EventRecorder(name)
    async with responding() as responder:
        await responder.announce(name, "127.0.0.2")
        task = asyncio.create_task(Discovery(recorder).run())
        await asyncio.sleep(0.1)
        assert recorder.other_events == [NetworkChanged(())]
        assert recorder.events == []
        own.append(HERE)
        await recorder.wait_found(name, "127.0.0.2")
        own[:] = [OwnAddress("127.0.0.9", 8)]
        await recorder.wait_until(lambda: recorder.events[1:2] == [GatewayLost(name)])
        await recorder.wait_until(lambda: len(recorder.other_events) == 3)
        own[:] = [HERE]
        await recorder.wait_until(lambda: len(recorder.other_events) == 4)
        await recorder.wait_found(name, "127.0.0.2")
        own.clear()
        await recorder.wait_until(lambda: recorder.last == GatewayLost(name))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    networks = [(), ("127.0.0.1",), ("127.0.0.9",), ("127.0.0.1",), ()]
    assert recorder.other_events == [NetworkChanged(addresses) for addresses in networks]
    assert all(isinstance(event, GatewayFound | GatewayLost) for event in recorder.events)


@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")  # zeroconf's own, when it can't start
async def test_a_failed_mdns_start_is_retried(own: list[OwnAddress], caplog: pytest.LogCaptureFixture) -> None:
    """A socket can't be bound to an address that the box no longer has."""
    caplog.set_level(logging.INFO)
    name = f"T{uuid4().hex[:10]}"
    recorder = EventRecorder(name)
    own.append(OwnAddress("192.0.2.77", 24))
    task = asyncio.create_task(Discovery(recorder).run())
    await asyncio.sleep(0.2)
    assert not task.done()
    assert recorder.other_events == [NetworkChanged(("192.0.2.77",))], "retries of mDNS must not report network changes"
    assert sum("mDNS can't start" in record.getMessage() for record in caplog.records) == 1
    async with responding() as responder:
        await responder.announce(name, "127.0.0.2")
        own[:] = [HERE]
        await recorder.wait_found(name, "127.0.0.2")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class CountingLoop(VirtualTimeLoop):
    """A loop that counts its sleeps until a timer."""

    slept = 0

    def _jump(self, seconds: float) -> None:
        self.slept += 1
        super()._jump(seconds)


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_polling_the_network_adds_no_wakeups_to_the_heartbeats(late: float) -> None:
    async def heart(loop: CountingLoop) -> None:
        while True:  # noqa: ASYNC110 - an endless heartbeat
            await asyncio.sleep(BEAT - loop.time() % BEAT)

    async def minute() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
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

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        # Unaligned timers would wake the box twice as often; the lookup adds some wake-ups.
        assert runner.run(minute()) < 1.5 * 60 / BEAT


def output_in_network_namespace(module: str) -> list[str]:
    """The lines that a child module prints, run in its own network namespace."""
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
def test_a_link_local_address_with_a_scope_works() -> None:
    assert output_in_network_namespace("link_local_child") == ["asked", "checked", "opened"]


@pytest.mark.netns
def test_discovery_follows_an_interface_that_appears_and_loses_its_carrier() -> None:
    """In a network namespace, on a cable whose other end is unplugged."""
    assert output_in_network_namespace("cable_child") == [
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
