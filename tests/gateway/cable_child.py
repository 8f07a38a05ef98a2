"""Discovery on one end of a cable, in a network namespace of its own: prints what it tells as the cable is pulled.

Run by test_network.py, under `unshare --net` and as root.
"""

from __future__ import annotations

import asyncio

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncZeroconf

from appliance.core.events import Event, GatewayFound, GatewayLost, NetworkChanged
from appliance.gateway import discovery
from appliance.gateway.discovery import Discovery

from .mdns_peers import service

OURS, OTHER_END = "tt0", "tt1"


async def ip(*arguments: str) -> None:
    """Run ip(8)."""
    process = await asyncio.create_subprocess_exec("ip", *arguments)
    assert await process.wait() == 0, arguments


async def main() -> None:
    said: asyncio.Queue[str] = asyncio.Queue()

    def tell(event: Event) -> None:
        match event:
            case NetworkChanged(addresses):
                said.put_nowait(f"network {addresses}")
            case GatewayFound(gateway):
                said.put_nowait(f"found {gateway.addresses[0].host}")
            case GatewayLost():
                said.put_nowait("lost")

    async def hear(*words: str) -> None:
        for word in words:
            heard = await asyncio.wait_for(said.get(), 5)
            print(heard, flush=True)
            assert heard.startswith(word), heard

    async def announce(host: str) -> AsyncZeroconf:
        responder = AsyncZeroconf(interfaces=[host], ip_version=IPVersion.V4Only)
        await (await responder.async_register_service(service("On a cable", host), cooperating_responders=True))
        return responder

    setattr(discovery, "NETWORK_POLL_INTERVAL", 0.05)  # noqa: B010 - it is another module's name
    browsing = asyncio.create_task(Discovery(tell, interfaces=(OURS,)).run())
    await hear("network ()")
    await ip("link", "add", OURS, "type", "veth", "peer", "name", OTHER_END)
    await ip("link", "set", OTHER_END, "up")
    await ip("address", "add", "192.0.2.7/24", "dev", OURS)
    await ip("link", "set", OURS, "up")
    await hear("network ('192.0.2.7',)")
    responder = await announce("192.0.2.7")
    await hear("found")
    await ip("link", "set", OTHER_END, "down")
    await hear("network ()", "lost")
    await ip("link", "set", OTHER_END, "up")
    await hear("network ('192.0.2.7',)", "found")
    await responder.async_close()
    await ip("address", "add", "198.51.100.7/24", "dev", OURS)
    await ip("address", "delete", "192.0.2.7/24", "dev", OURS)
    # Between the two commands it has both addresses, and may or may not be seen so.
    while (heard := await asyncio.wait_for(said.get(), 5)) != "network ('198.51.100.7',)":
        assert heard in ("lost", "found 192.0.2.7", "network ('192.0.2.7', '198.51.100.7')"), heard
    print(heard, flush=True)
    while not said.empty():
        said.get_nowait()
    responder = await announce("198.51.100.7")
    while (heard := await asyncio.wait_for(said.get(), 5)) == "lost":
        pass  # the gateway at the old address
    print(heard, flush=True)
    browsing.cancel()
    await asyncio.gather(browsing, return_exceptions=True)
    await responder.async_close()


if __name__ == "__main__":
    asyncio.run(main())
