"""This box's own IPv4 addresses, on the interfaces that have a carrier."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass

import ifaddr

NETWORK_POLL_INTERVAL = 2.0
"""Seconds between polls of the box's addresses."""
_SIOCGIFFLAGS = 0x8913
_IFF_LOOPBACK, _IFF_RUNNING = 0x8, 0x40


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An IPv4 address of this box, and its network's prefix length in bits."""

    address: str
    prefix: int


def own_addresses(interfaces: Collection[str] = ()) -> tuple[OwnAddress, ...]:
    """Return this box's IPv4 addresses, link-local ones last.

    interfaces: names of the interfaces to use; if empty, all but loopback. An interface without a carrier (a pulled
    cable) is skipped, although it may keep its address.
    """
    found = []
    for adapter in ifaddr.get_adapters():
        flags = _flags(adapter.name)
        wanted = adapter.name in interfaces if interfaces else not flags & _IFF_LOOPBACK
        if wanted and flags & _IFF_RUNNING:
            found += [OwnAddress(str(ip.ip), ip.network_prefix) for ip in adapter.ips if ip.is_IPv4]
    return tuple(sorted(found, key=lambda own: (own.address.startswith("169.254."), own.address)))


def seconds_until_poll(every: float) -> float:
    """Seconds until the loop's clock reaches a multiple of `every`.

    The heartbeat on the display changes at these times too, so one wake-up of the processor serves both.
    """
    left = every - asyncio.get_running_loop().time() % every
    # A timer may fire slightly early: that counts as this multiple.
    return left if left > every / 1000 else left + every


def _flags(interface: str) -> int:
    """The interface's flags; 0 if it has just disappeared."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16s16x", interface.encode()[:15]))
        except OSError:
            return 0
    (flags,) = struct.unpack_from("H", answer, 16)
    return int(flags)
