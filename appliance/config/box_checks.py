"""Checks (see `checks`) of the settings that the SD card image applies at boot: Wi-Fi, network, host, time, SSH key."""

from __future__ import annotations

import re
from pathlib import Path

from appliance.config.checks import host_like, nearest, scalar_of, shown, text_of
from appliance.config.yaml_lines import Node, Sequence

ZONES = Path("/usr/share/zoneinfo")
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""Types of public keys that OpenSSH accepts (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""


def country(node: Node) -> str:
    """A country code (ISO 3166-1). Needs no quotes: NO is Norway, although it is a boolean in YAML."""
    must = "must be the two letters of a country, such as DE"
    text = scalar_of(node, must).text.upper()
    if not re.fullmatch("[A-Z]{2}", text):
        raise ValueError(f"{must}, not {shown(node)}")
    return text


def wifi_name(node: Node) -> str:
    """A wireless network's name: 1 to 32 bytes (IEEE 802.11, SSID), without control characters."""
    must = "must be the name of a wireless network"
    text = text_of(node, must)
    if len(text.encode()) > 32:
        raise ValueError(f"{must}, of at most 32 bytes")
    if not text.isprintable():
        raise ValueError(f"{must}, without control characters")
    return text


def wifi_password(node: Node) -> str:
    """A wireless network's password: 8 to 63 printable ASCII characters (IEEE 802.11). Not repeated in errors."""
    must = "must be the network's password, 8 to 63 plain characters"
    found = scalar_of(node, must)
    if found.kind != "str":
        raise ValueError(f"{must}; put it in quotes")
    if not re.fullmatch("[ -~]{8,63}", found.text):
        raise ValueError(f"{must}, without other characters, not {len(found.text)}")
    return found.text


def own_address(node: Node) -> str:
    """An address with the length of its network's prefix, such as 192.168.1.50/24."""
    from ipaddress import ip_interface

    must = "must be an address with its network's length, such as 192.168.1.50/24"
    text = text_of(node, must)
    try:
        interface = ip_interface(text)
    except ValueError:
        raise ValueError(f"{must}, not {shown(node)}") from None
    if "/" not in text or interface.network.num_addresses == 1:
        raise ValueError(f"{must}; usually {interface.ip}/24")
    if interface.version == 4 and interface.ip in (
        interface.network.network_address,
        interface.network.broadcast_address,
    ):
        raise ValueError(f"{must}; {interface.ip} is not the address of a device in that network")
    return interface.with_prefixlen


def an_address(node: Node) -> str:
    """An IP address."""
    from ipaddress import ip_address

    must = "must be an address, such as 192.168.1.1"
    text = text_of(node, must)
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"{must}, not {shown(node)}") from None


def addresses(node: Node) -> tuple[str, ...]:
    """A list of IP addresses, or a single one."""
    return tuple(an_address(item) for item in (node.items if isinstance(node, Sequence) else (node,)))


def host_name(node: Node) -> str:
    """One label of a DNS name (RFC 1123, 2.1)."""
    must = "must be letters, digits and hyphens, at most 63, such as kitchen-1"
    text = text_of(node, must)
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", text) or text.isdecimal():
        raise ValueError(f"{must}, not {shown(node)}")
    return text.lower()


def time_zone(node: Node) -> str:
    """A time zone of the tz database, such as Europe/Berlin."""
    must = "must be a time zone, such as Europe/Berlin"
    text = text_of(node, must)
    # Without a tz database, accept every name; the image has one.
    if re.fullmatch(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}", text) and (
        (ZONES / text).is_file() or not ZONES.is_dir()
    ):
        return text
    from zoneinfo import available_timezones

    near = nearest(text, tuple(sorted(available_timezones())))
    raise ValueError(f"{must}, not {shown(node)}" + (f"; did you mean {near}?" if near else ""))


def time_server(node: Node) -> str:
    """A host name or an address."""
    must = "must be the name or the address of a time server"
    text = text_of(node, must)
    if not host_like(text):
        raise ValueError(f"{must}, not {shown(node)}")
    return text


def ssh_key(node: Node) -> str:
    """A public key as in a .pub file."""
    import base64
    import binascii

    must = "must be a public key, the one line of a file such as id_ed25519.pub"
    text = " ".join(text_of(node, must).split())
    kind, _, rest = text.partition(" ")
    if "PRIVATE KEY" in text:
        raise ValueError(f"{must}, not the private key; keep that secret, and create a new key pair")
    if kind not in KEY_TYPES:
        raise ValueError(f"{must}; it must begin with its type, such as {KEY_TYPES[0]}")
    if not text.isprintable():
        raise ValueError(f"{must}, without control characters")
    try:
        blob = base64.b64decode(rest.partition(" ")[0], validate=True)
    except binascii.Error:
        blob = b""
    # The key's data repeats its type (RFC 4253, 6.6).
    if not blob.startswith(len(kind).to_bytes(4) + kind.encode()) or len(blob) < 40:
        raise ValueError(f"{must}; this one is truncated")
    return text
