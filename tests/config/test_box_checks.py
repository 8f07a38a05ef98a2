"""Settings of the machine itself: which values are valid, and that no message repeats a password."""

from __future__ import annotations

import base64

import pytest

from appliance.config import ConfigError, WifiConfig, parse

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x20" + bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "section", "name", "value"),
    [
        ("wifi: {country: NO}", "wifi", "country", "NO"),
        ("wifi: {country: de}", "wifi", "country", "DE"),
        ("wifi: {name: Küche}", "wifi", "name", "Küche"),
        ('wifi: {password: "12345678"}', "wifi", "password", "12345678"),
        ("network: {address: 192.168.1.50/24}", "network", "address", "192.168.1.50/24"),
        ("network: {address: 10.0.0.7/8, router: 10.1.2.3}", "network", "router", "10.1.2.3"),
        ("network: {dns: 9.9.9.9}", "network", "dns", ("9.9.9.9",)),
        ('network: {dns: [192.168.1.1, "fe80::1"]}', "network", "dns", ("192.168.1.1", "fe80::1")),
        ("box: {host_name: Kitchen-1}", "box", "host_name", "kitchen-1"),
        ("box: {time_zone: Europe/Berlin}", "box", "time_zone", "Europe/Berlin"),
        ("box: {time_server: ntp.example.org}", "box", "time_server", "ntp.example.org"),
        (f"box: {{ssh_key: {KEY} me@laptop}}", "box", "ssh_key", f"{KEY} me@laptop"),
    ],
)
def test_valid_settings_of_the_machine(text: str, section: str, name: str, value: object) -> None:
    assert getattr(getattr(parse(text, "tt.yaml"), section), name) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wifi: {country: Germany}", "two letters"),
        (f"wifi: {{name: {'x' * 33}}}", "at most 32 bytes"),
        ("wifi: {password: 12345678}", "in quotes"),
        ("wifi: {password: short}", "8 to 63"),
        ("network: {address: 192.168.1.50}", "192.168.1.50/24"),
        ("network: {address: 192.168.1.0/24}", "not the address of a device"),
        ("network: {address: 192.168.1.300/24}", "must be an address"),
        ("network: {router: 192.168.1.1}", "needs network.address"),
        ("network: {address: 192.168.1.50/24, router: 192.168.2.1}", "must be in the network"),
        ("network: {dns: [here]}", "must be an address"),
        ("box: {host_name: my kitchen}", "letters, digits and hyphens"),
        ("box: {time_zone: Europe/Berln}", "did you mean Europe/Berlin"),
        ("box: {time_zone: ../../etc/passwd}", "must be a time zone"),
        ("box: {time_server: a b}", "time server"),
        ("box: {ssh_key: AAAA}", "must begin with its type"),
        ("box: {ssh_key: ssh-ed25519 AAAAC3Nz}", "truncated"),
        ('box: {ssh_key: "-----BEGIN OPENSSH PRIVATE KEY-----"}', "not the private key"),
    ],
)
def test_invalid_settings_of_the_machine(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"^tt\.yaml:1: ") as caught:
        parse(text, "tt.yaml")
    assert words in str(caught.value)


def test_no_message_repeats_a_password() -> None:
    for wrong in ("sécret-word", "s3cret", "x" * 64):
        with pytest.raises(ConfigError) as caught:
            parse(f"wifi: {{password: {wrong}}}", "tt.yaml")
        assert wrong not in str(caught.value)
    for text in (
        "password: !s3cret-word",
        "password: *s3cret-word",
        "password: &s3cret-word",
        "password:s3cret-word: x",
    ):
        with pytest.raises(ConfigError) as caught:
            parse(f"wifi:\n  name: Bar\n  {text}\n", "tt.yaml")
        assert "s3cret" not in str(caught.value)
    assert "s3cret-word" not in repr(WifiConfig(password="s3cret-word"))
