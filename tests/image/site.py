"""A restaurant's network for a machine: a gateway with avahi and simulated guests, and a DHCP server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.blackbox.lab import PORT, Host, Lab

ROOT = Path(__file__).parents[2]
NAME = "Bar"
LINK_LOCAL = "169.254.7.7"


class Site:
    """The lab of one test: the gateway, at 10.77.0.2, is also the DHCP server (from .100 on). directory: for logs.

    link_local: without a DHCP server; the gateway has a self-assigned address.
    """

    def __init__(self, directory: Path, *, link_local: bool = False) -> None:
        self.lab = Lab()
        self.host: Host = self.lab.host(None if link_local else 2)
        self._directory = directory
        self._log = (directory / "site.log").open("ab")
        self._processes: list[subprocess.Popen[bytes]] = []
        if link_local:
            self.host.run("ip", "address", "add", f"{LINK_LOCAL}/16", "brd", "+", "scope", "link", "dev", PORT)
        else:
            dhcp = ["dnsmasq", "-k", "--conf-file=/dev/null", "--port=0", "--user=root", f"--interface={PORT}"]
            dhcp += ["--pid-file=", "--dhcp-range=10.77.0.100,10.77.0.200,2m", "--dhcp-authoritative"]
            dhcp += [f"--dhcp-leasefile={directory / 'leases'}"]
            self._processes.append(self.host.start(dhcp, log=self._log, piped=False))
        address = LINK_LOCAL if link_local else self.host.address
        gateway = [sys.executable, "-m", "appliance", "simulate", "--host", address, "--name", NAME]
        gateway += ["--no-advertise", "--seed", "1"]
        self._gateway = self.host.start(gateway, log=self._log, PYTHONPATH=str(ROOT))
        self._processes.append(self._gateway)
        # Only the test creates and changes orders.
        self.do("pause")
        self.host.advertise(NAME, 8000)

    def do(self, line: str) -> None:
        """Send a line of the simulator's commands to the gateway."""
        assert self._gateway.stdin is not None
        assert self._gateway.poll() is None, "the gateway ended"
        self._gateway.stdin.write(line.encode() + b"\n")
        self._gateway.stdin.flush()

    def close(self) -> None:
        """End everything."""
        for process in self._processes:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        self._log.close()
        self.lab.close()
        time.sleep(0.1)
