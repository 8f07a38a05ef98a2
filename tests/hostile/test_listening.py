"""Nothing listens but mDNS: the sockets of a running program, as the kernel lists them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.hostile.appliance_process import Program
from tests.hostile.scripted_websocket import Client, frame, speaking

MDNS = 5353
LISTENS = "0A"
"""A TCP socket's state in /proc/net/tcp."""


def sockets(program: Program) -> dict[str, list[tuple[int, str]]]:
    """The ports and states of the program's own sockets, by protocol."""
    process = Path(f"/proc/{program.process.pid}")
    own = {link.readlink().name for link in (process / "fd").iterdir()}
    found: dict[str, list[tuple[int, str]]] = {}
    for protocol in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "udplite"):
        table = process / "net" / protocol
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if f"socket:[{fields[9]}]" in own:
                found.setdefault(protocol, []).append((int(fields[1].rpartition(":")[2], 16), fields[3]))
    return found


@pytest.mark.parametrize("name", ["", "A gateway"], ids=["typed in", "by mDNS"])
def test_nothing_listens_but_mdns(tmp_path: Path, name: str) -> None:
    orders = frame(b'{"type": "ACTIVE_ORDERS", "count": 0, "items": []}')

    def script(client: Client) -> None:
        client.send(orders)
        client.stay()

    with speaking(script) as speaker:
        program = Program(speaker.address, tmp_path / "box", name=name)
        try:
            program.wait(lambda line: line["state"] in ("connected", "offline"), 30, 0)
            time.sleep(1)
            found = sockets(program)
        finally:
            program.close()
    assert all(state != LISTENS for protocol in ("tcp", "tcp6") for _, state in found.get(protocol, []))
    assert not found.keys() & {"raw", "raw6", "udplite"}
    datagrams = [port for protocol in ("udp", "udp6") for port, _ in found.get(protocol, [])]
    if name:
        assert MDNS in datagrams
    assert set(datagrams) <= {MDNS}, "the program listens on another UDP port"
    if not name:
        assert found["tcp"], "no socket was found"
