"""Sends forged mDNS records from a host of the lab, or answers every query with them.

`python -m tests.blackbox.forged_mdns OWN_ADDRESS TIMES KIND NAME SERVER ADDRESS PORT`: TIMES packets, a second apart;
for 0, one packet for each query of others until it is killed.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

from tests.gateway.mdns_peers import MDNS, PTR, SRV, TYPE_NAME, A, labels, packet, record


def forged(kind: str, name: str, server: str, address: str, port: int) -> list[bytes]:
    """The records of one kind of forgery. server: the host name of the gateway, without its domain."""
    instance, host = labels(name.encode())[:-1] + TYPE_NAME, labels(server.encode(), b"local")
    pointer, goodbye = (record(TYPE_NAME, PTR, instance, ttl) for ttl in (4500, 0))
    service, a_record = struct.pack("!3H", 0, 0, port), socket.inet_aton(address)
    match kind:
        case "address":
            return [record(host, A, a_record)]
        case "goodbye":
            return [goodbye]
        case "port":
            return [record(instance, SRV, service + host)]
        case _:
            other = labels(b"stranger", b"local")
            return [pointer, record(instance, SRV, service + other), record(other, A, a_record)]


def main(own: str, times: str, *what: str) -> None:
    """Send, or answer."""
    kind, name, server, address, port = what
    data = packet(forged(kind, name, server, address, int(port)))
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    line.bind(("", MDNS[1]))
    line.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(MDNS[0]) + socket.inet_aton(own))
    for _ in range(int(times)):
        line.sendto(data, MDNS)
        time.sleep(1)
    while times == "0":
        if not line.recv(9000)[2] & 0x80:
            line.sendto(data, MDNS)


if __name__ == "__main__":
    main(*sys.argv[1:])
