"""The gateway's advertisement by DNS-SD: `_tracker-http._tcp` in `local.` (gateway API, discovery)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = "_tracker-http._tcp.local."


class Advert:
    """Announces one instance name on the interfaces that have the given IPv4 addresses, and on no other.

    txt: the strings of its TXT record.
    """

    def __init__(self, name: str, interfaces: Sequence[str], txt: Sequence[bytes] = ()) -> None:
        self._name = name
        self._txt = b"".join(bytes([len(one)]) + one for one in txt)
        self._interfaces = list(interfaces)
        self._zeroconf: AsyncZeroconf | None = None
        self._broadcast: asyncio.Future[object] | None = None

    async def announce(self, host: str, port: int) -> None:
        """Announce an address, or another one in place of it. host: an IP address.

        Returns when the first announcement is sent; repetitions follow. Raises OSError if an interface is gone.
        """
        label = re.sub(r"[^a-z0-9]+", "-", self._name.lower()).strip("-") or "gateway"
        info = AsyncServiceInfo(
            SERVICE,
            f"{self._name}.{SERVICE}",
            port=port,
            properties=self._txt,
            parsed_addresses=[host],
            server=f"{label[:63]}.local.",
        )
        await self._stop_broadcast()
        if self._zeroconf is None:
            self._zeroconf = AsyncZeroconf(interfaces=self._interfaces, ip_version=IPVersion.V4Only)
            # No probing for name conflicts: a restarted gateway has its name at once, and tests can simulate a second
            # gateway of the same name.
            going = await self._zeroconf.async_register_service(info, cooperating_responders=True)
        else:
            going = await self._zeroconf.async_update_service(info)
        self._broadcast = asyncio.ensure_future(going)

    async def close(self, *, goodbye: bool) -> None:
        """Stop announcing. Without a goodbye packet, browsers keep the records until they expire."""
        await self._stop_broadcast()
        if self._zeroconf is None:
            return
        zeroconf, self._zeroconf = self._zeroconf, None
        if not goodbye:
            # Unregistered services get no goodbye packet.
            zeroconf.zeroconf.registry.async_remove(zeroconf.zeroconf.registry.async_get_service_infos())
        await zeroconf.async_close()

    async def _stop_broadcast(self) -> None:
        if self._broadcast is None:
            return
        broadcast, self._broadcast = self._broadcast, None
        broadcast.cancel()
        with suppress(asyncio.CancelledError):  # cancelled above
            await broadcast
