"""Generates the files below /run that the system's services read, from the settings. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.config import BoxConfig, Config, NetworkConfig, WifiConfig
from appliance.core.values import Mistake

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


def without_guesses(config: Config, mistakes: Iterable[Mistake]) -> Config:
    """Return the settings without a Wi-Fi whose password may have been ignored as invalid.

    With the name alone, the box would join any open network of that name.
    """
    doubtful = any(mistake.key in (None, "wifi", "wifi.password") for mistake in mistakes)
    if doubtful and config.wifi.password is None:
        return replace(config, wifi=WifiConfig())
    return config


def files(config: Config) -> dict[str, File]:
    """Return the files by path; settings that are not set have none."""
    made: dict[str, File] = {}
    wifi, box = config.wifi, config.box
    if wifi.name is not None:
        made[f"{FOLDER}/wpa_supplicant.conf"] = File(_wpa_supplicant(wifi), 0o600)
    if config.network.address is not None:
        # The address can be on one interface only: the Wi-Fi, if one is set.
        made[f"{NETWORK}/10-set.network"] = File(_network(config.network, "ether" if wifi.name is None else "wlan"))
    if box.time_server is not None:
        made["/run/systemd/timesyncd.conf.d/set.conf"] = File(f"[Time]\nNTP={box.time_server}\n")
    if box.ssh_key is not None:
        made[f"{FOLDER}/authorized_keys"] = File(f"restrict,pty {box.ssh_key}\n", 0o600)
        made[f"{FOLDER}/nftables/ssh.nft"] = File("add rule inet box input tcp dport 22 ct state new accept\n")
    return made


def _wpa_supplicant(wifi: WifiConfig) -> str:
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
        lines.append(f'    sae_password="{wifi.password}"')
    return "\n".join([*lines, "}", ""])


def _psk(password: str, name: bytes) -> str:
    """Derive the pre-shared key of IEEE 802.11 from password and name, so that neither needs quoting."""
    return hashlib.pbkdf2_hmac("sha1", password.encode(), name, 4096, 32).hex()


def _network(network: NetworkConfig, kind: str) -> str:
    lines = ["[Match]", f"Type={kind}", "", "[Network]", f"Address={network.address}", "IPv6AcceptRA=yes"]
    if network.router is not None:
        lines.append(f"Gateway={network.router}")
    lines += [f"DNS={server}" for server in network.dns]
    # As in the image's own files: no neighbour may redirect the box's traffic.
    lines += ["", "[IPv6AcceptRA]", "UseRedirect=no"]
    return "\n".join([*lines, ""])
