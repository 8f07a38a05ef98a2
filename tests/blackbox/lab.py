"""An isolated network: a switch and hosts on it, each in its own namespaces.

The namespaces have no names, and exist while a process in them runs. Every process ends with the tests: the holders at
the end of their input, the others by a signal when their parent dies. So nothing needs a clean-up.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

TOOLS = ("ip", "bridge", "unshare", "nsenter", "setpriv", "mount", "avahi-daemon")
ROOT = Path(__file__).parents[2]
NETWORK = "10.77.0"
PORT = "lan0"
"""The name of a host's network interface."""
AVAHI = """\
[server]
host-name={name}
use-ipv4=yes
use-ipv6=yes
enable-dbus=no
[publish]
publish-hinfo=no
publish-workstation=no
"""
SERVICE = """\
<?xml version="1.0" standalone='no'?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>{name}</name><service><type>{kind}</type><port>{port}</port></service></service-group>
"""


def missing() -> str | None:
    """The reason why this machine can't have a lab, or None."""
    if os.geteuid() != 0:
        return "root is needed for network namespaces"
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if lacking:
        return "not installed: " + ", ".join(lacking)
    try:
        Lab().close()
    except (OSError, AssertionError) as error:
        return f"unshare and ip can't make network namespaces here: {error}"
    return None


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"}


def run(*command: str) -> str:
    """Run a command to its end and return its output. Raises AssertionError with its errors if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=20, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


class Namespaces:
    """A network and a mount namespace, held by a process."""

    def __init__(self) -> None:
        hold = ["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", "ip link set lo up; echo; exec cat"]
        self._holder = subprocess.Popen(
            hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
        )
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            _, error = self._holder.communicate()
            raise AssertionError(error.decode().strip())
        self.pid = str(self._holder.pid)
        self._enter = ["nsenter", "-t", self.pid, "-n", "-m", "--"]

    def run(self, *command: str) -> str:
        """Run a command in these namespaces to its end and return its output."""
        return run(*self._enter, *command)

    def start(
        self, command: Sequence[str], *, log: IO[bytes] | int, piped: bool = True, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a process in these namespaces, which ends with this one. log: for its stderr."""
        pipe = subprocess.PIPE if piped else subprocess.DEVNULL
        bound = [*self._enter, "setpriv", "--pdeathsig", "KILL", *command]
        return subprocess.Popen(bound, stdin=pipe, stdout=pipe, stderr=log, env={**_environment(), **variables})

    def file(self, path: str) -> Path:
        """The path of a file in these namespaces, for use outside."""
        return Path(f"/proc/{self.pid}/root{path}")

    def close(self) -> None:
        """End the holder; the namespaces go with the last process in them."""
        self._holder.communicate(timeout=10)


class Host(Namespaces):
    """A machine on the switch. address: its last octet, or None. cable: True for one that can be impaired."""

    def __init__(self, switch: Namespaces, port: str, address: int | None, *, cable: bool = False) -> None:
        super().__init__()
        self._switch = switch
        self._port = port
        self._avahi: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.log = b""
        self._cable: subprocess.Popen[bytes] | None = None
        if cable:
            self._lay_cable()
        self._plug_in(cable=cable)
        if address is not None:
            self.move(address)

    def _plug_in(self, *, cable: bool = False) -> None:
        if not cable:
            peer = ("peer", "name", self._port, "netns", self._switch.pid)
            run("ip", "link", "add", PORT, "netns", self.pid, "type", "veth", *peer)
        self._switch.run("ip", "link", "set", self._port, "master", "switch", "up")
        self.run("ip", "link", "set", PORT, "up")

    def impair(self, way: str | None = None, **impairment: float) -> None:
        """Impair the cable; see Impairment. way: `out` of this host, `in` to it, or both."""
        for one in ("out", "in") if way is None else (way,):
            self._tell_cable(way=one, **impairment)

    def plug(self, plugged: bool) -> None:
        """Pull or plug the cable at this host's end; the host sees its carrier change."""
        self._tell_cable(plugged=plugged)

    def _lay_cable(self) -> None:
        end = f"{self._port}h"
        self._cable = self._switch.start(
            [sys.executable, "-m", "tests.blackbox.impaired_cable", end, self._port],
            log=subprocess.DEVNULL,
            PYTHONPATH=str(ROOT),
        )
        assert self._cable.stdout is not None
        assert self._cable.stdout.readline() == b"ready\n", "no cable: is there /dev/net/tun?"
        self._switch.run("ip", "link", "set", end, "netns", self.pid, "name", PORT)

    def _tell_cable(self, **what: object) -> None:
        assert self._cable is not None
        assert self._cable.stdin is not None
        assert self._cable.stdout is not None
        self._cable.stdin.write(json.dumps(what).encode() + b"\n")
        self._cable.stdin.flush()
        assert self._cable.stdout.readline() == b"done\n"

    def move(self, address: int | None) -> None:
        """Change the address like DHCP; None removes it."""
        if self.address:
            self.run("ip", "address", "del", f"{self.address}/24", "dev", PORT)
        self.address = "" if address is None else f"{NETWORK}.{address}"
        if self.address:
            self.run("ip", "address", "add", f"{self.address}/24", "brd", "+", "dev", PORT)

    def cut(self) -> None:
        """Make the switch drop every packet from and to this host, which the host can't notice."""
        self._switch.run("ip", "link", "set", self._port, "nomaster")

    def heal(self) -> None:
        """Undo cut()."""
        self._switch.run("ip", "link", "set", self._port, "master", "switch")

    def link(self, state: str) -> None:
        """Pull or plug the cable at the switch's end, so addresses stay. state: `down` or `up`."""
        self._switch.run("ip", "link", "set", self._port, state)

    def reset_adapter(self) -> None:
        """Remove the network device and add it again with the same address, as a reset of a USB bus does."""
        self._switch.run("ip", "link", "del", self._port)
        self._plug_in()
        self.run("ip", "address", "add", f"{self.address}/24", "brd", "+", "dev", PORT)

    def advertise(self, name: str, port: int, kind: str = "_tracker-http._tcp") -> None:
        """Start an avahi on this host that announces a gateway. kind: the service type."""
        if self._avahi is None:
            for folder in ("/run", "/etc/avahi"):
                self.run("mount", "-t", "tmpfs", "none", folder)
            self.file("/etc/avahi/services").mkdir()
            self.file("/etc/avahi/own.conf").write_text(AVAHI.format(name=f"host{self._port}"))
        self.file("/etc/avahi/services/gateway.service").write_text(
            SERVICE.format(name=escape(name), port=port, kind=kind)
        )
        command = ["avahi-daemon", "-f", "/etc/avahi/own.conf", "--no-drop-root", "--no-chroot", "--no-rlimits"]
        with self.file("/run/avahi.log").open("ab") as log:
            self._avahi = self.start(command, log=log, piped=False)

    def vanish(self, *, goodbye: bool) -> None:
        """End the avahi. goodbye: let it send goodbye packets."""
        if self._avahi is None:
            return
        self._avahi.terminate() if goodbye else self._avahi.kill()
        self._avahi.wait(10)
        for left in ("/run/avahi-daemon/pid", "/run/avahi-daemon/socket"):
            self.file(left).unlink(missing_ok=True)

    def close(self) -> None:
        """End everything on this host."""
        self.vanish(goodbye=False)
        if self._cable is not None:
            self._cable.communicate(timeout=10)
        super().close()


class Lab:
    """A switch and its hosts."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._ports = itertools.count(1)
        self._switch = Namespaces()
        self._stack.callback(self._switch.close)
        try:
            self._switch.run("ip", "link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
            self._switch.run("ip", "link", "set", "switch", "up")
        except AssertionError:
            self.close()
            raise

    def host(self, address: int | None = None, *, cable: bool = False) -> Host:
        """Add a machine. address: the last octet of its address. cable: True for one that can be impaired."""
        host = Host(self._switch, f"port{next(self._ports)}", address, cable=cable)
        self._stack.callback(host.close)
        return host

    def start_machine(self, command: Sequence[str], *, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a virtual machine on the switch, with the tap device box0. log: for its output."""
        if "box0" not in self._switch.run("ip", "-o", "link"):
            self._switch.run("ip", "tuntap", "add", "box0", "mode", "tap")
            self._switch.run("ip", "link", "set", "box0", "master", "switch", "up")
        bound = ["nsenter", "-t", self._switch.pid, "-n", "--", "setpriv", "--pdeathsig", "KILL", *command]
        return subprocess.Popen(bound, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment())

    def close(self) -> None:
        """End every host."""
        self._stack.close()
