"""Settings of the machine itself: which values are valid."""

from __future__ import annotations

import pytest

from appliance.config import ConfigError, parse
from tests.config.ssh_keys import ssh_key

KEY = ssh_key(0)


@pytest.mark.parametrize(
    ("text", "section", "name", "value"),
    [
        ("wifi: {country: NO}", "wifi", "country", "NO"),
        ("wifi: {country: de}", "wifi", "country", "DE"),
        ("wifi: {country: UK}", "wifi", "country", "GB"),
        ("network: {address: 192.168.1.50/24}", "network", "address", "192.168.1.50/24"),
        ("network: {address: 10.0.0.7/8, router: 10.1.2.3}", "network", "router", "10.1.2.3"),
        ("network: {dns: 9.9.9.9}", "network", "dns", ("9.9.9.9",)),
        ('network: {dns: [192.168.1.1, "fe80::1"]}', "network", "dns", ("192.168.1.1", "fe80::1")),
        ("network: {dns: '9.9.9.9, 1.1.1.1'}", "network", "dns", ("9.9.9.9", "1.1.1.1")),
        ("network: {dns: [fe80::1%eth0]}", "network", "dns", ("fe80::1%eth0",)),
        ("network:\n  address: [2001:db8::50]/64\n", "network", "address", "2001:db8::50/64"),
        ("network: {address: 2001:db8::50/64}", "network", "address", "2001:db8::50/64"),
        ("network: {address: 192.168.1.50/255.255.255.0}", "network", "address", "192.168.1.50/24"),
        ("network: {address: 2001:db8::50/64, router: 2001:db8::1}", "network", "router", "2001:db8::1"),
        ("network: {address: 2001:db8::50/64, router: fe80::1%eth0}", "network", "router", "fe80::1%eth0"),
        ("network:\n  address: 2001:db8::50/64\n  router: [fe80::1]\n", "network", "router", "fe80::1"),
        ("box: {time_server: 2001:db8::5}", "box", "time_server", "2001:db8::5"),
        ("box:\n  time_server: [2001:db8::5]\n", "box", "time_server", "2001:db8::5"),
        ("box: {host_name: Kitchen-1}", "box", "host_name", "kitchen-1"),
        ("box: {time_zone: Europe/Berlin}", "box", "time_zone", "Europe/Berlin"),
        ("box: {time_server: ntp.example.org}", "box", "time_server", "ntp.example.org"),
        (f"box: {{ssh_key: {KEY} me@laptop}}", "box", "ssh_key", (f"{KEY} me@laptop",)),
        (f"box:\n  ssh_key: {KEY}\n    me@laptop\n", "box", "ssh_key", (f"{KEY} me@laptop",)),
        (f"box:\n  ssh_key: |\n    {KEY} a\n\n    # b\n    {KEY} b\n", "box", "ssh_key", (f"{KEY} a", f"{KEY} b")),
        (f"box:\n  ssh_key:\n    - {KEY} a\n    - {KEY} b\n", "box", "ssh_key", (f"{KEY} a", f"{KEY} b")),
        (f'box: {{ssh_key: "{KEY} a\\n{KEY} b"}}', "box", "ssh_key", (f"{KEY} a", f"{KEY} b")),
    ],
)
def test_valid_settings_of_the_machine(text: str, section: str, name: str, value: object) -> None:
    assert getattr(getattr(parse(text, "tt.yaml"), section), name) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wifi: {country: Germany}", "two letters"),
        ("wifi: {country: AO}", "no radio rules for AO"),
        (f"wifi: {{name: {'x' * 33}}}", "at most 32 bytes"),
        ("network: {address: 192.168.1.50}", "192.168.1.50/24"),
        ("network: {address: 192.168.1.0/24}", "an address that a device can have"),
        ("network: {address: 0.0.0.0/0}", "an address that a device can have"),
        ("network: {address: '2001:db8::50'}", "usually 2001:db8::50/64"),
        ("network: {address: 192.168.1.300/24}", "must be an address"),
        ("network: {router: 192.168.1.1}", "needs network.address"),
        ("network: {address: 192.168.1.50/24, router: 192.168.2.1}", "must be in the network"),
        ("network: {dns: [here]}", "must be an address"),
        ("network: {dns: [0.0.0.0]}", "must be an address"),
        (r'network: {dns: ["fe80::1%a\nb"]}', "must be an address"),
        ("box: {host_name: my kitchen}", "letters, digits and -"),
        ("box: {time_zone: Europe/Berln}", "did you mean Europe/Berlin"),
        ("box: {time_zone: ../../etc/passwd}", "must be a time zone"),
        ("box: {time_server: a b}", "time server"),
        ("box: {ssh_key: AAAA}", "must begin with its type"),
        ("box: {ssh_key: ssh-ed25519 AAAAC3Nz}", "incomplete"),
        (f"box: {{ssh_key: {KEY[:-4]} me}}", "incomplete"),
        (f"box: {{ssh_key: {KEY} a {KEY} b}}", "two keys"),
        (f"box: {{ssh_key: 'from=\"10.0.0.1\" {KEY}'}}", "must begin with its type"),
        ('box: {ssh_key: "-----BEGIN OPENSSH PRIVATE KEY-----"}', "not be a private key"),
    ],
)
def test_invalid_settings_of_the_machine(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"^tt\.yaml:\d: ") as caught:
        parse(text, "tt.yaml")
    assert words in str(caught.value)
