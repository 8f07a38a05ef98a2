"""Discovery on a host of the lab, whose multicast memberships are dropped while it runs: prints its events.

Run by test_deaf.py. A line on standard input drops the memberships.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.gateway import discovery, mdns
from appliance.gateway.discovery import Discovery

from .mdns_peers import MDNS


def report(event: Event) -> None:
    """Print the addresses of gateways."""
    if isinstance(event, GatewayFound):
        print("found", *(address.host for address in event.gateway.addresses), flush=True)
    elif isinstance(event, GatewayLost):
        print("lost", flush=True)


def drop_memberships(browsing: Discovery, own: str) -> None:
    """Leave the multicast group behind zeroconf's back."""
    assert browsing._zeroconf is not None
    group = socket.inet_aton(MDNS[0]) + socket.inet_aton(own)
    for reader in browsing._zeroconf.zeroconf.engine.readers:
        # Of the sockets, only the one that listens is a member.
        try:
            reader.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group)
        except OSError:
            continue
    print("deaf", flush=True)


async def main(own: str) -> None:
    """Browse until the end of the input."""
    # As long as ever needed, but sooner.
    mdns.DEAF_AFTER, discovery.QUERY_INTERVAL, discovery.QUERY_INTERVAL_SEARCHING = 4.0, 3.0, 1.0
    browsing = Discovery(report)
    browsing._patience = mdns.DEAF_AFTER
    running = asyncio.create_task(browsing.run())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        drop_memberships(browsing, own)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
