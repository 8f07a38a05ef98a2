"""This box's own addresses, on the interfaces that carry a network now."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass

import ifaddr

LOOK_AT_NETWORK_EVERY = 2.0
"""Seconds between looks at our own addresses."""
_SIOCGIFFLAGS = 0x8913
_IFF_LOOPBACK, _IFF_RUNNING = 0x8, 0x40


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An IPv4 address of this box, and the length of its network's prefix in bits."""

    address: str
    prefix: int


def own_addresses(interfaces: Collection[str] = ()) -> tuple[OwnAddress, ...]:
    """This box's IPv4 addresses, link-local ones last.

    interfaces: the names of those that count; none means every one but loopback. One without a carrier (a pulled cable)
    does not count, although its address may still stand.
    """
    found = []
    for adapter in ifaddr.get_adapters():
        flags = _flags(adapter.name)
        wanted = adapter.name in interfaces if interfaces else not flags & _IFF_LOOPBACK
        if wanted and flags & _IFF_RUNNING:
            found += [OwnAddress(str(ip.ip), ip.network_prefix) for ip in adapter.ips if ip.is_IPv4]
    return tuple(sorted(found, key=lambda own: (own.address.startswith("169.254."), own.address)))


def until_next_look(every: float) -> float:
    """Seconds until the loop's clock comes to a multiple of `every`.

    The display's heart changes at such moments too: the box sleeps through what lies between.
    """
    left = every - asyncio.get_running_loop().time() % every
    # A clock that is a hair before its time is there already.
    return left if left > every / 1000 else left + every


def _flags(interface: str) -> int:
    """The interface's flags; 0 where it has just gone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16s16x", interface.encode()[:15]))
        except OSError:
            return 0
    (flags,) = struct.unpack_from("H", answer, 16)
    return int(flags)
