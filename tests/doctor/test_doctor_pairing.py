"""The doctor's token check: the file, the gateway's verdict, and that no other gateway gets the token."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.core.values import Address
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, State
from appliance.doctor.network import check_gateway, check_network, check_pairing, check_sight
from appliance.gateway import discovery
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import CURRENT
from tests.doctor.fakes import Box, tried
from tests.gateway.conftest import http, respond_with, serving
from tests.gateway.mdns_peers import responding

LOOPBACK = "127.0.0.1"
NAME = f"Grill {os.getpid()}"
"""The process id tells it from gateways that other tests announce on the loopback interface."""
SECRET = "5c1c7a0d9f1e4b57a1f1f2a3b4c5d6e7"
NOBODY = 65534
SUDO = "Run as root: sudo tt-appliance doctor"


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


async def pair(box: Box, token: str, name: str = NAME) -> None:
    await asyncio.to_thread(box.pair, name, token)


async def paired(context: CheckContext) -> Finding:
    return await tried(context, check_network, check_sight, check_gateway, check_pairing)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that every user may read, unlike pytest's own."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def without_rights() -> Iterator[None]:
    """Run as an unprivileged user, because file permissions do not apply to root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("there", [False, True])
async def test_an_unpaired_box(box: Box, there: bool) -> None:
    if there:
        await asyncio.to_thread(box.state.mkdir)
    context, _ = box.context()
    finding = await tried(context, check_pairing)
    assert finding.state is State.NOT_TRIED
    assert finding.words.startswith("not paired yet: press the button of the box")


async def test_a_damaged_pairing(box: Box) -> None:
    await pair(box, SECRET)
    file = box.state / CURRENT
    await asyncio.to_thread(file.write_bytes, b'{"gateway": "Grill", "token": "5c1c7a\x00')
    context, _ = box.context()
    finding = await tried(context, check_pairing)
    assert finding.state is State.WRONG
    assert finding.words == "the saved pairing is damaged"
    assert finding.advice[0].startswith("Pair again: press the button")
    left = await asyncio.to_thread(lambda: [one.name for one in box.state.iterdir()])
    assert left == [CURRENT], "only the appliance renames it"
    assert "5c1c7a" not in str(finding)


async def test_a_state_directory_without_permission(box: Box) -> None:
    await pair(box, SECRET)
    await asyncio.to_thread(box.state.chmod, 0)
    context, _ = box.context()
    with without_rights():
        finding = await tried(context, check_pairing)
    assert finding == Finding(State.WRONG, f"can't read the saved pairing in {box.state}: Permission denied", (SUDO,))


async def test_a_token_without_permission_does_not_count_as_damaged(box: Box, open_to_all: Path) -> None:
    box.state = open_to_all
    box.config = replace(box.config, state_dir=open_to_all)
    await pair(box, SECRET)
    await asyncio.to_thread((open_to_all / CURRENT).chmod, 0)
    context, _ = box.context()
    with without_rights():
        finding = await tried(context, check_pairing)
    assert finding.words.endswith("Permission denied")
    assert finding.advice == (SUDO,)


async def test_a_state_directory_that_is_a_file(box: Box) -> None:
    await asyncio.to_thread(box.state.write_text, "")
    context, _ = box.context()
    finding = await tried(context, check_pairing)
    assert finding.state is State.WRONG
    assert finding.words.endswith("Not a directory")
    assert "state_dir" in finding.advice[0]


async def test_an_accepted_token(box: Box) -> None:
    async with SimulatedGateway(NAME, LOOPBACK) as gateway:
        await pair(box, gateway.issue_token())
        box.change(address=at(gateway), name=NAME)
        context, _ = box.context()
        assert await paired(context) == Finding(State.OK, f"paired with {NAME}, which accepts the token")


async def test_a_deleted_token(box: Box) -> None:
    async with SimulatedGateway(NAME, LOOPBACK) as gateway:
        await pair(box, gateway.issue_token())
        gateway.delete_tokens()
        box.change(address=at(gateway), name=NAME)
        context, _ = box.context()
        finding = await paired(context)
    assert finding.state is State.WRONG
    assert finding.words.startswith(f"{NAME} rejected this box's token: it was deleted there")
    assert finding.advice[0].startswith("Pair again: press the button")


async def test_an_unclear_answer_to_the_token(box: Box) -> None:
    async with SimulatedGateway(NAME, LOOPBACK) as gateway:
        await pair(box, gateway.issue_token())
        gateway.half_booted = True
        box.change(address=at(gateway), name=NAME)
        context, _ = box.context()
        finding = await paired(context)
    assert finding.state is State.WRONG
    assert "neither accepts nor rejects the token" in finding.words
    assert "still be starting" in finding.advice[0]


async def test_a_silent_gateway_is_not_sent_the_token(box: Box) -> None:
    await pair(box, SECRET)
    async with serving(respond_with(http("502 Bad Gateway", b"<html>"))) as broken:
        box.change(address=broken.address, name=NAME)
        context, _ = box.context()
        finding = await paired(context)
    assert finding == Finding(State.NOT_TRIED, f"paired with {NAME}; not tried: it does not respond")
    assert [head.split(b"\r\n")[0] for head in broken.seen] == [b"GET /api/v2 HTTP/1.1"]
    assert SECRET.encode() not in b"".join(broken.seen)


async def test_a_gateway_of_another_name_never_gets_the_token(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "RESOLVE_TIMEOUT", 0.3)
    other = f"{NAME} other"
    await pair(box, SECRET)
    box.limits = replace(box.limits, sight=1.0)
    answer = respond_with(http("200 OK", b'{"status": 200, "returnCode": 1}', "Content-Type: application/json"))
    async with serving(answer) as stranger, responding() as responder:
        await responder.announce(other, LOOPBACK, port=stranger.address.port)
        context, _ = box.context()
        finding = await paired(context)
        assert other in context.found
    assert finding.state is State.WRONG
    assert finding.words == f"paired with {NAME}, which was not found"
    assert finding.advice[0].startswith(f"Is {NAME} switched on")
    assert "hold the button of the box for 5 s" in finding.advice[1]
    assert stranger.seen, "the check whether it responds"
    assert SECRET.encode() not in b"".join(stranger.seen)
    assert b"authorization" not in b"".join(stranger.seen).lower()


@pytest.mark.parametrize("name", [None, f"{NAME} other"], ids=["nameless", "named"])
async def test_another_gateway_in_the_settings_never_gets_the_token(box: Box, name: str | None) -> None:
    await pair(box, SECRET)
    answer = respond_with(http("200 OK", b'{"status": 200, "returnCode": 1}', "Content-Type: application/json"))
    async with serving(answer) as stranger:
        box.change(address=stranger.address, name=name)
        box.limits = replace(box.limits, sight=30.0)
        context, _ = box.context()
        async with asyncio.timeout(5):
            # The doctor does not wait for the paired gateway, which the settings exclude.
            finding = await paired(context)
    assert finding.state is State.WRONG
    assert finding.words == f"paired with {NAME}, but the settings allow only {name or stranger.address}"
    assert stranger.seen
    assert SECRET.encode() not in b"".join(stranger.seen)


async def test_the_settings_allow_only_another_gateway(box: Box) -> None:
    await pair(box, SECRET)
    box.limits = replace(box.limits, sight=0.05)
    box.change(name=f"{NAME} other")
    context, _ = box.context()
    finding = await paired(context)
    assert finding.state is State.WRONG
    assert finding.words == f"paired with {NAME}, but the settings allow only {NAME} other"


async def test_a_paired_box_without_a_gateway_or_a_network(box: Box) -> None:
    await pair(box, SECRET)
    box.limits = replace(box.limits, sight=0.05)
    box.change(name=NAME)
    context, _ = box.context()
    assert await paired(context) == Finding(State.NOT_TRIED, f"paired with {NAME}; not tried: not found")
    context, _ = box.context()
    assert await tried(context, check_pairing) == Finding(
        State.NOT_TRIED, f"paired with {NAME}; not tried: there is no network"
    )
