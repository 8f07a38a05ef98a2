"""The doctor's checks of network, mDNS and gateway, over real sockets and real mDNS on the loopback interface."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from appliance.core.values import Address, Interfaces
from appliance.doctor import network
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, State
from appliance.doctor.network import check_gateway, check_network, check_sight
from appliance.gateway.discovery import Discovery
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork
from appliance.simulator.gateway import SimulatedGateway
from tests.doctor.fakes import Box, tried
from tests.gateway.conftest import http, respond_with, serving

LOOPBACK = "127.0.0.1"
NAME = f"Bar {os.getpid()}"
"""The process id tells it from gateways that other tests announce on the loopback interface."""
NO_SUCH_NETWORK = "tt-none0"


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway(NAME, LOOPBACK, advertise_on=(LOOPBACK,)) as gateway:
        yield gateway


@pytest.fixture
def nobody() -> Iterator[Address]:
    """An address that refuses connections."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        yield Address(LOOPBACK, taken.getsockname()[1])


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


async def sight(context: CheckContext) -> Finding:
    return await tried(context, check_network, check_sight)


async def hailed(context: CheckContext) -> Finding:
    return await tried(context, check_network, check_sight, check_gateway)


async def test_the_boxs_own_address(box: Box) -> None:
    context, _ = box.context()
    assert await tried(context, check_network) == Finding(State.OK, "this box has 127.0.0.1")


async def test_no_network(box: Box) -> None:
    box.change(interfaces=(NO_SUCH_NETWORK,))
    context, _ = box.context()
    finding = await tried(context, check_network)
    assert finding.state is State.WRONG
    assert finding.words == "this box has no interface tt-none0, which the settings name (network.interfaces)"
    assert "correct network.interfaces" in finding.advice[0]
    for check in (check_sight, check_gateway):
        context, _ = box.context()
        assert await tried(context, check_network, check) == Finding(State.NOT_TRIED, "not tried: there is no network")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ((), "a cable is plugged in or a Wi-Fi joined, but this box has no IP address"),
        (("fe80::1",), "this box has fe80::1, self-assigned: this network has no DHCP server"),
        (("2001:db8::1", "fe80::1"), "this box has 2001:db8::1, fe80::1"),
        (("169.254.7.1",), "this box has 169.254.7.1, self-assigned: this network has no DHCP server"),
        (("192.0.2.7", "169.254.7.1"), "this box has 192.0.2.7, 169.254.7.1"),
    ],
)
async def test_addresses_with_and_without_dhcp(
    box: Box, monkeypatch: pytest.MonkeyPatch, own: tuple[str, ...], words: str
) -> None:
    addresses = tuple(OwnAddress(one, 24) for one in own)
    monkeypatch.setattr(network, "own_network", lambda _: OwnNetwork(addresses, Interfaces(plugged=not own)))
    box.change(interfaces=())
    context, _ = box.context()
    finding = await tried(context, check_network)
    assert finding.state is (State.OK if own else State.WRONG)
    assert finding.words == words


@pytest.mark.parametrize("names", [(), ("lo",)])
async def test_a_box_without_a_cable(box: Box, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    monkeypatch.setattr(network, "own_network", lambda _: OwnNetwork((), Interfaces(plugged=False)))
    box.change(interfaces=names)
    context, _ = box.context()
    finding = await tried(context, check_network)
    only = " on lo, as the settings allow no other interface (network.interfaces)" if names else ""
    assert finding.words == f"this box has no IP address{only}"
    assert any("Cable" in way for way in finding.advice)
    assert any("Wi-Fi" in way for way in finding.advice)


async def test_an_announced_gateway_is_found(box: Box, gateway: SimulatedGateway) -> None:
    box.change(name=NAME)
    context, person = box.context()
    assert await sight(context) == Finding(State.OK, f"found: {NAME} ({gateway.address})")
    assert person.said == "  searching for gateways (up to 3 seconds)\n"


async def test_the_search_waits_for_the_paired_gateway(box: Box) -> None:
    paired, other = f"{NAME} paired", f"{NAME} other"
    box.limits = replace(box.limits, sight=4.0, others=0.0)
    await asyncio.to_thread(box.pair, paired, "secret")
    context, _ = box.context()
    async with SimulatedGateway(other, LOOPBACK, advertise_on=(LOOPBACK,)):
        looking = asyncio.create_task(sight(context))
        async with asyncio.timeout(3):
            while other not in context.found:  # noqa: ASYNC110 - a dict has no event
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # several polls of the doctor
        assert not looking.done()
        async with SimulatedGateway(paired, LOOPBACK, advertise_on=(LOOPBACK,)):
            finding = await looking
    assert finding.state is State.OK
    assert f"{paired} (" in finding.words
    assert f"{other} (" in finding.words


async def test_no_gateway_announces_itself(box: Box) -> None:
    name = f"{NAME} nobody's"
    box.limits = replace(box.limits, sight=0.2)
    box.change(name=name)
    context, _ = box.context()
    finding = await sight(context)
    assert finding.state is State.WRONG
    assert finding.words == (
        f"the gateway {name}, the only one allowed in the settings (gateway.name), does not announce itself on this "
        "network"
    )
    assert "switched on" in finding.advice[0]
    assert "gateway.address" in finding.advice[-1]


async def test_a_failed_search_is_reported_once(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(_: object) -> None:
        raise RuntimeError("out of sockets")

    async def fails(context: CheckContext) -> Finding:
        with pytest.raises(RuntimeError, match="out of sockets"):
            await check_sight(context)
        return Finding(State.WRONG, "failed")

    monkeypatch.setattr(Discovery, "run", break_down)
    context, _ = box.context()
    assert (await tried(context, check_network, fails)).words == "failed"


async def test_an_mdns_error_is_reported(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr("appliance.gateway.mdns.AsyncZeroconf", taken)
    box.limits = replace(box.limits, sight=0.2)
    box.change(name=f"{NAME} nobody's")
    context, _ = box.context()
    finding = await sight(context)
    assert finding.state is State.WRONG
    assert finding.words == ("can't search for gateways: mDNS can't start ([Errno 98] Address already in use)")


async def test_an_address_from_the_settings_needs_no_search(box: Box, gateway: SimulatedGateway) -> None:
    box.change(address=at(gateway))
    context, person = box.context()
    assert await sight(context) == Finding(
        State.OK, f"at the address in the settings (gateway.address): {gateway.address}"
    )
    assert person.said == "", "no search is announced"


async def test_an_unknown_host_name_from_the_settings(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    box.limits = replace(box.limits, sight=0.1)
    box.change(address=Address("gatewey.example", 8000))
    context, _ = box.context()
    finding = await sight(context)
    assert finding.state is State.WRONG
    assert finding.words == "can't resolve gatewey.example"
    assert "gateway.address" in finding.advice[0]


async def test_a_responding_gateway(box: Box, gateway: SimulatedGateway) -> None:
    box.change(name=NAME)
    context, _ = box.context()
    assert await hailed(context) == Finding(State.OK, f"{NAME} responds")


async def test_a_silent_gateway(box: Box, gateway: SimulatedGateway) -> None:
    gateway.silent = True
    box.change(name=NAME)
    context, _ = box.context()
    finding = await hailed(context)
    assert finding.state is State.WRONG
    assert finding.words == f"{NAME} does not respond"
    assert finding.advice[0] == "Restart the gateway: unplug it for ten seconds, and wait some minutes."
    assert "firewall" in finding.advice[1]


async def test_a_closed_port(box: Box, nobody: Address) -> None:
    box.change(address=nobody)
    context, _ = box.context()
    finding = await hailed(context)
    assert finding.state is State.WRONG
    assert finding.words == f"{nobody} does not respond"
    assert not any("gateway.address" in way for way in finding.advice)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_another_device_at_the_address_from_the_settings(box: Box, status: str) -> None:
    page = respond_with(http(status, b"<html><h1>Printer</h1></html>", "Content-Type: text/html"))
    async with serving(page) as printer:
        box.change(address=printer.address)
        context, _ = box.context()
        finding = await hailed(context)
    assert finding.state is State.WRONG
    where = printer.address
    assert finding.words == f"{where} responds at {where}, but not like a gateway (HTTP {status[:3]})"
    assert "gateway.address" in finding.advice[0]
    assert not any("firewall" in way for way in finding.advice), "the request got through"


async def test_a_gateway_that_wants_the_token_for_every_call(box: Box) -> None:
    refusal = b'{"status": 401, "returnCode": -2, "message": "Invalid token."}'
    async with serving(respond_with(http("401 Unauthorized", refusal, "Content-Type: application/json"))) as gateway:
        box.change(address=gateway.address)
        context, _ = box.context()
        finding = await hailed(context)
    assert finding.state is State.OK


async def test_only_the_paired_one_of_several_gateways_is_asked(box: Box) -> None:
    paired, other = f"{NAME} paired", f"{NAME} other"
    await asyncio.to_thread(box.pair, paired, "secret")

    async def both(context: CheckContext) -> Finding:
        async with asyncio.timeout(3):
            while not {paired, other} <= set(context.found):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        return Finding(State.OK, "")

    async with (
        SimulatedGateway(other, LOOPBACK, advertise_on=(LOOPBACK,)) as silent,
        SimulatedGateway(paired, LOOPBACK, advertise_on=(LOOPBACK,)),
    ):
        silent.silent = True
        context, _ = box.context()
        finding = await tried(context, check_network, check_sight, both, check_gateway)
    assert finding == Finding(State.OK, f"{paired} responds")


async def test_without_a_gateway_none_is_asked(box: Box) -> None:
    box.limits = replace(box.limits, sight=0.05)
    box.change(name=f"{NAME} nobody's")
    context, _ = box.context()
    assert await hailed(context) == Finding(State.NOT_TRIED, "not tried: no gateway found")
