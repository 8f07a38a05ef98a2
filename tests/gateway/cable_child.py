"""Discovery on one end of a cable, in its own network namespace: prints its events as the cable is unplugged.

Run by test_own_addresses.py, under `unshare --net` and as root.
"""

from __future__ import annotations

import asyncio

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncZeroconf

from appliance.core.events import Event, GatewayFound, GatewayLost, NetworkChanged
from appliance.gateway import network_watch
from appliance.gateway.discovery import Discovery

from .mdns_peers import service

OURS, OTHER_END = "tt0", "tt1"


async def ip(*arguments: str) -> None:
    """Run ip(8)."""
    process = await asyncio.create_subprocess_exec("ip", *arguments)
    assert await process.wait() == 0, arguments


async def main() -> None:
    output: asyncio.Queue[str] = asyncio.Queue()
    own: tuple[str, ...] | None = None

    def report(event: Event) -> None:
        nonlocal own
        match event:
            case NetworkChanged(addresses) if addresses != own:
                own = addresses
                output.put_nowait(f"network {addresses}")
            case GatewayFound(gateway):
                output.put_nowait(f"found {gateway.addresses[0].host}")
            case GatewayLost():
                output.put_nowait("lost")

    async def expect(*words: str) -> None:
        for word in words:
            line = await asyncio.wait_for(output.get(), 5)
            print(line, flush=True)
            assert line.startswith(word), line

    async def announce(host: str) -> AsyncZeroconf:
        responder = AsyncZeroconf(interfaces=[host], ip_version=IPVersion.V4Only)
        await (await responder.async_register_service(service("On a cable", host), cooperating_responders=True))
        return responder

    setattr(network_watch, "NETWORK_POLL_INTERVAL", 0.05)  # noqa: B010 - the module imports the name
    browsing = asyncio.create_task(Discovery(report, interfaces=(OURS,)).run())
    await expect("network ()")
    await ip("link", "add", OURS, "type", "veth", "peer", "name", OTHER_END)
    await ip("link", "set", OTHER_END, "up")
    await ip("address", "add", "192.0.2.7/24", "dev", OURS)
    await ip("link", "set", OURS, "up")
    await expect("network ('192.0.2.7',)")
    responder = await announce("192.0.2.7")
    await expect("found")
    await ip("link", "set", OTHER_END, "down")
    await expect("network ()", "lost")
    await ip("link", "set", OTHER_END, "up")
    await expect("network ('192.0.2.7',)", "found")
    await responder.async_close()
    await ip("address", "add", "198.51.100.7/24", "dev", OURS)
    await ip("address", "delete", "192.0.2.7/24", "dev", OURS)
    # Between the two commands the interface has both addresses, which discovery may or may not report.
    while (line := await asyncio.wait_for(output.get(), 5)) != "network ('198.51.100.7',)":
        assert line in ("lost", "found 192.0.2.7", "network ('192.0.2.7', '198.51.100.7')"), line
    print(line, flush=True)
    while not output.empty():
        output.get_nowait()
    responder = await announce("198.51.100.7")
    while (line := await asyncio.wait_for(output.get(), 5)) == "lost":
        pass  # the gateway at the old address
    print(line, flush=True)
    browsing.cancel()
    await asyncio.gather(browsing, return_exceptions=True)
    await responder.async_close()


if __name__ == "__main__":
    asyncio.run(main())
