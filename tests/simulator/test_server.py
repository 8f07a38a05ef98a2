"""The HTTP calls, over a real socket."""

from __future__ import annotations

import asyncio
import logging

import pytest
import requests

from appliance.simulator.gateway import SimulatedGateway

from .conftest import Client, Clock


async def test_anyone_may_ask_whether_it_is_online(gateway: SimulatedGateway) -> None:
    answer = await asyncio.to_thread(requests.get, f"http://{gateway.address}/api/v2", timeout=5)
    assert answer.json()["status"] == 200


async def test_pairing_by_button(gateway: SimulatedGateway, client: Client, clock: Clock) -> None:
    refused = await client.ask("GET", "/accesstoken/generate")
    assert refused.outcome == (403, -3)
    assert refused.body["message"] == "Time window expired or gateway button not pressed."
    gateway.press_button()
    clock.advance(seconds=60)
    assert (gateway.window_open, gateway.window_left) == (True, 60)
    assert (await client.ask("GET", "/accesstoken/generate?name=%00")).outcome == (400, -4)
    made = await client.ask("GET", "/accesstoken/generate?name=kitchen")
    assert made.outcome == (201, 2)
    token = made.body["token"]
    assert len(bytes.fromhex(token.pop("token"))) == 24
    assert token == {
        "name": "kitchen",
        "creation_date": "2016-09-22T19:09:52",
        "last_used": None,
        "ip_address": None,
    }
    assert not gateway.window_open
    assert (await client.ask("GET", "/accesstoken/generate")).outcome == (403, -3)


async def test_a_token_makes_another(paired: Client) -> None:
    named = await paired.ask("POST", "/accesstoken/generate", json={"name": "office"})
    assert (named.outcome, named.body["token"]["name"]) == ((201, 2), "office")
    paired.token = named.body["token"]["token"]
    assert (await paired.ask("POST", "/accesstoken/generate")).body["token"]["name"] == "default"
    assert (await paired.ask("POST", "/accesstoken/generate", data="{")).outcome == (400, -31)
    assert (await paired.ask("POST", "/accesstoken/generate", json={"name": 7})).outcome == (400, -4)


SECURED = [
    ("POST", "/accesstoken/generate"),
    ("GET", "/activeorders"),
    ("GET", "/activeorders/1"),
    ("POST", "/activeorders/1/page"),
    ("DELETE", "/activeorders/1"),
    ("GET", "/orders"),
    ("GET", "/statistics"),
]


@pytest.mark.parametrize(("method", "path"), SECURED)
async def test_secured_calls_need_a_valid_token(
    gateway: SimulatedGateway, client: Client, method: str, path: str
) -> None:
    gateway.restaurant.create("1")
    assert (await client.ask(method, path)).outcome == (400, -1)
    assert (await client.ask(method, path, headers={"Authorization": "Basic a"})).outcome == (400, -1)
    client.token = "0" * 48
    assert (await client.ask(method, path)).outcome == (401, -2)
    client.token = gateway.issue_token()
    gateway.half_booted = True
    assert (await client.ask(method, path)).outcome == (503, -5)
    gateway.half_booted = False
    assert (await client.ask(method, path)).status in (200, 201)
    assert [(order.state, order.paged) for order in gateway.restaurant.active] in (
        [],
        [("started", path.endswith("page"))],
    )


async def test_active_orders(gateway: SimulatedGateway, paired: Client) -> None:
    first, second = gateway.restaurant.create("1"), gateway.restaurant.create("2", location="8")
    whole = await paired.ask("GET", "/activeorders")
    assert whole.outcome == (200, 5)
    assert whole.body["count"] == 2
    assert [item["uuid"] for item in whole.body["items"]] == [first.uuid, second.uuid]
    for key in ("2", second.uuid):
        one = await paired.ask("GET", f"/activeorders/{key}")
        assert (one.outcome, one.body["activeorder"]) == ((200, 6), whole.body["items"][1])
    assert (await paired.ask("GET", "/activeorders/3")).outcome == (404, -6)


async def test_paging_and_clearing(gateway: SimulatedGateway, paired: Client) -> None:
    uuid = gateway.restaurant.create("26").uuid
    assert (await paired.ask("POST", "/activeorders/26/page", json={"tracking": "true"})).status == 200
    assert gateway.restaurant.find("26").paged
    assert (await paired.ask("POST", "/activeorders/26/page", data="nonsense")).outcome == (400, -31)
    assert (await paired.ask("DELETE", f"/activeorders/{uuid}")).status == 200
    assert gateway.restaurant.active == []
    assert (await paired.ask("DELETE", f"/activeorders/{uuid}")).outcome == (404, -6)
    assert (await paired.ask("POST", "/activeorders/26/page")).outcome == (404, -6)


async def test_history_comes_in_chunks(gateway: SimulatedGateway, paired: Client, clock: Clock) -> None:
    for _ in range(130):
        gateway.restaurant.clear(gateway.restaurant.create().uuid)
        clock.advance(seconds=1)
    active = gateway.restaurant.create("7", order_type="TO_GO")

    async def page(query: str) -> list[str]:
        answer = await paired.ask("GET", f"/orders{query}")
        assert answer.status == 200
        assert answer.body["count"] == len(answer.body["items"])
        return [item["uuid"] for item in answer.body["items"]]

    newest = await page("")
    assert (len(newest), newest[0]) == (25, active.uuid)
    whole = await page("?limit=100") + await page("?limit=100&offset=100")
    assert len(whole) == len(set(whole)) == 131
    assert await page("?offset=131") == []
    assert await page("?order_type=TO_GO") == [active.uuid]
    assert await page("?location_name=5") == []
    # The first order is from 19:08:52, with one more each second.
    assert await page("?created_after=2016-09-22T19:09:02&created_before=2016-09-22T19:09:04") == whole[-12:-10]
    finished = (await paired.ask("GET", "/orders?offset=1&limit=1")).body["items"][0]
    assert finished["state"] == "cleared"
    assert finished.keys() == (await paired.ask("GET", "/activeorders/7")).body["activeorder"].keys()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", -23),
        ("limit=101", -23),
        ("limit=ten", -23),
        ("offset=-1", -24),
        ("offset=x", -24),
        ("created_after=yesterday", -25),
        ("created_before=2016-12-24", -25),
        ("created_after=2016-12-24T08:04:34Z", -25),
        ("created_after=2016-12-24T08:04:61", -25),
        ("created_after=", -25),
    ],
)
async def test_history_refuses_invalid_queries(paired: Client, query: str, code: int) -> None:
    assert (await paired.ask("GET", f"/orders?{query}")).outcome == (400, code)


async def test_statistics(gateway: SimulatedGateway, paired: Client, clock: Clock) -> None:
    gateway.restaurant.create("1")
    clock.advance(seconds=200)
    gateway.restaurant.clear("1")
    assert (await paired.ask("GET", "/statistics")).body["statistics"]["ordersOverTarget"] == 0
    late = await paired.ask("GET", "/statistics/?target_time=199")
    assert late.body["statistics"]["ordersOverTarget"] == 1
    assert (await paired.ask("GET", "/statistics?target_time=soon")).status == 400


async def test_unknown_paths_are_answered_with_an_envelope(paired: Client) -> None:
    assert (await paired.ask("GET", "/nothing")).outcome == (404, -5)
    assert (await paired.ask("PUT", "/activeorders")).outcome == (405, -5)
    assert (await paired.ask("GET", "/websocket")).outcome == (400, -5)


async def test_the_log_names_the_client_but_no_token(
    gateway: SimulatedGateway, paired: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.press_button()
    made = await paired.ask("GET", "/accesstoken/generate?name=kitchen")
    await paired.ask("GET", "/activeorders")
    assert "127.0.0.1: GET /api/v2/activeorders" in caplog.text
    assert paired.token is not None
    assert paired.token not in caplog.text
    assert made.body["token"]["token"] not in caplog.text
