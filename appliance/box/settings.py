"""The section `box:` of the settings file, read key by key: what is wrong is reported and left out, the rest is used.

Pure. Everything outside the section is the appliance's own, and not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from appliance import yaml_lines
from appliance.yaml_lines import Mapping, Node, Report, Scalar, Sequence

SECTION = "box"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
_KEY = re.compile(
    r"(?:sk-)?(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\.com)?"
    r" [A-Za-z0-9+/]{40,}={0,3}(?: [^\n]*)?"
)
_PASSWORD = re.compile(r"[ -~]{8,63}|[0-9A-Fa-f]{64}")
_SSID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wifi:
    """One wireless network. country: ISO 3166, two letters. password: None for an open network."""

    country: str | None = None
    name: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class BoxSettings:
    """What is set; None, or empty, where the box decides by itself."""

    hostname: str | None = None
    timezone: str | None = None
    time_server: str | None = None
    ssh_key: str | None = None
    wifi: Wifi = Wifi()
    address: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()


def read(text: str, report: Report, is_zone: Callable[[str], bool]) -> BoxSettings:
    """The settings in a file's text, as far as they can be used. is_zone: whether a time zone of that name exists."""
    root = yaml_lines.read(text, report)
    section = _child(root, SECTION)
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    if isinstance(section, Mapping):
        _collect(section, "", {**_CHECKS, "timezone": lambda node: _zone(node, is_zone)}, values, lines, report)
    elif not _is_null(section):
        report(section.line if section else None, None, SECTION, "must hold keys of its own, indented below it")
    wifi = Wifi(*(values.pop(f"wifi.{key}", None) for key in _WIFI))
    return _consistent(BoxSettings(wifi=wifi, **values), lines, report)


def _collect(
    mapping: Mapping,
    prefix: str,
    checks: dict[str, Callable[[Node], Any]],
    values: dict[str, Any],
    lines: dict[str, int],
    report: Report,
) -> None:
    for entry in mapping.entries:
        key = prefix + entry.key
        dotted = f"{SECTION}.{key}"
        if key == "wifi" and isinstance(entry.node, Mapping):
            _collect(entry.node, "wifi.", checks, values, lines, report)
        elif key not in checks and key != "wifi":
            known = ", ".join(_WIFI if prefix else _KEYS)
            report(entry.line, None, dotted, f"unknown key; known here are {known}")
        elif _is_null(entry.node):
            continue
        elif key == "wifi":
            report(entry.line, None, dotted, "must hold keys of its own, indented below it: country, name, password")
        else:
            lines[key] = entry.line
            try:
                values[key] = checks[key](entry.node)
            except ValueError as error:
                report(entry.node.line, None, dotted, str(error))


def _consistent(settings: BoxSettings, lines: dict[str, int], report: Report) -> BoxSettings:
    """What belongs together is there together; else a part that makes no sense alone is left out."""
    if settings.wifi.name is None and (settings.wifi.password or settings.wifi.country) and "wifi.name" not in lines:
        line = lines.get("wifi.password", lines.get("wifi.country"))
        report(line, None, f"{SECTION}.wifi.name", "is missing, so there is no Wi-Fi to join")
    if settings.wifi.name is not None and settings.wifi.password is None and "wifi.password" in lines:
        # Wrong, not absent: the box must not look for an open network of that name.
        settings = replace(settings, wifi=replace(settings.wifi, name=None))
    for key in ("gateway", "dns"):
        if getattr(settings, key) and settings.address is None and "address" not in lines:
            report(lines[key], None, f"{SECTION}.{key}", "is only used with an address")
    if settings.gateway and settings.address and settings.gateway not in settings.address.network:
        report(lines["gateway"], None, f"{SECTION}.gateway", f"is not in the network {settings.address.network}")
        settings = replace(settings, gateway=None)
    return settings


def _child(root: Node | None, name: str) -> Node | None:
    if isinstance(root, Mapping):
        for entry in root.entries:
            if entry.key == name:
                return entry.node
    return None


def _is_null(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.kind == "null")


def _text(node: Node) -> str:
    """What was written, whatever YAML takes it for: `NO` is a country, and 12345678 a password. Raises ValueError."""
    if not isinstance(node, Scalar):
        raise ValueError("must be one value")
    return node.text


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Node], str]:
    def check(node: Node) -> str:
        text = _text(node)
        if not pattern.fullmatch(text):
            raise ValueError(what)
        return text

    return check


def _secret(node: Node) -> str:
    text = _text(node)
    if not _PASSWORD.fullmatch(text):
        # Its value is nobody's business, on the display least of all.
        raise ValueError(f"must be 8 to 63 plain characters, or 64 hexadecimal digits; this has {len(text)}")
    return text


def _ssid(node: Node) -> str:
    text = _text(node)
    if not 0 < len(text.encode()) <= _SSID_BYTES:
        raise ValueError(f"must be 1 to {_SSID_BYTES} bytes long")
    return text


def _country(node: Node) -> str:
    text = _text(node).upper()
    if not re.fullmatch("[A-Z]{2}", text):
        raise ValueError("must be two letters, such as DE or US")
    return text


def _zone(node: Node, is_zone: Callable[[str], bool]) -> str:
    text = _text(node)
    if not _ZONE.fullmatch(text) or not is_zone(text):
        raise ValueError(f"there is no time zone {text!r}; write it as Europe/Berlin")
    return text


def _address(node: Node) -> IPv4Interface:
    text = _text(node)
    try:
        address = IPv4Interface(text)
    except ValueError:
        raise ValueError(
            f"must be an address with its network's length, such as 192.168.1.50/24, not {text!r}"
        ) from None
    if "/" not in text or address.network.prefixlen > 30:
        raise ValueError("needs the network's length, as in 192.168.1.50/24")
    return address


def _ip(node: Node) -> IPv4Address:
    text = _text(node)
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError(f"must be an address such as 192.168.1.1, not {text!r}") from None


def _ips(node: Node) -> tuple[IPv4Address, ...]:
    return tuple(_ip(item) for item in node.items) if isinstance(node, Sequence) else (_ip(node),)


_CHECKS: dict[str, Callable[[Node], Any]] = {
    "hostname": _matching(re.compile(_LABEL), "must be letters, digits and hyphens, 63 at most"),
    "time_server": _matching(_HOST, "must be a host's name or address"),
    "ssh_key": _matching(
        _KEY, "must be one line such as ssh-ed25519 AAAA… name; it is the public key, from a .pub file"
    ),
    "wifi.country": _country,
    "wifi.name": _ssid,
    "wifi.password": _secret,
    "address": _address,
    "gateway": _ip,
    "dns": _ips,
}
_KEYS = ("hostname", "timezone", "time_server", "ssh_key", "wifi", "address", "gateway", "dns")
_WIFI = ("country", "name", "password")
