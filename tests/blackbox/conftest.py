"""The rig of the black-box tests: a lab with gateways and boxes, and checks that run after each test."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox import lab
from tests.blackbox.boxes import Box
from tests.blackbox.gateways import OtherGateway
from tests.blackbox.lab import Host, Lab

missing = functools.cache(lab.missing)


class Rig:
    """A lab with gateways and boxes. Ends them all, and checks that no box revealed a token."""

    def __init__(self, directory: Path) -> None:
        self.lab = Lab()
        self._directory = directory
        self._boxes: list[Box] = []
        self._gateways: list[OtherGateway] = []
        self._own: set[str] = set()

    def gateway(
        self,
        address: int | None,
        name: str,
        port: int = 8000,
        *,
        token: str | None = None,
        advertise: bool = True,
        listen: str = "0.0.0.0",
    ) -> OtherGateway:
        """Start a gateway on a new host. listen: the address of its server."""
        gateway = OtherGateway(self.lab.host(address), name, port, token=token, listen=listen)
        self._gateways.append(gateway)
        if advertise:
            gateway.advertise()
        return gateway

    def box(self, host: Host, config: str = "", *, paired: OtherGateway | None = None, start: bool = True) -> Box:
        """Create a box. paired: the gateway whose token it has."""
        box = Box(host, self._directory / f"box{len(self._boxes)}", config)
        self._boxes.append(box)
        if paired is not None:
            token = self.token()
            paired.do("tokens", keep=[token])
            box.hold_token(paired.name, token)
        if start:
            box.start()
        return box

    def token(self) -> str:
        """A new token, which no box may reveal."""
        self._own.add(token := secrets.token_hex(24))
        return token

    def close(self) -> None:
        """End everything despite failures, then raise the first failure."""
        failures: list[AssertionError] = []
        known = self._own.union(*(gateway.secrets for gateway in self._gateways))
        for box in self._boxes:
            try:
                box.close(known)
            except AssertionError as failure:
                failures.append(failure)
        for gateway in self._gateways:
            try:
                gateway.close()
            except AssertionError as failure:
                failures.append(failure)
        self.lab.close()
        if failures:
            raise failures[0]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    if (why := missing()) is not None:
        pytest.skip(why)
    rig = Rig(tmp_path)
    try:
        yield rig
    finally:
        rig.close()
