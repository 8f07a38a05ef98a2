"""The simulator's commands, by word and by key."""

from __future__ import annotations

import json
from random import Random

import pytest

from appliance.simulator.commands import (
    COMMANDS,
    CommandError,
    Controls,
    do_key,
    do_line,
    help_text,
    key_line,
    status,
)
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.restaurant import Ending
from appliance.simulator.traffic import Traffic

from .conftest import dial, open_feed, receive


@pytest.fixture
def quits() -> list[bool]:
    return []


@pytest.fixture
def controls(gateway: SimulatedGateway, quits: list[bool]) -> Controls:
    return Controls(gateway, Traffic(gateway.restaurant, iter(())), lambda: quits.append(True), Random(1))


def test_keys_and_words_are_distinct() -> None:
    keys = [command.key for command in COMMANDS if command.key]
    assert len(set(keys)) == len(keys)
    assert len({command.word for command in COMMANDS}) == len(COMMANDS)
    lines = help_text().splitlines()
    assert len(lines) == len(COMMANDS) + 1
    assert all(len(line) < 80 for line in lines)


async def test_commands_change_orders(controls: Controls) -> None:
    restaurant = controls.gateway.restaurant
    assert await do_line(controls, "tracker 7 12") == "order 7 located"
    assert await do_line(controls, "  PAGE 7 ") == "order 7 paged"
    assert restaurant.find("7").paged
    assert await do_line(controls, "locate 7 3") == "order 7 located at table 3"
    assert await do_line(controls, "order 30") == "30 orders started"
    assert await do_key(controls, "o") == "order 32 started"
    assert await do_line(controls, "clear 7") == "order 7 cleared"
    for key in "plc":
        assert str(await do_key(controls, key)).startswith("order ")
    assert len(restaurant.active) == 30
    assert await do_line(controls, "clear all") == "30 orders cleared"


@pytest.mark.parametrize(
    "line",
    ["page", "clear", "locate", "page 99", "tracker", "order x", "order -1", "order nan", "flood 9999999", "dance",
     "move nowhere", "move 203.0.113.9", "move 127.0.0.1 port", "garbage nice", "restart soon",
     "ending nice", "clock late", "clock 1e10", "clock nan", "list x"],
)  # fmt: skip
async def test_impossible_commands_are_reported(controls: Controls, line: str) -> None:
    with pytest.raises(CommandError) as error:
        await do_line(controls, line)
    assert str(error.value)
    assert controls.gateway.restaurant.active == []


async def test_a_tracker_has_one_order_at_a_time(controls: Controls) -> None:
    await do_line(controls, "tracker 7")
    with pytest.raises(CommandError, match="7 already has an active order"):
        await do_line(controls, "tracker 7")


async def test_empty_lines_and_unknown_keys_are_ignored(controls: Controls) -> None:
    assert await do_line(controls, " ") is None
    assert await do_key(controls, "§") is None


async def test_the_keys_of_the_box_are_told_apart_from_the_gateways(controls: Controls) -> None:
    for key in (" ", "h"):
        assert "the box's button is a part of the demo" in str(await do_key(controls, key))
    assert not controls.traffic.paused


def test_the_keys_to_show_first_fit_a_line() -> None:
    assert key_line() == "g gateway's button   w pause traffic   p page   o order   ? help   q quit"


async def test_the_status_has_what_lasts(controls: Controls) -> None:
    address = controls.gateway.address
    assert status(controls) == f"{address} · 0 orders · 0 feeds"
    controls.gateway.restaurant.create()
    for key in "gsw":
        await do_key(controls, key)
    words = status(controls)
    assert words.startswith(f"{address} · 1 order · 0 feeds · pairing window 1")
    assert words.endswith(" s · silent · traffic paused")
    await controls.gateway.stop()
    assert status(controls).startswith("off · ")


async def test_the_gateways_button(controls: Controls) -> None:
    assert await do_key(controls, "g") == "pairing window open for 120 s"
    assert controls.gateway.window_open
    await controls.gateway.stop()
    assert await do_key(controls, "g") == "the gateway is off"


async def test_what_a_gateway_may_do_otherwise(controls: Controls) -> None:
    gateway, start = controls.gateway, "ends of orders are told by: "
    assert [await do_line(controls, "ending") for _ in Ending] == [
        start + way for way in (*list(Ending)[1:], "modified")
    ]
    assert await do_line(controls, "ending uuid") == start + "uuid"
    assert gateway.restaurant.ending is Ending.UUID
    assert await do_line(controls, "clock -1200") == "the gateway's clock is -1200 s ahead"
    order = gateway.restaurant.create()
    assert await do_line(controls, "clock") == "the gateway's clock is 0 s ahead"
    assert 1199 <= (gateway.restaurant.create().created - order.created).total_seconds() <= 1210
    assert await do_line(controls, "list 1") == "whole sets list 1 orders"
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": gateway.issue_token()}))
        whole = await receive(feed)
    assert (whole["count"], len(whole["items"])) == (2, 1)
    assert await do_line(controls, "list") == "whole sets list all orders"


async def test_faults(controls: Controls) -> None:
    gateway = controls.gateway
    async with open_feed(gateway) as feed:
        assert [await do_key(controls, "x") for _ in range(6)] == [
            f"garbage sent: {kind}" for kind in ("not-json", "unknown-type", "bad-order", "binary", "gap", "not-json")
        ]
        assert await do_line(controls, "garbage gap") == "garbage sent: gap"
        assert await do_key(controls, "s") == "the gateway stopped responding"
        assert gateway.silent
        assert await do_key(controls, "s") == "the gateway responds again"
        for _ in range(5):
            await feed.recv()
        assert await do_line(controls, "flood 10") == "10 notifications sent"
        assert [(await receive(feed))["state"] for _ in range(10)] == ["started"] * 5 + ["cleared"] * 5
        await do_key(controls, "d")
        assert gateway.feeds == 0
    async with open_feed(gateway):
        await do_key(controls, "t")
        assert (gateway.feeds, len(gateway.tokens)) == (0, 0)
    port = gateway.port
    assert await do_line(controls, "restart 0.01") == f"restarted at 127.0.0.1:{port}"
    assert await do_key(controls, "m") == f"moved to 127.0.0.2:{port}"
    assert await do_line(controls, "move 127.0.0.254") == f"moved to 127.0.0.254:{port}"
    assert await do_key(controls, "m") == f"moved to 127.0.0.1:{port}"


async def test_a_lan_address_is_not_guessed(controls: Controls) -> None:
    controls.gateway.host = "192.0.2.1"
    with pytest.raises(CommandError, match="missing argument: HOST"):
        await do_key(controls, "m")


async def test_traffic_and_the_end(controls: Controls, quits: list[bool]) -> None:
    assert await do_key(controls, "w") == "traffic paused"
    assert controls.traffic.paused
    assert await do_line(controls, "pause") == "traffic resumed"
    assert await do_key(controls, "?") == help_text()
    assert await do_key(controls, "q") == "quitting"
    assert quits == [True]
