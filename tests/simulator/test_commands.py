"""The table of commands, each done by its word and by its key."""

from __future__ import annotations

from random import Random

import pytest

from appliance.simulator.commands import COMMANDS, CommandError, Hand, do_key, do_line, help_text
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic

from .conftest import open_feed, receive


@pytest.fixture
def quits() -> list[bool]:
    return []


@pytest.fixture
def hand(gateway: SimulatedGateway, quits: list[bool]) -> Hand:
    return Hand(gateway, Traffic(gateway.floor, iter(())), lambda: quits.append(True), Random(1))


def test_keys_and_words_are_told_apart() -> None:
    assert len({command.key for command in COMMANDS}) == len({command.word for command in COMMANDS}) == len(COMMANDS)
    lines = help_text().splitlines()
    assert len(lines) == len(COMMANDS) + 1
    assert all(len(line) < 80 for line in lines)


async def test_orders_by_hand(hand: Hand) -> None:
    floor = hand.gateway.floor
    assert await do_line(hand, "tracker 7 12") == "order 7 located"
    assert await do_line(hand, "  PAGE 7 ") == "order 7 paged"
    assert floor.find("7").paged
    assert await do_line(hand, "locate 7 3") == "order 7 located at table 3"
    assert await do_line(hand, "order 30") == "30 orders started"
    assert await do_key(hand, "o") == "order 32 started"
    assert await do_line(hand, "clear 7") == "order 7 cleared"
    for key in "plc":
        assert str(await do_key(hand, key)).startswith("order ")
    assert len(floor.active) == 30
    assert await do_line(hand, "clear all") == "30 orders cleared"


@pytest.mark.parametrize(
    "line",
    ["page", "clear", "locate", "page 99", "tracker", "order x", "order -1", "order nan", "flood 9999999", "dance",
     "move nowhere", "move 203.0.113.9", "move 127.0.0.1 port", "garbage nice", "restart soon"],
)  # fmt: skip
async def test_what_can_not_be_done_is_said(hand: Hand, line: str) -> None:
    with pytest.raises(CommandError) as error:
        await do_line(hand, line)
    assert str(error.value)
    assert hand.gateway.floor.active == []


async def test_a_tracker_goes_out_once(hand: Hand) -> None:
    await do_line(hand, "tracker 7")
    with pytest.raises(CommandError, match="7 is out already"):
        await do_line(hand, "tracker 7")


async def test_nothing_said_and_unknown_keys_do_nothing(hand: Hand) -> None:
    assert await do_line(hand, " ") is None
    assert await do_key(hand, "§") is None


async def test_the_gateways_button(hand: Hand) -> None:
    assert await do_key(hand, "b") == "pairing window open for 120 s"
    assert hand.gateway.window_open
    await hand.gateway.stop()
    assert await do_key(hand, "b") == "no power"


async def test_faults(hand: Hand) -> None:
    gateway = hand.gateway
    async with open_feed(gateway) as feed:
        assert [await do_key(hand, "g") for _ in range(6)] == [
            f"garbage sent: {kind}" for kind in ("not-json", "unknown-type", "bad-order", "binary", "gap", "not-json")
        ]
        assert await do_line(hand, "garbage gap") == "garbage sent: gap"
        assert await do_key(hand, "s") == "silent"
        assert gateway.silent
        assert await do_key(hand, "s") == "speaking again"
        for _ in range(5):
            await feed.recv()
        assert await do_line(hand, "flood 10") == "10 notifications sent at once"
        assert [(await receive(feed))["state"] for _ in range(10)] == ["started"] * 5 + ["cleared"] * 5
        await do_key(hand, "d")
        assert gateway.feeds == 0
    async with open_feed(gateway):
        await do_key(hand, "t")
        assert (gateway.feeds, len(gateway.tokens)) == (0, 0)
    port = gateway.port
    assert await do_line(hand, "restart 0.01") == f"restarted at 127.0.0.1:{port}"
    assert await do_key(hand, "m") == f"moved to 127.0.0.2:{port}"
    assert await do_line(hand, "move 127.0.0.254") == f"moved to 127.0.0.254:{port}"
    assert await do_key(hand, "m") == f"moved to 127.0.0.1:{port}"


async def test_a_lan_address_is_not_guessed(hand: Hand) -> None:
    hand.gateway.host = "192.0.2.1"
    with pytest.raises(CommandError, match="move where"):
        await do_key(hand, "m")


async def test_traffic_and_the_end(hand: Hand, quits: list[bool]) -> None:
    assert await do_key(hand, " ") == "traffic paused"
    assert hand.traffic.paused
    assert await do_line(hand, "pause") == "traffic goes on"
    assert await do_key(hand, "h") == help_text()
    assert await do_key(hand, "q") == "quitting"
    assert quits == [True]
