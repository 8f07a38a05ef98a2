"""Suggests the setting that an unknown key was meant to be."""

from __future__ import annotations

import re
from types import MappingProxyType

from appliance.config.checks import nearest
from appliance.config.keys import KEYS, SECTIONS

OTHER_NAMES = MappingProxyType(
    dict.fromkeys(("psk", "key", "passphrase", "pass", "pwd", "pw", "wpa_psk", "passwort", "kennwort"), "wifi.password")
    | dict.fromkeys(("ssid", "essid", "network_name"), "wifi.name")
    | dict.fromkeys(("wlan", "wireless", "wi-fi"), "wifi")
    | dict.fromkeys(("no_password", "open_network"), "wifi.open")
    | dict.fromkeys(("ip", "ip_address", "static_ip"), "network.address")
    | dict.fromkeys(("default_gateway", "gateway_ip"), "network.router")
    | dict.fromkeys(("nameserver", "nameservers", "dns_server", "dns_servers"), "network.dns")
    | dict.fromkeys(("ntp", "ntp_server"), "box.time_server")
    | dict.fromkeys(("ssh_keys", "authorized_keys", "public_key"), "box.ssh_key")
    | dict.fromkeys(("takeaway", "take_away", "takeout", "take_out"), "orders.to_go")
    | dict.fromkeys(("preset", "board", "boards", "hat", "bonnet", "build"), "hardware")
    | {"tz": "box.time_zone"}
)
"""Names of the same things in other programs, and the settings that they mean."""

LONGEST_LIST = 50
"""Characters of a list of settings that the display has room for."""


def suggest(key: str, section: str) -> str | None:
    """The section or dotted key that an unknown key in a section was most likely meant to be; None if unlike any."""
    if section == "network" and key.lower() == "gateway":
        return "network.router"
    by_name = _names_in(section)
    near = nearest(key, tuple(by_name))
    if near:
        return by_name[near]
    other = OTHER_NAMES.get(key.lower())
    if other:
        return other
    # Of two keys of one name, the one with the shorter path.
    deepest_first = sorted((*KEYS, *SECTIONS), key=lambda dotted: -dotted.count("."))
    elsewhere = {dotted.split(".")[-1]: dotted for dotted in deepest_first}
    # As wifi_password and wifiPassword are to wifi.password.
    elsewhere |= {dotted.replace(".", "_"): dotted for dotted in KEYS}
    near = nearest(key, tuple(elsewhere))
    return elsewhere[near] if near else None


def hint(key: str, section: str) -> str:
    """What to write instead of an unknown key."""
    dotted = f"{section}.{key}" if section else key
    if "." in key and (dotted in KEYS or dotted in SECTIONS):
        parent, name = dotted.rsplit(".", 1)
        return f"write {name} indented below {parent.rsplit('.', 1)[-1]}:"
    suggestion = suggest(key, section)
    if suggestion:
        return f"did you mean {suggestion}?"
    names = ", ".join(_names_in(section))
    return f"valid here: {names}" if len(names) <= LONGEST_LIST else "delete it, or correct its name"


def is_presentable(key: str) -> bool:
    """Whether a dotted key may be repeated in a message: with a misplaced colon, a password would be part of it."""
    return len(key) <= 40 and re.fullmatch(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*", key, re.ASCII) is not None


def _names_in(section: str) -> dict[str, str]:
    """The settings in a section, or at the top, by their names there."""
    prefix = f"{section}." if section else ""
    names = {dotted.removeprefix(prefix): dotted for dotted in (*KEYS, *SECTIONS) if dotted.startswith(prefix)}
    return {name: dotted for name, dotted in names.items() if "." not in name}
