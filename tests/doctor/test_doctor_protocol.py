"""`doctor --protocol` on both of our gateways: what it says of each as it is, and of each planted difference."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.config import Config, GatewayConfig, NetworkConfig
from appliance.core.values import Address, Credential, Token
from appliance.doctor.context import CheckContext
from appliance.doctor.protocol import examine_protocol
from appliance.doctor.protocol_facts import FACTS, Verdict
from appliance.doctor.protocol_questions import Timeouts
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.restaurant import Ending
from appliance.store import TokenStore
from tests.blackbox.other_gateway import Gateway
from tests.doctor.fakes import Answer, Person
from tests.recording.conftest import SECRET, other_gateway

NAME = "Grill"
QUICK = Timeouts(reply=5.0, answer=2.0, settle=0.3, listen=5.0, poll=0.05)
SHORT = replace(QUICK, listen=0.1)
CLEARING = "Clear the newest one"
Change = Callable[[Any], object]


async def examined(
    folder: Path,
    port: int | None,
    token: str | None,
    *,
    name: str = NAME,
    answers: dict[str, Answer] | None = None,
    timeouts: Timeouts = QUICK,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> tuple[dict[str, str], str, int]:
    """The verdict on each fact, all that was printed, and the exit code.

    port: None to find the gateway by mDNS. meanwhile: runs once feeds are open.
    """
    if token is not None:
        credential = Credential(name, Token(token))
        await asyncio.to_thread(lambda: TokenStore(folder / "state").store(credential))
    config = Config(
        gateway=GatewayConfig(None if port is None else Address("127.0.0.1", port), name if port else None),
        network=NetworkConfig(("lo",)),
        state_dir=folder / "state",
    )
    person = Person(answers)
    context = CheckContext(config, person.console())

    async def live() -> None:
        while "Listening" not in person.said:  # noqa: ASYNC110 - a person has no event
            await asyncio.sleep(0.01)
        if meanwhile is not None:
            await meanwhile()

    try:
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(live())
            code = await examine_protocol(context, chosen=True, timeouts=timeouts)
            living.cancel()
    finally:
        context.console.close()
        person.leave()
    assert token is None or token not in person.said
    verdicts = {}
    for line in person.said.splitlines():
        for verdict in Verdict:
            if line.startswith(verdict.value) and ":" in line:
                verdicts[line[len(verdict.value) :].partition(":")[0].strip()] = verdict.value
    return verdicts, " ".join(person.said.split()), code


def of(verdicts: dict[str, str], verdict: Verdict) -> set[str]:
    return {name for name, one in verdicts.items() if one == verdict.value}


def lunch(gateway: Gateway) -> Callable[[], Awaitable[None]]:
    """Two orders come, and one is cleared."""

    async def eat() -> None:
        gateway.do_start(name="7")
        (uuid,) = gateway.do_start(name="8")["uuids"]
        gateway.clear(uuid)

    return eat


async def test_the_other_gateway_as_it_is(tmp_path: Path) -> None:
    async with other_gateway() as gateway:
        gateway.do_start(count=2)
        gateway.do_past(add=300)
        verdicts, said, code = await examined(tmp_path, gateway.port, SECRET, meanwhile=lunch(gateway))
    assert code == 0, said
    assert set(verdicts) == set(FACTS)
    assert of(verdicts, Verdict.NOT_SEEN) == {"identity", "move", "empty set"}, said
    assert "HTTP 403, returnCode -2" in said
    assert "7 held, 0 differs, 3 not seen." in said


async def test_the_simulator_as_it_is(tmp_path: Path) -> None:
    async with SimulatedGateway(NAME) as gateway:

        async def eat() -> None:
            for _ in range(2):
                gateway.restaurant.clear(gateway.restaurant.create("7").uuid)

        verdicts, said, code = await examined(tmp_path, gateway.port, gateway.issue_token(), meanwhile=eat)
    assert code == 0, said
    assert of(verdicts, Verdict.NOT_SEEN) == {"identity", "move", "whole set", "re-use"}, said
    assert "HTTP 401, returnCode -2" in said
    assert '{"type": "ACTIVE_ORDERS", "count": 0, "items": []}' in said


PLANTED: dict[str, tuple[Change, str]] = {
    "invalid token": (lambda gateway: gateway.do_behave(invalid_status=404), "HTTP 404, returnCode -2"),
    "seq": (lambda gateway: gateway.do_behave(seq_step=2), "90 came after 88"),
    "whole set": (lambda gateway: gateway.do_behave(lists_most=1), "1 listed, count 3; 2 that GET activeorders has"),
    "second feed": (
        lambda gateway: gateway.do_behave(feeds_most=1),
        "was not let in, or ended at once: closed with 1013",
    ),
    "second feed ": (lambda gateway: gateway.do_behave(single=True), "the first feed ended when the second was opened"),
    "removal": (
        lambda gateway: gateway.do_behave(clears_with={"type": "ORDER_REMOVED"}),
        'an order ended after {"type": "ORDER_REMOVED"',
    ),
    "removal ": (
        lambda gateway: gateway.do_behave(clears_with={"type": "ORDER_MODIFIED", "state": "CLEARED"}),
        'an order ended after {"type": "ORDER_MODIFIED"',
    ),
    "removal  ": (lambda gateway: gateway.do_behave(clears_with=None), "an order ended, and no message told so"),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_planted_difference_is_found_and_no_other(planted: str, tmp_path: Path) -> None:
    change, words = PLANTED[planted]
    async with other_gateway() as gateway:
        gateway.do_start(count=3)
        change(gateway)
        verdicts, said, code = await examined(tmp_path, gateway.port, SECRET, meanwhile=lunch(gateway))
    assert of(verdicts, Verdict.DIFFERS) == {planted.strip()}, said
    assert words in said
    assert code == 1


@pytest.mark.parametrize("fields", [{"items": None}, {"count": 0}, {"items": []}, {"count": "0", "items": []}, {}])
async def test_another_empty_set_is_found(
    fields: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The appliance can't read one that has neither, and waits for a better one.
    monkeypatch.setattr("appliance.gateway.feed.FIRST_MESSAGE_TIMEOUT", 0.3)
    monkeypatch.setattr("appliance.gateway.feed.UNUSABLE_PATIENCE", 0.3)
    async with other_gateway() as gateway:
        gateway.do_behave(empty_set=fields)
        verdicts, said, code = await examined(tmp_path, gateway.port, SECRET, timeouts=SHORT)
    assert of(verdicts, Verdict.DIFFERS) == {"empty set"}, said
    assert json.dumps({"type": "ACTIVE_ORDERS", **fields}) in said
    assert code == 1


@pytest.mark.parametrize("ending", [one for one in Ending if one is not Ending.MODIFIED])
async def test_each_other_ending_of_the_simulator_is_found(ending: Ending, tmp_path: Path) -> None:
    async with SimulatedGateway(NAME) as gateway:
        gateway.restaurant.ending = ending

        async def eat() -> None:
            gateway.restaurant.create("7")
            gateway.restaurant.clear(gateway.restaurant.create("8").uuid)

        verdicts, said, _ = await examined(tmp_path, gateway.port, gateway.issue_token(), meanwhile=eat)
    assert of(verdicts, Verdict.DIFFERS) == {"removal"}, said


async def test_an_order_is_cleared_with_consent_alone(tmp_path: Path) -> None:
    async with other_gateway() as gateway:
        gateway.do_start(name="12", created="2026-11-30T10:00:00", locationName="4")
        for answer, cleared in (("\n", False), ("n\n", False), (None, False), ("y\n", True)):
            answers: dict[str, Answer] | None = {CLEARING: answer} if answer else None
            verdicts, said, code = await examined(
                tmp_path, gateway.port, SECRET, answers=answers, timeouts=replace(SHORT, answer=0.3)
            )
            assert code == 0, said
            assert (CLEARING in said) is (answer is not None)
            assert bool(gateway.orders) is not cleared
            assert verdicts["removal"] == ("held" if cleared else "not seen"), said
        assert "order 12 at table 4, created 2026-11-30T10:00:00, to see" in said
        assert verdicts["empty set"] == "held", "it was the last one"


async def test_a_token_is_asked_for_with_consent_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with other_gateway() as gateway:
        gateway.do_press()
        verdicts, said, code = await examined(tmp_path, gateway.port, None, answers={"Ask the gateway": "\n"})
        assert of(verdicts, Verdict.HELD) == {"invalid token"}, said
        assert "needs a token" in said
        assert code == 0
        assert gateway.asking == 0
        assert gateway.tokens == {SECRET}
        verdicts, said, code = await examined(
            tmp_path, gateway.port, None, answers={"Ask the gateway": "y\n"}, timeouts=SHORT
        )
        assert len(gateway.tokens) == 2
        assert verdicts["second feed"] == "held", said


async def test_nobody_answers(tmp_path: Path) -> None:
    async with other_gateway() as gateway:
        await gateway.down()
        verdicts, said, code = await examined(tmp_path, gateway.port, SECRET)
    assert (verdicts, code) == ({}, 1)
    assert said == f"{NAME} at 127.0.0.1:{gateway.port} does not answer."


def announced(name: str) -> SimulatedGateway:
    return SimulatedGateway(f"{name} {os.getpid()}", advertise_on=["127.0.0.1"])


async def test_what_a_gateway_announces(tmp_path: Path) -> None:
    async with announced("Moving") as gateway:
        token = gateway.issue_token()

        async def move() -> None:
            await gateway.move("127.0.0.2")

        verdicts, said, _ = await examined(
            tmp_path, None, token, name=gateway.name, meanwhile=move, timeouts=replace(QUICK, listen=1.5)
        )
    assert (verdicts["identity"], verdicts["move"]) == ("held", "held"), said
    assert f"it moved from 127.0.0.1:{gateway.port} to 127.0.0.2:{gateway.port}" in said


async def test_another_identity_and_another_name_after_a_move_are_found(tmp_path: Path) -> None:
    old, new = announced("Old"), announced("New")
    old.txt = (b"serial=4711",)
    async with old:

        async def rename() -> None:
            await old.stop(goodbye=True)
            await new.start()

        try:
            verdicts, said, code = await examined(
                tmp_path, None, old.issue_token(), name=old.name, meanwhile=rename, timeouts=replace(QUICK, listen=3.0)
            )
        finally:
            await new.stop(goodbye=True)
    assert of(verdicts, Verdict.DIFFERS) == {"identity", "move"}, said
    assert "its TXT record has serial=4711" in said
    # Other tests announce gateways at the same time.
    assert re.search(rf"{old.name} is gone, and here instead: .*{new.name}", said), said
    assert code == 1
