"""What the box's settings mean to the system: the files below /run that its services read. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from appliance.box.settings import BoxSettings

FOLDER = "/run/tt-box"
NETWORK = "/run/systemd/network"


@dataclass(frozen=True, slots=True)
class File:
    """A file's content and mode."""

    content: str
    mode: int = 0o644


def host_name(settings: BoxSettings, serial: str) -> str:
    """The set name, or one that tells this box from others by the end of its board's serial number."""
    if settings.hostname:
        return settings.hostname
    digits = "".join(character for character in serial if character.isalnum())
    return f"tt-appliance-{digits[-4:].lower()}" if digits else "tt-appliance"


def files(settings: BoxSettings) -> dict[str, File]:
    """Every file by its path; those of what is not set are not among them."""
    made: dict[str, File] = {}
    if settings.wifi.name is not None:
        made[f"{FOLDER}/wpa_supplicant.conf"] = File(_wpa_supplicant(settings), 0o600)
    if settings.address is not None:
        # One address can't be on two interfaces: where a Wi-Fi is set, it is the Wi-Fi's.
        kind = "ether" if settings.wifi.name is None else "wlan"
        made[f"{NETWORK}/10-set.network"] = File(_network(settings, kind))
    if settings.time_server is not None:
        made["/run/systemd/timesyncd.conf.d/set.conf"] = File(f"[Time]\nNTP={settings.time_server}\n")
    if settings.ssh_key is not None:
        made[f"{FOLDER}/authorized_keys"] = File(f"restrict,pty {settings.ssh_key}\n", 0o600)
        made[f"{FOLDER}/nftables/ssh.nft"] = File("add rule inet box input tcp dport 22 ct state new accept\n")
    return made


def _wpa_supplicant(settings: BoxSettings) -> str:
    wifi = settings.wifi
    name = (wifi.name or "").encode()
    lines = ["update_config=0", "p2p_disabled=1"]
    if wifi.country is not None:
        lines.append(f"country={wifi.country}")
    lines += ["network={", f"    ssid={name.hex()}", "    scan_ssid=1"]
    if wifi.password is None:
        lines.append("    key_mgmt=NONE")
    else:
        lines.append("    key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE")
        lines.append("    ieee80211w=1")
        lines.append(f"    psk={_psk(wifi.password, name)}")
        if len(wifi.password) < 64:
            lines.append(f'    sae_password="{wifi.password}"')
    return "\n".join([*lines, "}", ""])


def _psk(password: str, name: bytes) -> str:
    """The key that IEEE 802.11 makes of password and name, so that no quote in either has a meaning."""
    if len(password) == 64:
        return password
    return hashlib.pbkdf2_hmac("sha1", password.encode(), name, 4096, 32).hex()


def _network(settings: BoxSettings, kind: str) -> str:
    lines = ["[Match]", f"Type={kind}", "", "[Network]", f"Address={settings.address}", "IPv6AcceptRA=yes"]
    if settings.gateway is not None:
        lines.append(f"Gateway={settings.gateway}")
    lines += [f"DNS={server}" for server in settings.dns]
    return "\n".join([*lines, ""])
