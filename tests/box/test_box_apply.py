"""Applying the settings: the system files that they produce, even from an invalid settings file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.backup.contents import PASSPHRASE
from appliance.box import __main__ as box
from appliance.box import unprivileged
from appliance.box.system_files import File, files, host_name
from appliance.config import BackupConfig, BoxConfig, Config, NetworkConfig, WifiConfig

WPA = "/run/tt-box/wpa_supplicant.conf"
NETWORK = "/run/systemd/network/10-set.network"


def test_without_settings_no_file_is_written() -> None:
    assert files(Config()) == {}


def test_wifi_settings_become_a_wpa_supplicant_file() -> None:
    """The key is from the test vector of IEEE 802.11i (annex H.4)."""
    file = files(Config(wifi=WifiConfig("DE", "IEEE", "password")))[WPA]
    assert file.mode == 0o600
    assert "country=DE\n" in file.content
    assert f"ssid={b'IEEE'.hex()}\n" in file.content
    assert "psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n" in file.content
    assert "key_mgmt=NONE" in files(Config(wifi=WifiConfig("DE", "open", open=True)))[WPA].content


def test_a_fixed_address_applies_to_wifi_if_configured() -> None:
    config = Config(network=NetworkConfig(address="192.168.1.50/24", router="192.168.1.1", dns=("9.9.9.9",)))
    content = files(config)[NETWORK].content
    assert all(
        part in content for part in ("Type=ether", "Address=192.168.1.50/24", "Gateway=192.168.1.1", "DNS=9.9.9.9")
    )
    assert content.endswith("[IPv6AcceptRA]\nUseRedirect=no\n")
    assert "Type=wlan" in files(replace(config, wifi=WifiConfig(name="Bar", open=True)))[NETWORK].content


def test_name_servers_replace_those_from_dhcp() -> None:
    made = files(Config(network=NetworkConfig(dns=("9.9.9.9", "fe80::1%eth0"))))
    assert set(made) == {f"/run/systemd/network/80-{kind}.network.d/dns.conf" for kind in ("ether", "wlan")}
    for file in made.values():
        assert file.content.startswith("[Network]\nDNS=9.9.9.9\nDNS=fe80::1\n[DHCPv4]\nUseDNS=no\n")
    for kind in ("ether", "wlan"):
        assert Path(f"image/root/etc/systemd/network/80-{kind}.network").is_file(), "the file that it adds to"


def test_ssh_keys_open_the_ssh_port() -> None:
    made = files(Config(box=BoxConfig(ssh_key=("ssh-ed25519 AAAA", "ssh-rsa BBBB"))))
    lines = "restrict,pty ssh-ed25519 AAAA\nrestrict,pty ssh-rsa BBBB\n"
    assert made["/run/tt-box/authorized_keys"] == File(lines, 0o600)
    assert "dport 22" in made["/run/tt-box/nftables/ssh.nft"].content


def test_the_secret_of_copies_is_for_root_alone() -> None:
    made = files(Config(backup=BackupConfig("four quiet kitchen words")))
    assert made == {str(PASSPHRASE): File("four quiet kitchen words", 0o600)}


def test_the_default_host_name_contains_the_boards_serial() -> None:
    assert host_name(BoxConfig(), "10000000abcd1A2F") == "tt-appliance-1a2f"
    assert host_name(BoxConfig(), "") == "tt-appliance"
    assert host_name(BoxConfig(host_name="kitchen"), "10000000abcd1A2F") == "kitchen"


def test_a_secret_file_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    for content in ("first", "second"):
        box._write(path, File(content, 0o600))
        assert path.read_text() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_apply_writes_files_and_reports_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "tt-appliance.yaml"
    settings.write_text("box:\n  time_zone: Nowhere/At_All\n  host_name: kitchen\n")
    monkeypatch.setattr(unprivileged, "USER", "nobody")
    monkeypatch.setattr(box, "HOST_NAME", tmp_path / "hostname")
    monkeypatch.setattr(box, "SETTINGS", settings)
    monkeypatch.setattr(box, "PROBLEMS", tmp_path / "problems")
    monkeypatch.setattr(box, "FOLDER", str(tmp_path))
    assert box.main() == 0
    assert (tmp_path / "hostname").read_text() == "kitchen"
    output = (tmp_path / "problems").read_text()
    assert output.startswith("tt-appliance.yaml:2: box.time_zone: must be a time zone")
    assert output in capsys.readouterr().err
    assert (tmp_path / "localtime").readlink() == Path("/usr/share/zoneinfo/Etc/UTC")
