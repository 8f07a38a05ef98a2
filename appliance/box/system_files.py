"""Generates the files below /run that the system's services read, from the settings. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from appliance.config import BoxConfig, Config, NetworkConfig, WifiConfig
from appliance.config.wifi_checks import KEY

FOLDER = "/run/tt-box"
NETWORK = "/run/systemd/network"


@dataclass(frozen=True, slots=True)
class File:
    """A file's content and mode."""

    content: str
    mode: int = 0o644


def host_name(box: BoxConfig, serial: str) -> str:
    """The host name of the settings, or one with the last digits of the board's serial number."""
    if box.host_name:
        return box.host_name
    digits = "".join(character for character in serial if character.isalnum())
    return f"tt-appliance-{digits[-4:].lower()}" if digits else "tt-appliance"


def files(config: Config) -> dict[str, File]:
    """Return the files by path; settings that are not set have none."""
    made: dict[str, File] = {}
    wifi, network, box = config.wifi, config.network, config.box
    if wifi.joinable:
        made[f"{FOLDER}/wpa_supplicant.conf"] = File(_wpa_supplicant(wifi), 0o600)
    if network.address is not None:
        # The address can be on one interface only: the Wi-Fi, if one is set.
        made[f"{NETWORK}/10-set.network"] = File(_network(network, "wlan" if wifi.joinable else "ether"))
    elif network.dns:
        for kind in ("ether", "wlan"):
            # Next to the image's file for DHCP.
            made[f"{NETWORK}/80-{kind}.network.d/dns.conf"] = File(_own_name_servers(network))
    if config.backup.secret is not None:
        made[f"{FOLDER}/backup-secret"] = File(config.backup.secret, 0o600)
    if box.time_server is not None:
        made["/run/systemd/timesyncd.conf.d/set.conf"] = File(f"[Time]\nNTP={_word(box.time_server)}\n")
    if config.update.url is not None:
        channel = {"url": config.update.url, "at": config.update.at}
        made[f"{FOLDER}/channel.json"] = File(json.dumps(channel) + "\n")
    if box.ssh_key:
        made[f"{FOLDER}/authorized_keys"] = File("".join(map(_authorized_key, box.ssh_key)), 0o600)
        made[f"{FOLDER}/nftables/ssh.nft"] = File("add rule inet box input tcp dport 22 ct state new accept\n")
    return made


def _wpa_supplicant(wifi: WifiConfig) -> str:
    """The file of a network to join. Names and passwords are in hexadecimal, because its quotes have no escapes."""
    name, password = (wifi.name or "").encode(), (wifi.password or "").encode()
    # For WPA3, firmware and access points that know the newer method (hash-to-element) refuse the older one.
    lines = ["update_config=0", "p2p_disabled=1", "sae_pwe=2"]
    if wifi.country is not None:
        lines.append(f"country={_word(wifi.country)}")
    lines += ["network={", f"    ssid={name.hex()}", "    scan_ssid=1"]
    if wifi.open:
        lines.append("    key_mgmt=NONE")
    elif KEY.fullmatch(password.decode()):
        # WPA3 can't be joined with WPA2's key: only with the password that it comes from.
        lines += ["    key_mgmt=WPA-PSK WPA-PSK-SHA256", "    ieee80211w=1", f"    psk={password.decode()}"]
    else:
        lines += ["    key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE", "    ieee80211w=1"]
        # The key of IEEE 802.11 from password and name.
        lines.append(f"    psk={hashlib.pbkdf2_hmac('sha1', password, name, 4096, 32).hex()}")
        lines.append(f"    sae_password={password.hex()}")
    return "\n".join([*lines, "}", ""])


def _network(network: NetworkConfig, kind: str) -> str:
    lines = ["[Match]", f"Type={kind}", "", "[Network]", f"Address={_word(network.address or '')}", "IPv6AcceptRA=yes"]
    if network.router is not None:
        lines.append(f"Gateway={_address(network.router)}")
    lines += [f"DNS={_address(server)}" for server in network.dns]
    # As in the image's own files: no neighbour may redirect the box's traffic.
    lines += ["", "[IPv6AcceptRA]", "UseRedirect=no"]
    return "\n".join([*lines, ""])


def _own_name_servers(network: NetworkConfig) -> str:
    lines = ["[Network]", *(f"DNS={_address(server)}" for server in network.dns)]
    lines += [f"[{source}]\nUseDNS=no" for source in ("DHCPv4", "DHCPv6", "IPv6AcceptRA")]
    return "\n".join([*lines, ""])


def _address(text: str) -> str:
    """An address for networkd, which takes none with an interface as its scope; the link is known from the file."""
    return _word(text).partition("%")[0]


def _word(text: str) -> str:
    """A value of a systemd file: printable, and without spaces, which separate values. Raises ValueError."""
    if not re.fullmatch("[!-~]+", text):
        raise ValueError("a value of several words or lines")
    return text


def _authorized_key(key: str) -> str:
    """A line of authorized_keys. Raises ValueError if the key has line ends."""
    if not key.isprintable():
        raise ValueError("a key of several lines")
    return f"restrict,pty {key}\n"
