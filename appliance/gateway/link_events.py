"""The kernel's reports of interfaces that went away or lost an address, however briefly (rtnetlink).

Polling the addresses misses an interface that comes back in between. Its multicast memberships are gone all the same.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection

_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_RTM_NEWLINK, _RTM_DELLINK, _RTM_DELADDR = 16, 17, 21
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_LINK = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, device type, index, flags, changed flags."""
_ADDRESS = struct.Struct("=BBBBI")
"""struct ifaddrmsg: family, prefix length, flags, scope, index."""
_LARGEST = 64 * 1024
"""Bytes of one datagram; the kernel's have a few hundred."""


class LinkEvents:
    """A socket that collects the reports. Without rtnetlink (not Linux, or forbidden) it never has any."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        if not hasattr(socket, "AF_NETLINK"):
            return
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._socket.setblocking(False)
            self._socket.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
        except OSError:
            self.close()

    def interrupted(self, indexes: Collection[int], *, ipv6: bool) -> bool:
        """Whether one of these interfaces lost its link or an address since the last call.

        ipv6: whether a lost IPv6 address counts.
        """
        lost = False
        while self._socket is not None:
            try:
                data = self._socket.recv(_LARGEST)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    self.close()
                    break
                # The kernel dropped reports: any interface may have been among them.
                lost = True
            else:
                lost = lost or any(index in indexes for index in _losses(data, ipv6=ipv6))
        return lost

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _losses(data: bytes, *, ipv6: bool) -> list[int]:
    """The indexes of the interfaces that lost their link or an address, by a datagram of the kernel."""
    indexes = []
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        body = data[_HEADER.size : length]
        if kind in (_RTM_NEWLINK, _RTM_DELLINK) and len(body) >= _LINK.size:
            family, _, index, flags, _ = _LINK.unpack_from(body)
            gone = kind == _RTM_DELLINK or not flags & _IFF_UP or not flags & _IFF_RUNNING
            # A bridge reports its ports under its own family.
            if gone and family == socket.AF_UNSPEC:
                indexes.append(index)
        elif kind == _RTM_DELADDR and len(body) >= _ADDRESS.size:
            family, _, _, _, index = _ADDRESS.unpack_from(body)
            if family == socket.AF_INET or ipv6:
                indexes.append(index)
        # Messages begin at multiples of four bytes.
        data = data[max(_HEADER.size, (length + 3) & ~3) :]
    return indexes
