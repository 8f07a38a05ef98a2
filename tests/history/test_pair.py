"""Pairing a computer: the token, its file, the two minutes, and the failures."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from appliance.config import Config, GatewayConfig
from appliance.core.events import Event, GatewayFound
from appliance.core.values import Address, Credential, Gateway
from appliance.gateway import discovery
from appliance.gateway.http import NoAnswerError
from appliance.history import pair as module
from appliance.history.locate import typed_address
from appliance.history.pair import Paired, pair
from appliance.history.paths import NotPairedError, find_state_directory, user_directory
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "tt-appliance"


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway("Bar") as running:
        yield running


def config(gateway: SimulatedGateway) -> Config:
    return Config(gateway=GatewayConfig(Address(gateway.host, gateway.port)))


async def test_a_press_pairs_the_computer(
    gateway: SimulatedGateway, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairing = asyncio.create_task(pair(config(gateway)))
    while "Press the button" not in (prompt := capsys.readouterr().out):  # noqa: ASYNC110 - a print has no event
        await asyncio.sleep(0.02)
    assert gateway.address in prompt
    gateway.press_button()
    paired = await pairing
    assert isinstance(paired, Paired)
    credential = paired.credential
    assert str(paired.address) == gateway.address
    assert credential.gateway == gateway.address
    kept = json.loads((home / "token.json").read_text())
    assert kept["token"] == credential.token.reveal()
    assert stat.S_IMODE((home / "token.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == ["token.json"]
    assert not gateway.window_open
    assert find_state_directory(Config(), chosen=False).credential == credential
    printed = capsys.readouterr()
    assert credential.token.reveal() not in printed.out + printed.err


class TwoInSight:
    """A fake discovery that reports two gateways."""

    def __init__(self, *gateways: SimulatedGateway) -> None:
        self.gateways = gateways

    def __call__(
        self, emit: Callable[[Event], None], only: str | None, interfaces: object, listener: None
    ) -> TwoInSight:
        for gateway in self.gateways:
            if only in (None, gateway.name):
                address = Address(gateway.host, gateway.port)
                emit(GatewayFound(Gateway(gateway.name, (address,))))
        return self

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def two(gateway: SimulatedGateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedGateway]:
    """A second gateway with an open pairing window."""
    monkeypatch.setattr(module, "OTHERS", 0.0)
    monkeypatch.setattr(module, "ASK_EVERY", 0.05)
    async with SimulatedGateway("Neighbour") as other:
        monkeypatch.setattr(discovery, "Discovery", TwoInSight(gateway, other))
        other.press_button()
        yield other


@pytest.mark.parametrize("sure", [True, False])
async def test_the_pressed_one_of_several_gateways_needs_confirmation(
    two: SimulatedGateway, home: Path, sure: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Gateway] = []

    def confirm(gateway: Gateway) -> bool:
        asked.append(gateway)
        return sure

    paired = await pair(Config(), confirm)
    assert [(one.name, str(one.addresses[0])) for one in asked] == [("Neighbour", two.address)]
    assert isinstance(paired, Paired) is sure
    assert (home / "token.json").exists() is sure
    assert f"Neighbour at {two.address}" in capsys.readouterr().out


async def test_without_a_terminal_one_of_several_gateways_must_be_named(two: SimulatedGateway, home: Path) -> None:
    refused = await pair(Config())
    assert refused == "found several gateways; choose one with --gateway: Bar, Neighbour"
    assert two.window_open, "no gateway issued a token"
    paired = await pair(Config(gateway=GatewayConfig(name="Neighbour")))
    assert isinstance(paired, Paired)
    assert paired.credential.gateway == "Neighbour"


async def test_pairing_times_out_without_a_press(
    gateway: SimulatedGateway, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAIRING_WINDOW", 0.3)
    monkeypatch.setattr(module, "ASK_EVERY", 0.05)
    assert await pair(config(gateway)) == "pairing timed out: the gateway's button was not pressed within two minutes"
    assert not home.exists()


async def test_a_late_token_is_stored(gateway: SimulatedGateway, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRING_WINDOW", 0.3)
    monkeypatch.setattr(module, "ASK_EVERY", 0.05)
    gateway.silent = True
    pairing = asyncio.create_task(pair(config(gateway)))
    await asyncio.sleep(0.6)
    gateway.press_button()
    gateway.silent = False
    assert isinstance(await pairing, Paired)
    assert (home / "token.json").exists()


async def test_a_missing_gateway_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRING_WINDOW", 0.3)
    monkeypatch.setattr(module, "ASK_EVERY", 0.05)

    async def nobody(*_: object) -> None:
        raise NoAnswerError("nobody")

    monkeypatch.setattr("appliance.gateway.api.get", nobody)
    assert (
        await pair(Config(gateway=GatewayConfig(Address("127.0.0.1", 9))))
        == "the gateway does not respond; check that it is on and in the same network"
    )


def test_the_named_settings_come_first_and_need_only_an_archive(tmp_path: Path, home: Path) -> None:
    from appliance.core.values import Token

    box = tmp_path / "box"
    settings = Config(state_dir=box)
    with pytest.raises(NotPairedError, match="tt-appliance pair"):
        find_state_directory(settings, chosen=True)
    box.mkdir()
    (box / "history.sqlite3").touch()
    assert find_state_directory(settings, chosen=True).directory == box
    TokenStore(home).store(Credential("Laptop's", Token("a" * 48)))
    assert find_state_directory(settings, chosen=True).directory == home
    TokenStore(box).store(Credential("Box's", Token("b" * 48)))
    assert find_state_directory(settings, chosen=True).directory == box
    assert find_state_directory(settings, chosen=False).directory == home


def test_a_relative_state_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "here")
    monkeypatch.setenv("HOME", "/home/anna")
    assert user_directory() == Path("/home/anna/.local/state/tt-appliance")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192.168.1.20:8000", Address("192.168.1.20", 8000)),
        ("[fe80::1%eth0]:81", Address("fe80::1%eth0", 81)),
        ("gateway.local:8000", Address("gateway.local", 8000)),
        ("Bar", None),
        ("Bar: the second", None),
        ("Bar 2:30", None),
    ],
)
def test_a_gateway_from_the_settings_is_named_by_its_address(name: str, address: Address | None) -> None:
    assert typed_address(name) == address
