"""The board of the virtual machine: QEMU's `virt`, with the device tree that a Raspberry Pi's loader passes on."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from tests.blackbox.lab import run
from tests.image.loader import Loaded

SERIAL = "10000000a1b2c3d4"
"""The board's serial number, as a Raspberry Pi's firmware reports it; the box's name ends with its end."""
BUTTON, GREEN, AMBER, RED, BUZZER = 17, 22, 27, 23, 18
"""The pins of the soldered build, by BCM number."""
UNITS = {
    # QEMU limits the length of these names.
    "systemd.extra-unit.t.service": """\
[Unit]
DefaultDependencies=no
Before=tt-appliance.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'mkdir -p /run/test && mount -t squashfs /dev/vdb /run/test && exec /run/test/start'
""",
    "systemd.extra-unit.a.service": """\
[Unit]
DefaultDependencies=no
After=t.service
[Service]
ExecStart=/run/test/agent
Restart=always
RestartSec=1
""",
}
WANTED = "systemd.wants=t.service systemd.wants=a.service"
"""The symbolic links that make systemd start them."""
JOURNAL_TO_CONSOLE = "systemd.journald.forward_to_console=1 systemd.journald.max_level_console=notice"
"""Copies important lines of the journal to console.log, to find the cause of a failure."""
SIDE_BY_SIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
CORES = int(os.environ.get("BOX_CORES", max(1, min(2, (os.cpu_count() or 1) // SIDE_BY_SIDE))))
"""Cores of the machine. Emulated cores often wait for each other, so if one gets no host core, all of them stop.
BOX_CORES in the environment overrides it, for machines that run beside others."""
TREE = f"board-{CORES}.dtb"
"""The board's device tree, which lists the cores."""
MODEL = ["-M", "virt", "-cpu", "cortex-a72", "-smp", str(CORES), "-m", "512", "-accel", "tcg,thread=multi"]
"""Memory of the machine: that of the smallest board."""


def load_plain(folder: Path) -> Loaded:
    """A kernel, its initramfs and its command line from a folder, for a system without a loader."""
    kernel, initramfs = ((folder / name).read_bytes() for name in ("vmlinuz", "initrd.img"))
    return Loaded(0, False, kernel, initramfs, (folder / "cmdline.txt").read_text().strip(), ())


def tell_choice(tree: Path, loaded: Loaded) -> None:
    """Write the loader's choice to a device tree, as the boards' firmware does."""
    run("fdtput", "-c", "-p", str(tree), "/chosen/bootloader")
    for name, value in (("partition", loaded.partition), ("tryboot", int(loaded.tryboot))):
        run("fdtput", "-t", "u", str(tree), "/chosen/bootloader", name, str(value))


def make_tree(to: Path) -> None:
    """Create the board's device tree.

    It is QEMU's own, with a Raspberry Pi's serial number and revision, which its firmware would add, and without the
    machine's own button, so that the pins are the first GPIO chip.
    """
    tree = str(to / TREE)
    model = [*MODEL]
    model[1] += f",dumpdtb={tree}"
    run("qemu-system-aarch64", *model, "-nographic")
    source = run("dtc", "-q", "-I", "dtb", "-O", "dts", tree)
    chip = re.search(r"\bpl061@[0-9a-f]+", source)
    assert chip is not None
    run("fdtput", "-r", tree, "/gpio-keys", f"/{chip[0]}")
    run("fdtput", "-t", "s", tree, "/", "serial-number", SERIAL)
    run("fdtput", "-c", tree, "/system")
    run("fdtput", "-t", "x", tree, "/system", "linux,revision", "a02082")


def missing() -> list[str]:
    """The missing tools."""
    tools = ("qemu-system-aarch64", "mcopy", "dtc", "fdtput", "dnsmasq", "avahi-daemon", "ip")
    return [tool for tool in tools if shutil.which(tool, path="/usr/bin:/usr/sbin:/bin:/sbin") is None]
