"""What the system's own programs read of the files that the box writes for them.

networkd and timesyncd run as root in namespaces of their own, with an empty /run and a veth pair for a cable.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

NETWORKD, TIMESYNCD = "/lib/systemd/systemd-networkd", "/lib/systemd/systemd-timesyncd"
TIMEOUT = 60.0
PREPARE = """
mount -t tmpfs tmpfs /run && mount -t sysfs -o ro sysfs /sys
install -d -o systemd-network -g systemd-network /run/systemd/netif /run/systemd/netif/links /run/systemd/netif/leases
install -d /run/systemd/network /run/systemd/timesync /run/dbus
ip link add cable0 type veth peer name cable1
for link in lo cable0 cable1; do ip link set $link up; done
export SYSTEMD_LOG_TARGET=console
"""


def needs(*programs: str, package: str, root: bool = False) -> pytest.MarkDecorator:
    """Skip a test where a program of a Debian package is missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if root and os.geteuid() != 0:
        return pytest.mark.skip(reason="needs root, for network namespaces")
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: missing (package {package})")


@dataclass(frozen=True)
class Wifi:
    """A network as wpa_supplicant reads it. key: the pre-shared key; management: its bits for key_mgmt."""

    ssid: bytes
    password: bytes | None
    key: bytes | None
    management: int
    said: str


def wpa_supplicant(content: str, folder: Path) -> Wifi | None:
    """The only network in a file, or None if the file is refused."""
    file = folder / "wpa_supplicant.conf"
    file.write_text(content)
    # It shows what it has read, and then ends: there is no such interface.
    arguments = ["wpa_supplicant", "-K", "-dd", "-c", str(file), "-i", "none0", "-D", "none"]
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    said = subprocess.run(
        arguments, capture_output=True, text=True, timeout=TIMEOUT, check=False, env={**os.environ, "PATH": path}
    ).stdout
    if "Failed to read or parse configuration" in said:
        return None
    key = re.search(r"^PSK - hexdump\(len=32\): ([0-9a-f ]+)$", said, re.M)
    management = re.search(r"^key_mgmt: (0x[0-9a-f]+)$", said, re.M)
    assert management, said
    assert said.count("start of a new network block") == 1
    ssid = _dumped("ssid", said)
    assert ssid is not None
    return Wifi(
        ssid, _dumped("sae_password", said), bytes.fromhex(key[1]) if key else None, int(management[1], 0), said
    )


def _dumped(name: str, said: str) -> bytes | None:
    found = re.search(rf"^{name} - hexdump_ascii\(len=(\d+)\):\n((?:     .*\n)+)", said, re.M)
    if not found:
        return None
    value = bytes.fromhex("".join(line[5:53] for line in found[2].splitlines()))
    assert len(value) == int(found[1])
    return value


@dataclass(frozen=True)
class Network:
    """What networkd made of its files. complaints: lines of its log about files. dns: the name servers in use."""

    complaints: tuple[str, ...]
    addresses: str
    routes: str
    dns: tuple[str, ...]


def networkd(files: Mapping[str, str], folder: Path, until: str = "true") -> Network:
    """Let networkd configure the cable's ends from files below /run. until: a shell command that ends the wait."""
    script = f"""{PREPARE}
    cp -r {folder}/run/. /run/ && chmod -R go+rX /run/systemd/network
    {NETWORKD} 2>{folder}/log & pid=$!
    for tenth in $(seq 100); do
        sleep 0.1
        grep -q 'Enumeration completed' {folder}/log && {until} && break
    done
    sleep 0.3
    ip address >{folder}/addresses; {{ ip route; ip -6 route; }} >{folder}/routes
    cp /run/systemd/netif/state {folder}/state
    kill $pid; wait $pid
    """
    _in_namespace(script, files, folder)
    complaints = tuple(line for line in (folder / "log").read_text().splitlines() if "/run/systemd/network" in line)
    dns = re.search(r"^DNS=(.*)$", (folder / "state").read_text(), re.M)
    return Network(
        # An older systemd than the image's does not know UseRedirect.
        tuple(line for line in complaints if not re.search("Configuring with|'UseRedirect'", line)),
        (folder / "addresses").read_text(),
        (folder / "routes").read_text(),
        tuple(dns[1].split()) if dns else (),
    )


def timesyncd(files: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """The time servers that timesyncd reads from files below /run."""
    script = f"""{PREPARE}
    cp -r {folder}/run/. /run/
    SYSTEMD_LOG_LEVEL=debug {TIMESYNCD} 2>{folder}/log & pid=$!
    for tenth in $(seq 100); do
        sleep 0.1
        grep -q 'running as pid' {folder}/log && break
    done
    kill $pid; wait $pid
    """
    _in_namespace(script, files, folder)
    return tuple(re.findall(r"^Added new system server (.*)\.$", (folder / "log").read_text(), re.M))


def _in_namespace(script: str, files: Mapping[str, str], folder: Path) -> None:
    shutil.rmtree(folder / "run", ignore_errors=True)
    for path, content in files.items():
        assert path.startswith("/run/")
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    subprocess.run(["unshare", "--mount", "--net", "sh", "-c", script], timeout=TIMEOUT, check=False)


def ssh_keys(content: str, folder: Path) -> tuple[str, ...]:
    """The comments of the keys that OpenSSH reads in a file of authorized keys."""
    file = folder / "authorized_keys"
    file.write_text(content)
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(file)], capture_output=True, text=True, timeout=TIMEOUT, check=False
    ).stdout
    return tuple(re.fullmatch(r"\d+ \S+ (.*) \([A-Z0-9-]+\)", line)[1] for line in listed.splitlines())  # type: ignore[index]
