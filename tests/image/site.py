"""A restaurant's network for a machine: a gateway with avahi and simulated guests, and who gives out addresses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.blackbox.lab import Host, Lab

ROOT = Path(__file__).parents[2]
NAME = "Bar"


class Site:
    """The lab of one test: its gateway, at 10.77.0.2, gives the box an address from .100 on. directory: for logs."""

    def __init__(self, directory: Path) -> None:
        self.lab = Lab()
        self.host: Host = self.lab.host(2)
        self._directory = directory
        self._log = (directory / "site.log").open("ab")
        dhcp = ["dnsmasq", "-k", "--conf-file=/dev/null", "--port=0", "--user=root", "--interface=lan0", "--pid-file="]
        dhcp += ["--dhcp-range=10.77.0.100,10.77.0.200,2m", "--dhcp-authoritative"]
        dhcp += [f"--dhcp-leasefile={directory / 'leases'}"]
        self._dhcp = self.host.start(dhcp, log=self._log, piped=False)
        gateway = [sys.executable, "-m", "appliance", "simulate", "--host", self.host.address, "--name", NAME]
        gateway += ["--no-advertise", "--seed", "1"]
        self._gateway = self.host.start(gateway, log=self._log, PYTHONPATH=str(ROOT))
        # Only what a test says happens in this restaurant.
        self.do("pause")
        self.host.advertise(NAME, 8000)

    def do(self, line: str) -> None:
        """A hand on the gateway: a line of the simulator's commands."""
        assert self._gateway.stdin is not None
        assert self._gateway.poll() is None, "the gateway ended"
        self._gateway.stdin.write(line.encode() + b"\n")
        self._gateway.stdin.flush()

    def close(self) -> None:
        """End everything."""
        for process in (self._gateway, self._dhcp):
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        self._log.close()
        self.lab.close()
        time.sleep(0.1)
