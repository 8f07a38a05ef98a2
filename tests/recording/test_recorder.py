"""The recorder on both of our gateways: everything that they say, in their words, and nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from appliance.recording.entries import (
    TOKEN,
    Close,
    FeedEnded,
    FeedTried,
    Handshake,
    Http,
    Mdns,
    Message,
    as_bytes,
    to_line,
)
from appliance.simulator.gateway import SimulatedGateway
from tests.recording.conftest import SECRET, Recorded, other_gateway, recording


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    with blockbuster_ctx() as blockbuster:
        # It resolves the path of the state directory.
        blockbuster.functions["os.path.abspath"].can_block_in("appliance/gateway/feed_priority.py", {"_name"})
        yield


def bodies(recorded: Recorded) -> list[str]:
    return [json.loads(entry.data).get("type") for entry in recorded.entries if isinstance(entry, Message)]


def answers(recorded: Recorded) -> dict[tuple[str, bool], Http]:
    return {(entry.path, entry.token): entry for entry in recorded.entries if isinstance(entry, Http)}


def answered(recorded: Recorded) -> int:
    return sum(one.status is not None for one in answers(recorded).values())


async def test_the_other_gateway_is_recorded(tmp_path: Path) -> None:
    async with other_gateway() as gateway, recording(tmp_path, gateway.port, SECRET) as recorded:
        (first,) = gateway.do_start(name="7", locationName="Küche ½")["uuids"]
        await recorded.until(lambda: answered(recorded) == 8 and len(recorded.of(Message)) == 1)
        gateway.do_start(count=20)
        gateway.do_change(uuid=first, type="ORDER_PAGED", paged=True)
        gateway.do_say(messages=["not JSON"])
        await recorded.until(lambda: len(recorded.of(Message)) == 23)
        assert len(gateway.orders) == 21, "nothing is cleared"
        assert (gateway.tokens, gateway.asking) == ({SECRET}, 0)
        expected = json.dumps({"type": "ORDER_PAGED", "seq": gateway.seq, **gateway.orders[first]})
    assert [entry.data for entry in recorded.entries if isinstance(entry, Message)][-2:] == [expected, "not JSON"]
    said = answers(recorded)
    assert said["/api/v2/activeorders", False].status == 400
    active = said["/api/v2/activeorders", True]
    assert active.body is not None
    assert (active.status, json.loads(active.body)["items"][0]["locationName"]) == (200, "Küche ½")
    assert ("Content-Type", "application/json") in active.headers
    assert (f"/api/v2/activeorders/{first}", True) in said
    assert said["/api/v2/statistics", True].status == 404, "what it lacks is recorded, too"
    times = [entry.at for entry in recorded.entries]
    assert times == sorted(times)


async def test_the_simulator_is_recorded_through_a_restart(tmp_path: Path) -> None:
    name = f"Rec {os.getpid()}"
    async with SimulatedGateway(name, advertise_on=["127.0.0.1"]) as gateway:
        gateway.txt = (b"\xfftxt", b"model=V2")
        await gateway.restart(0)
        async with recording(tmp_path, None, gateway.issue_token(), name) as recorded:
            await recorded.until(lambda: answered(recorded) == 7)
            await gateway.restart(0.1)
            await recorded.until(lambda: bodies(recorded) == ["ACTIVE_ORDERS"] * 2)
            gateway.delete_tokens()
            await recorded.until(lambda: len(recorded.of(Close)) == 1)
            await gateway.stop(goodbye=True)
            await recorded.until(lambda: any(not one.ttl for one in recorded.entries if isinstance(one, Mdns)))
    records = {entry.type: entry for entry in recorded.entries if isinstance(entry, Mdns) and entry.ttl}
    assert set(records) == {"PTR", "SRV", "TXT", "A"}
    assert as_bytes("".join(records["TXT"].value)) == b"\xfftxtmodel=V2"
    assert (records["SRV"].port, records["A"].value) == (gateway.port, "127.0.0.1")
    kinds = [type(entry) for entry in recorded.entries if isinstance(entry, FeedTried | Handshake | FeedEnded)]
    assert kinds == [FeedTried, Handshake, FeedEnded] * 2
    assert [entry.why for entry in recorded.entries if isinstance(entry, FeedEnded)] == ["closed", "token refused"]
    (close,) = recorded.of(Close)
    assert isinstance(close, Close)
    assert close.code == 1008


async def test_a_gateway_that_repeats_the_token_in_pieces(tmp_path: Path) -> None:
    """In a long message that comes in two fragments, in capitals, in an answer and in a refusal."""
    async with other_gateway() as gateway, recording(tmp_path, gateway.port, SECRET) as recorded:
        await recorded.until(lambda: len(recorded.of(Message)) == 1)
        gateway.do_start(count=1, locationName=f"{'x' * 600}{SECRET}{'x' * 600}")
        gateway.do_say(messages=[{"type": SECRET.upper()}])
        await recorded.until(lambda: len(recorded.of(Message)) == 3)
    text = "\n".join(to_line(entry) for entry in recorded.entries)
    assert SECRET[:12] not in text.lower()
    assert text.count(TOKEN) >= 2
    long = recorded.of(Message)[1]
    assert isinstance(long, Message)
    assert long.fragments == 2


@pytest.mark.parametrize("behaviour", [{"header_only": True}, {"http_refuses": True}, {"half_booted": True}])
async def test_each_way_of_refusing_is_recorded(
    behaviour: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.recording.recorder.SHORTEST_PAUSE", 0.05)
    async with other_gateway() as gateway:
        gateway.do_behave(**behaviour)
        async with recording(tmp_path, gateway.port, SECRET) as recorded:
            await recorded.until(lambda: answered(recorded) == 7)
            await recorded.until(lambda: "http_refuses" in behaviour or len(recorded.of(Handshake)) >= 2)
            await recorded.until(lambda: "half_booted" in behaviour or bodies(recorded) == ["ACTIVE_ORDERS"])
    if "header_only" in behaviour:
        refused, _ = (entry for entry in recorded.entries if isinstance(entry, Handshake))
        assert (refused.status, json.loads(refused.body)["returnCode"]) == (401, -2)
        assert [entry.header for entry in recorded.entries if isinstance(entry, FeedTried)] == [False, True]
        assert bodies(recorded) == ["ACTIVE_ORDERS"]
    elif "half_booted" in behaviour:
        assert answers(recorded)["/api/v2/activeorders", True].status == 503
        assert bodies(recorded) == []
    else:
        assert answers(recorded)["/api/v2/activeorders", True].status == 403


async def test_nobody_there_is_recorded_until_somebody_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.recording.recorder.SHORTEST_PAUSE", 0.05)
    async with other_gateway() as gateway:
        await gateway.down()
        async with recording(tmp_path, gateway.port, SECRET) as recorded:
            await recorded.until(lambda: len(recorded.of(FeedEnded)) >= 2)
            await gateway.up()
            await recorded.until(lambda: bodies(recorded) == ["ACTIVE_ORDERS"] and answered(recorded) == 7)
    ends = [entry.why for entry in recorded.entries if isinstance(entry, FeedEnded)]
    assert ends == ["unreachable"] * len(ends)
    failed = [entry.failed for entry in recorded.entries if isinstance(entry, Http) and entry.failed]
    assert failed[0] is not None
    assert failed[0].startswith("no answer: ")
