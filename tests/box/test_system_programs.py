"""Each program reads of the box's files what the settings say, whatever characters are in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.box.system_files import files
from appliance.config import Config, NetworkConfig, WifiConfig, parse
from appliance.config.countries import COUNTRIES
from appliance.config.lenient import parse_leniently
from tests.box.system_programs import NETWORKD, TIMESYNCD, needs, networkd, ssh_keys, timesyncd, wpa_supplicant
from tests.config.ssh_keys import ssh_key

WPA = "/run/tt-box/wpa_supplicant.conf"
SET = "/run/systemd/network/10-set.network"
KEYS = "/run/tt-box/authorized_keys"
TIME = "/run/systemd/timesyncd.conf.d/set.conf"
WPA_NONE, WPA_PSK, WPA_PSK_SHA256, WPA_SAE = 0x4, 0x2, 0x100, 0x400
"""Bits of key_mgmt (wpa_supplicant, src/common/defs.h)."""
ONE_FOLDER = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])

_any = st.characters(exclude_categories=["Cs"])
_names = st.text(_any, min_size=1, max_size=32).filter(lambda name: len(name.encode()) <= 32)
_passwords = st.text(st.sampled_from("\"#' \\\u00fc\u98df}{=\n") | _any, min_size=8, max_size=63)


@needs("wpa_supplicant", package="wpasupplicant")
@ONE_FOLDER
@given(name=_names, password=_passwords)
def test_wpa_supplicant_reads_name_and_password(name: str, password: str, tmp_path: Path) -> None:
    text = f"wifi: {{country: GB, name: {json.dumps(name)}, password: {json.dumps(password)}}}"
    config, mistakes = parse_leniently(text, "tt.yaml")
    if mistakes:
        assert WPA not in files(config)
        return
    read = wpa_supplicant(files(config)[WPA].content, tmp_path)
    assert read is not None
    assert (read.ssid, read.password) == (name.encode(), password.encode())
    assert read.key == hashlib.pbkdf2_hmac("sha1", password.encode(), name.encode(), 4096, 32)
    assert read.management == WPA_PSK | WPA_PSK_SHA256 | WPA_SAE
    assert "sae_pwe=2\n" in read.said, "hash-to-element as well as hunting and pecking"
    assert "country='GB'\n" in read.said


@needs("wpa_supplicant", package="wpasupplicant")
@pytest.mark.parametrize(
    ("password", "cut_in_quotes"),
    [
        ('table"4#2024', True),
        ('"#kitchen#"', True),
        ('q" # "  z', True),
        ("it's # 1", False),
        ('no "quote" alone', False),
    ],
)
def test_wpa_supplicant_reads_quotes_and_hashes(password: str, cut_in_quotes: bool, tmp_path: Path) -> None:
    config = parse(f"wifi: {{name: Bar, password: {json.dumps(password)}}}", "tt.yaml")
    read = wpa_supplicant(files(config)[WPA].content, tmp_path)
    assert read is not None
    assert read.password == password.encode()
    in_quotes = files(config)[WPA].content.replace(password.encode().hex(), f'"{password}"')
    cut = wpa_supplicant(in_quotes, tmp_path)
    assert (cut is None or cut.password != password.encode()) == cut_in_quotes, "as this test would see it"


@needs("wpa_supplicant", package="wpasupplicant")
def test_wpa_supplicant_takes_a_key_for_wpa2_alone_and_nothing_for_an_open_network(tmp_path: Path) -> None:
    key = "AB12" * 16
    read = wpa_supplicant(files(parse(f"wifi: {{name: Bar, password: {key}}}", "tt.yaml"))[WPA].content, tmp_path)
    assert read is not None
    assert (read.key, read.password, read.management) == (bytes.fromhex(key), None, WPA_PSK | WPA_PSK_SHA256)
    read = wpa_supplicant(files(Config(wifi=WifiConfig(name="Bar", open=True)))[WPA].content, tmp_path)
    assert read is not None
    assert (read.key, read.password, read.management) == (None, None, WPA_NONE)


_scopes = st.text(max_size=16) | st.sampled_from(["eth0", "a\nDNS=1.1.1.1"])
_addresses = (
    st.ip_addresses().map(str)
    | st.tuples(st.ip_addresses(v=6).map(str), _scopes).map("%".join)
    | _scopes.map(lambda scope: f"fe80::1%{scope}")
    | st.text(max_size=20)
)


@pytest.mark.netns
@needs(NETWORKD, "unshare", "ip", package="systemd, util-linux, iproute2", root=True)
@FEW
@given(addresses=st.lists(st.tuples(_addresses, st.integers(0, 128)), min_size=40, max_size=80))
def test_networkd_understands_every_line(addresses: list[tuple[str, int]], tmp_path: Path) -> None:
    written: dict[str, str] = {}
    for at, (address, prefix) in enumerate(addresses):
        for text in (
            f"network: {{address: {json.dumps(f'{address}/{prefix}')}, dns: [{json.dumps(address)}]}}",
            f"network: {{address: fd00::1/64, router: {json.dumps(address)}}}",
            f"network: {{address: 192.168.1.50/1, router: {json.dumps(address)}}}",
            f"network: {{dns: [{json.dumps(address)}]}}",
        ):
            config, _ = parse_leniently(text, "tt.yaml")
            for path, file in files(config).items():
                name = f"/run/systemd/network/{len(written)}-{at}.network"
                written[name] = file.content if path == SET else "[Match]\nType=wlan\n" + file.content
    assert networkd(written, tmp_path).complaints == ()


@pytest.mark.netns
@needs(NETWORKD, "unshare", "ip", package="systemd, util-linux, iproute2", root=True)
def test_networkd_complains_about_a_line_that_it_does_not_understand(tmp_path: Path) -> None:
    content = "[Match]\nType=ether\n[Network]\nDNS=fe80::1%eth0\n"
    (complaint,) = networkd({SET: content}, tmp_path).complaints
    assert "fe80::1%eth0" in complaint


@pytest.mark.netns
@needs(NETWORKD, "unshare", "ip", package="systemd, util-linux, iproute2", root=True)
@pytest.mark.parametrize(
    ("address", "router", "dns"),
    [
        ("192.168.1.50/24", "192.168.1.1", ("9.9.9.9", "2001:db8::5", "fe80::2%eth0")),
        ("2001:db8::50/64", "2001:db8::1", ("2001:db8::5",)),
        ("2001:db8::50/64", "fe80::1%eth0", ("fe80::1",)),
    ],
)
def test_networkd_sets_address_router_and_name_servers(
    address: str, router: str, dns: tuple[str, ...], tmp_path: Path
) -> None:
    text = f"network: {{address: {json.dumps(address)}, router: {json.dumps(router)}, dns: {json.dumps(dns)}}}"
    config = parse(text, "tt.yaml")
    assert config.network == NetworkConfig((), address, router, dns)
    found = networkd({SET: files(config)[SET].content}, tmp_path, f"ip address | grep -q {address}")
    assert found.complaints == ()
    assert address in found.addresses
    assert f"via {router.partition('%')[0]} " in found.routes
    assert found.dns == tuple(server.partition("%")[0] for server in dns)


DHCP_SERVER = """\
[Match]
Name=cable1
[Network]
Address=10.7.7.1/24
DHCPServer=yes
[DHCPServer]
DNS=10.7.7.1
"""


@pytest.mark.netns
@needs(NETWORKD, "unshare", "ip", package="systemd, util-linux, iproute2", root=True)
@pytest.mark.parametrize(("text", "dns"), [("", ("10.7.7.1",)), ("network: {dns: 9.9.9.9}", ("9.9.9.9",))])
def test_name_servers_of_the_settings_replace_those_from_dhcp(text: str, dns: tuple[str, ...], tmp_path: Path) -> None:
    image = Path("image/root/etc/systemd/network/80-ether.network").read_text()
    written = {"/run/systemd/network/05-server.network": DHCP_SERVER, "/run/systemd/network/80-ether.network": image}
    written |= {path: file.content for path, file in files(parse(text, "tt.yaml")).items()}
    found = networkd(written, tmp_path, "ip address show cable0 | grep -q 10.7.7.")
    assert "inet 10.7.7." in found.addresses
    assert (found.complaints, found.dns) == ((), dns)


_hosts = (
    st.ip_addresses().map(str)
    | st.from_regex(r"([a-z0-9_]([a-z0-9_-]{0,60}[a-z0-9])?\.){0,3}[a-z0-9]{1,9}\.?", fullmatch=True)
    | st.text(max_size=20)
    | st.sampled_from(["fe80::1%eth0", "a b", "a\nNTP=b", "h" * 63, "h" * 64, "1.2.3.4.5", "[::1]"])
)


@pytest.mark.netns
@needs(TIMESYNCD, "unshare", "ip", package="systemd-timesyncd, util-linux, iproute2", root=True)
@FEW
@given(hosts=st.lists(_hosts, min_size=40, max_size=80))
def test_timesyncd_reads_each_time_server(hosts: list[str], tmp_path: Path) -> None:
    written: dict[str, str] = {}
    wanted: list[str] = []
    for host in hosts:
        config, _ = parse_leniently(f"box: {{time_server: {json.dumps(host)}}}", "tt.yaml")
        if config.box.time_server and config.box.time_server not in wanted:
            wanted.append(config.box.time_server)
            written[TIME.replace("set", f"{len(wanted):03}")] = files(config)[TIME].content
    assert list(timesyncd(written, tmp_path)) == wanted


_comments = st.text(st.sampled_from("\"#' \\\u00fc=,") | _any, max_size=20).map(lambda text: " ".join(text.split()))


@needs("ssh-keygen", package="openssh-client")
@ONE_FOLDER
@given(comments=st.lists(_comments, min_size=1, max_size=3))
def test_openssh_reads_each_key(comments: list[str], tmp_path: Path) -> None:
    text = "".join(f"    {ssh_key(at, comment)}\n" for at, comment in enumerate(comments))
    config, mistakes = parse_leniently(f"box:\n  ssh_key: |\n{text}", "tt.yaml")
    if mistakes:
        return
    content = files(config)[KEYS].content
    assert all(line.startswith("restrict,pty ssh-ed25519 ") for line in content.splitlines())
    # ssh-keygen shows the options where there is no comment, or one that it takes for a comment of the file.
    shown = ["restrict,pty" if not comment or comment.startswith("#") else comment for comment in comments]
    assert ssh_keys(content, tmp_path) == tuple(shown)


DATABASE = Path("/lib/firmware/regulatory.db")


@pytest.mark.skipif(not DATABASE.exists(), reason="regulatory.db: missing (package wireless-regdb)")
def test_the_countries_are_those_of_the_kernels_database() -> None:
    """The database begins with codes of two letters, each with the place of its rules (Linux, net/wireless/reg.c)."""
    data = DATABASE.read_bytes()
    assert data[:4] == b"RGDB"
    codes: set[str] = set()
    for at in range(8, len(data), 4):
        if data[at + 2 : at + 4] == b"\0\0":
            break
        codes.add(data[at : at + 2].decode())
    assert codes - {"00"} == COUNTRIES
