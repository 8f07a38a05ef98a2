"""Shared by the tests of recordings: the other gateway in this process, and a recorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from appliance.config import Config, GatewayConfig, NetworkConfig
from appliance.core.values import Address, Credential, Token
from appliance.history.locate import search_gateways
from appliance.recording.entries import Entry, Mdns
from appliance.recording.mdns_listener import MdnsListener
from appliance.recording.recorder import Recorder
from appliance.recording.redaction import Redaction
from tests.blackbox.other_gateway import Gateway

SECRET = "5c1c7a0d9f1e4b57a1f1f2a3b4c5d6e75c1c7a0d9f1e4b57"


@asynccontextmanager
async def other_gateway() -> AsyncIterator[Gateway]:
    """The other gateway on a free port of the loopback, with a token."""
    gateway = Gateway(0, "127.0.0.1")
    gateway.tokens = {SECRET}
    await gateway.up()
    assert gateway.server is not None
    gateway.port = gateway.server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        await gateway.down()


class Recorded:
    """What a recorder has written so far."""

    def __init__(self, token: str) -> None:
        self.entries: list[Entry] = []
        self._redaction = Redaction(Token(token))

    def add(self, entry: Entry) -> None:
        self.entries.append(self._redaction.entry(entry))

    def of(self, kind: type[Entry]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    async def until(self, there: Callable[[], bool], within: float = 10.0) -> None:
        async with asyncio.timeout(within):
            while not there():  # noqa: ASYNC110 - entries come without an event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def recording(folder: Path, port: int | None, token: str, name: str = "Grill") -> AsyncIterator[Recorded]:
    """Record a gateway on the loopback inside the block. port: None to find it by mDNS."""
    recorded = Recorded(token)
    address = None if port is None else Address("127.0.0.1", port)
    config = Config(
        gateway=GatewayConfig(address, name if port else None), network=NetworkConfig(("lo",)), state_dir=folder
    )
    credential = Credential(name, Token(token))

    def add_record(record: Mdns) -> None:
        # Other tests announce gateways at the same time.
        if name.lower().replace(" ", "-") in f"{record.name} {record.value}".lower().replace(" ", "-"):
            recorded.add(record)

    listener = MdnsListener(add_record, lambda: recorder.now())
    async with search_gateways(config, name, listener) as search:
        recorder = Recorder(search, credential, recorded.add)
        running = asyncio.create_task(recorder.run())
        try:
            yield recorded
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
