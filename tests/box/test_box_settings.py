"""The section `box:` of the settings file: what is right is used, and what is wrong is told with its line."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest

from appliance.box.__main__ import DEFAULT
from appliance.box.files import FOLDER, NETWORK, files, host_name
from appliance.box.settings import BoxSettings, Wifi, read

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYw0Ov0Yk1s0nXo2a5l4bQvSxgq6y6tqk1m2o3p4q5r owner"
WPA = f"{FOLDER}/wpa_supplicant.conf"


def settings_of(text: str) -> tuple[BoxSettings, list[str]]:
    """What is read, and what is reported, as `LINE KEY WORDS`."""
    told: list[str] = []

    def report(line: int | None, column: int | None, key: str | None, what: str) -> None:
        told.append(f"{line} {key} {what}")

    return read(text, report, lambda name: name in ("Europe/Berlin", "Etc/UTC")), told


def test_everything_at_once() -> None:
    text = f"""\
orders: {{warn_after: nonsense, is: not ours}}
box:
  hostname: tt-kitchen
  timezone: Europe/Berlin
  time_server: ntp.example.org
  ssh_key: "{KEY}"
  wifi:
    country: NO
    name: "Café"
    password: 12345678
  address: 192.168.1.50/24
  gateway: 192.168.1.1
  dns: [192.168.1.1, 9.9.9.9]
"""
    settings, told = settings_of(text)
    assert told == []
    assert settings == BoxSettings(
        hostname="tt-kitchen",
        timezone="Europe/Berlin",
        time_server="ntp.example.org",
        ssh_key=KEY,
        # YAML takes these for false and for a number.
        wifi=Wifi("NO", "Café", "12345678"),
        address=IPv4Interface("192.168.1.50/24"),
        gateway=IPv4Address("192.168.1.1"),
        dns=(IPv4Address("192.168.1.1"), IPv4Address("9.9.9.9")),
    )


@pytest.mark.parametrize("text", ["", "box:\n", "orders: {}\n", "[1, 2]\n", "box: {wifi: null}\n", DEFAULT])
def test_nothing_set(text: str) -> None:
    assert settings_of(text) == (BoxSettings(), [])
    assert files(BoxSettings()) == {}


def test_a_broken_file_is_told() -> None:
    settings, told = settings_of("box: {hostname: [\n")
    assert settings == BoxSettings()
    assert len(told) == 1


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ("hostname: two words", "box.hostname", "letters, digits"),
        ("hostname: -dash", "box.hostname", "letters, digits"),
        ("hostname: [a]", "box.hostname", "one value"),
        ("timezone: Europe/Atlantis", "box.timezone", "Europe/Berlin"),
        ("timezone: ../../etc/passwd", "box.timezone", "no time zone"),
        ("time_server: 'a b'", "box.time_server", "host's name"),
        ("ssh_key: -----BEGIN OPENSSH PRIVATE KEY-----", "box.ssh_key", ".pub file"),
        (f'ssh_key: "{KEY}\\ncommand=x"', "box.ssh_key", "one line"),
        ("address: 192.168.1.50", "box.address", "/24"),
        ("address: 192.168.1.300/24", "box.address", "192.168.1.50/24"),
        ("address: 192.168.1.50/32", "box.address", "/24"),
        ("wifi: Café", "box.wifi", "country, name, password"),
        ("colour: red", "box.colour", "hostname, timezone"),
        ("wifi: {ssid: x}", "box.wifi.ssid", "country, name, password"),
        ("wifi: {name: x, country: Germany}", "box.wifi.country", "two letters"),
        ("wifi: {name: 123456789012345678901234567890123}", "box.wifi.name", "32 bytes"),
        ("wifi: {password: longenough}", "box.wifi.name", "missing"),
        ("gateway: 10.0.0.1", "box.gateway", "only used with an address"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_rest_is_used(line: str, key: str, words: str) -> None:
    settings, told = settings_of(f"box:\n  dns: 9.9.9.9\n  {line}\n")
    told = [each for each in told if "box.dns" not in each]
    assert len(told) == 1, told
    assert told[0].startswith(f"3 {key} ")
    assert words in told[0]
    assert settings.dns == (IPv4Address("9.9.9.9"),)


def test_a_router_of_another_network_is_left_out() -> None:
    settings, told = settings_of("box:\n  address: 192.168.1.50/24\n  gateway: 10.0.0.1\n")
    assert told == ["3 box.gateway is not in the network 192.168.1.0/24"]
    assert (settings.address, settings.gateway) == (IPv4Interface("192.168.1.50/24"), None)


def test_a_wrong_password_is_not_told_and_does_not_make_the_network_an_open_one() -> None:
    settings, told = settings_of("box:\n  wifi: {name: Bar, password: hunter2}\n")
    assert len(told) == 1
    assert "hunter2" not in told[0]
    assert "this has 7" in told[0]
    assert files(settings) == {}


def test_wifi() -> None:
    made = files(BoxSettings(wifi=Wifi("DE", 'Bar "1"', "correct horse")))
    assert made[WPA].mode == 0o600
    lines = [line.strip() for line in made[WPA].content.splitlines()]
    assert "country=DE" in lines
    assert "ssid=" + b'Bar "1"'.hex() in lines


def test_the_wifi_key_is_that_of_the_standard() -> None:
    """IEEE 802.11i has this example."""
    content = files(BoxSettings(wifi=Wifi(None, "IEEE", "password")))[WPA].content
    assert "psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n" in content


def test_an_open_wifi_and_a_raw_key() -> None:
    assert "key_mgmt=NONE" in files(BoxSettings(wifi=Wifi(None, "Bar", None)))[WPA].content
    raw = "ab" * 32
    content = files(BoxSettings(wifi=Wifi(None, "Bar", raw)))[WPA].content
    assert f"psk={raw}\n" in content
    assert "sae_password" not in content


@pytest.mark.parametrize(("wifi", "kind"), [(Wifi(), "ether"), (Wifi(None, "Bar", None), "wlan")])
def test_a_fixed_address_is_for_the_one_interface_that_is_used(wifi: Wifi, kind: str) -> None:
    settings = BoxSettings(
        wifi=wifi,
        address=IPv4Interface("192.168.1.50/24"),
        gateway=IPv4Address("192.168.1.1"),
        dns=(IPv4Address("9.9.9.9"),),
    )
    content = files(settings)[f"{NETWORK}/10-set.network"].content
    assert content.startswith(f"[Match]\nType={kind}\n")
    assert {"Address=192.168.1.50/24", "Gateway=192.168.1.1", "DNS=9.9.9.9"} <= set(content.splitlines())
    assert "DHCP" not in content


def test_a_key_opens_the_way_in() -> None:
    made = files(BoxSettings(ssh_key=KEY))
    assert made[f"{FOLDER}/authorized_keys"].content == f"restrict,pty {KEY}\n"
    assert made[f"{FOLDER}/authorized_keys"].mode == 0o600
    assert "dport 22" in made[f"{FOLDER}/nftables/ssh.nft"].content


@pytest.mark.parametrize(
    ("hostname", "serial", "name"),
    [
        (None, "10000000a1b2c3d4", "tt-appliance-c3d4"),
        (None, "10000000A1B2C3D4", "tt-appliance-c3d4"),
        (None, "", "tt-appliance"),
        ("tt-kitchen", "10000000a1b2c3d4", "tt-kitchen"),
    ],
)
def test_the_name(hostname: str | None, serial: str, name: str) -> None:
    assert host_name(BoxSettings(hostname=hostname), serial) == name
