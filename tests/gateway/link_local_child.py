"""A gateway at a link-local IPv6 address, in its own network namespace: prints the steps that succeeded.

Run by test_own_addresses.py, under `unshare --net` and as root.
"""

from __future__ import annotations

import asyncio

from appliance.core.values import Address, Token
from appliance.gateway.api import Verdict, ask_for_token, check_token
from appliance.simulator.gateway import SimulatedGateway

from .cable_child import ip
from .scripted_feeds import running_feed


async def main() -> None:
    await ip("link", "set", "lo", "up")
    await ip("address", "add", "fe80::7/64", "dev", "lo", "nodad")
    async with SimulatedGateway(host="fe80::7%lo") as gateway:
        address = Address("fe80::7%lo", gateway.port)
        gateway.press_button()
        token = await ask_for_token(address)
        assert isinstance(token, Token), token
        print("asked")
        assert await check_token(address, token) is Verdict.ACCEPTED
        print("checked")
        async with running_feed(address, token) as (recorder, _):
            await recorder.wait_opened()
            print("opened")


if __name__ == "__main__":
    asyncio.run(main())
