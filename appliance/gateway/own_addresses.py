"""This box's own addresses, on the interfaces that have a carrier."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass

import ifaddr

from appliance.core.values import NO_INTERFACE, Interfaces

_SIOCGIFFLAGS = 0x8913
_IFF_LOOPBACK, _IFF_RUNNING = 0x8, 0x40


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address of this box, its network's prefix length in bits, and its interface."""

    address: str
    prefix: int
    interface: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """This box's addresses, the best first, and its interfaces.

    IPv6 addresses are left out where an IPv4 address was assigned: then IPv4 serves, and IPv6 addresses come and go.
    """

    addresses: tuple[OwnAddress, ...] = ()
    interfaces: Interfaces = NO_INTERFACE

    @property
    def texts(self) -> tuple[str, ...]:
        """The addresses alone."""
        return tuple(one.address for one in self.addresses)


def own_network(interfaces: Collection[str] = ()) -> OwnNetwork:
    """Return this box's addresses: assigned ones first, IPv4 before IPv6, self-assigned ones last.

    interfaces: names of the interfaces to use; if empty, all but loopback. An interface without a carrier (a pulled
    cable) is skipped, although it may keep its address.
    """
    found: list[OwnAddress] = []
    plugged = False
    adapters = list(ifaddr.get_adapters(include_unconfigured=True))
    for adapter in adapters:
        flags = _flags(adapter.name)
        wanted = adapter.name in interfaces if interfaces else not flags & _IFF_LOOPBACK
        if not wanted or not flags & _IFF_RUNNING:
            continue
        plugged = True
        for ip in adapter.ips:
            host = str(ip.ip) if ip.is_IPv4 else ip.ip[0]
            found.append(OwnAddress(host, ip.network_prefix, adapter.name, adapter.index or 0))
    found.sort(key=lambda own: (_rank(own.address), own.address, own.interface))
    if found and _rank(found[0].address) == 0:
        found = [own for own in found if ":" not in own.address]
    addresses = tuple(own for own in found if ":" not in own.address or _can_be_bound(own))
    names = {adapter.name for adapter in adapters}
    missing = tuple(name for name in interfaces if name not in names)
    present = tuple(sorted(name for name in names if not _flags(name) & _IFF_LOOPBACK)) if missing else ()
    return OwnNetwork(addresses, Interfaces(missing, present, plugged and not addresses))


def _rank(address: str) -> int:
    ip = ipaddress.ip_address(address)
    return 2 * ip.is_link_local + (ip.version == 6)


def _can_be_bound(own: OwnAddress) -> bool:
    """Whether an IPv6 address is in force: at first the kernel checks that no other host has it (RFC 4862, 5.4)."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.bind((own.address, 0, 0, own.index))
        except OSError:
            return False
    return True


def _flags(interface: str) -> int:
    """The interface's flags; 0 if it has just disappeared."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16s16x", interface.encode()[:15]))
        except OSError:
            return 0
    (flags,) = struct.unpack_from("H", answer, 16)
    return int(flags)
