"""The files and devices of a card that updates read and write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.status.card import read_slot

OTHER = {"A": "B", "B": "A"}
"""Each slot's other one."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places below a root folder, which is `/` but in tests."""

    root: Path = Path("/")

    @property
    def running(self) -> Path:
        """The file with the slot that runs, `A` or `B`; the initramfs writes it. Only a card has it."""
        return self.root / "run/tt-slot"

    @property
    def trial(self) -> Path:
        """The file that exists if the loader started this slot for one trial; the initramfs creates it."""
        return self.root / "run/tt-trial"

    @property
    def config(self) -> Path:
        """The first partition, with autoboot.txt."""
        return self.root / "dev/tt/config"

    @property
    def config_folder(self) -> Path:
        """Where the first partition is mounted, read-only."""
        return self.root / "boot/firmware"

    def slot(self, name: str) -> Path:
        """A slot's partition. name: `A` or `B`."""
        return self.root / f"dev/tt/slot-{name.lower()}"

    @property
    def flag(self) -> Path:
        """The firmware's flag for one trial start: 1 or 0."""
        return self.root / "sys/kernel/tt_tryboot/flags"

    @property
    def device_tree(self) -> Path:
        """The folder in which the kernel shows the board's device tree."""
        return self.root / "proc/device-tree"

    @property
    def state(self) -> Path:
        """The folder of what updates keep on the card; for root alone."""
        return self.root / "var/lib/tt-update"

    @property
    def run(self) -> Path:
        """The folder of what the appliance may read."""
        return self.root / "run/tt-update"

    @property
    def channel(self) -> Path:
        """The folder of the bundle that the channel downloads."""
        return self.state / "channel"

    @property
    def channel_settings(self) -> Path:
        """The channel's settings, if it is on; written at each start."""
        return self.root / "run/tt-box/channel.json"

    @property
    def machine_id(self) -> Path:
        """What identifies this box; from its serial number."""
        return self.root / "etc/machine-id"

    @property
    def bundle_mount(self) -> Path:
        """Where RAUC mounts a bundle."""
        return self.root / "run/rauc/bundle"

    @property
    def rauc_settings(self) -> Path:
        """RAUC's configuration."""
        return self.root / "etc/rauc/system.conf"


def running_slot(places: Places) -> str | None:
    """The slot that runs; None off the card."""
    return read_slot(places.root)
