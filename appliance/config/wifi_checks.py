"""Checks (see `checks`) of the Wi-Fi's settings. No message repeats a password."""

from __future__ import annotations

import re

from appliance.config.checks import scalar_of, shown, text_of
from appliance.config.countries import COUNTRIES
from appliance.config.yaml_lines import Node

LONGEST_NAME = 32
"""Bytes of a network's name (IEEE 802.11, SSID), which may be any."""
KEY = re.compile("[0-9A-Fa-f]{64}")
"""The key itself, as WPA2 derives it from a password."""


def country(node: Node) -> str:
    """A country code (ISO 3166-1). Needs no quotes: NO is Norway, although it is a boolean in YAML."""
    must = "must be the two letters of a country, such as DE"
    code = scalar_of(node, must).text.strip().upper()
    if not re.fullmatch("[A-Z]{2}", code):
        raise ValueError(f"{must}, not {shown(node)}")
    if code == "UK":
        # A reserved code of the same country, which the radio's rules do not have.
        return "GB"
    if code not in COUNTRIES:
        raise ValueError(f"no radio rules for {code} are known; delete the line, or correct it")
    return code


def name(node: Node) -> str:
    """A wireless network's name: 1 to 32 bytes of any kind (IEEE 802.11, SSID)."""
    text = text_of(node, "must be the name of a wireless network")
    size = len(text.encode())
    if size > LONGEST_NAME:
        raise ValueError(f"must have at most {LONGEST_NAME} bytes, not {size}")
    return text


def password(node: Node) -> str:
    """A wireless network's password: 8 to 63 bytes (IEEE 802.11), in UTF-8 as phones send it; or a key of 64 digits."""
    text = text_of(node, "must be the network's password")
    size = len(text.encode())
    if KEY.fullmatch(text):
        return text.lower()
    if re.search("[\x00-\x1f\x7f-\x9f]", text):
        raise ValueError("has a control character, such as a tab; correct it")
    if not 8 <= size <= 63:
        what = "characters" if text.isascii() else "bytes (a letter such as ü is 2)"
        raise ValueError(f"must have 8 to 63 {what}, not {size}")
    return text
