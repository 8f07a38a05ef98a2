"""The image on QEMU's model of a Raspberry Pi 3B: its SD card, its own I2C bus and pins, and a network adapter on USB.

The model lacks a watchdog that counts (QEMU resets the machine as soon as it is armed, so the command line leaves it
alone), the boot loader, a display, Wi-Fi, and QEMU's credentials: the kernel's command line passes the agent instead.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.lab import run
from tests.image import loader
from tests.image.board import JOURNAL_TO_CONSOLE, SERIAL, tell_choice
from tests.image.card import block_device, copy_card
from tests.image.conftest import Built
from tests.image.machine import Machine
from tests.image.site import NAME, Site

pytestmark = [pytest.mark.image, pytest.mark.release]

TREE = "bcm2837-rpi-3-b.dtb"
REVISION = "a02082"
GET_REBOOT_FLAGS, SET_REBOOT_FLAGS = 0x30064, 0x38064
"""Properties of the boards' firmware."""
AGENT = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'exec 0<>/dev/ttyS1 1>&0; stty raw -echo; echo ready; while IFS= read -r l; do sh -c "$$l" 2>&1 \
</dev/null | base64 -w 0; echo; done'
"""


class Raspi3b(Machine):
    """A Machine with another QEMU command, and with the device tree that the board's loader would pass on."""

    def _make_tree(self) -> None:
        board = self._directory / TREE
        content = loader.read(self.card, self.loaded.partition, TREE)
        assert content is not None
        board.write_bytes(content)
        tree = str(self._directory / "tree.dtb")
        changes = self._directory / "overlay.dtbo"
        for _, overlay in self.loaded.overlays:
            changes.write_bytes(overlay)
            run("fdtoverlay", "-i", str(board), "-o", tree, str(changes))
            shutil.copy(tree, board)
        # The board's firmware would write these.
        run("fdtput", "-t", "s", tree, "/", "serial-number", SERIAL)
        run("fdtput", "-c", tree, "/system")
        run("fdtput", "-t", "x", tree, "/system", "linux,revision", REVISION)
        tell_choice(Path(tree), self.loaded)

    def requests(self) -> set[int]:
        """The tags of the properties that the system asked the firmware for."""
        log = (self._directory / "firmware.log").read_text()
        return {int(tag, 16) for tag in re.findall(r"bcm2835_mbox_property .* tag:(0x\w+)", log)}

    def _command(self, extra: str, card: list[str]) -> list[str]:
        assert card == block_device(self.card, None, None, None), "this model has no worn card"
        unit = base64.b64encode(AGENT.encode()).decode()
        line = self.loaded.command_line
        line += f" systemd.set_credential_binary=systemd.extra-unit.a.service:{unit} systemd.wants=a.service"
        line += f" console=ttyAMA0 tt.watchdog=0 systemd.watchdog_sec=0 {JOURNAL_TO_CONSOLE} {extra}"
        command = ["qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi", "-display", "none"]
        command += [*self._kernel(), "-append", line.strip(), "-no-reboot"]
        command += ["-trace", "bcm2835_mbox_property", "-D", str(self._directory / "firmware.log")]
        command += ["-drive", f"if=sd,file={self.card},format=raw"]
        command += ["-netdev", "tap,id=net,ifname=box0,script=no,downscript=no", "-device", "usb-net,netdev=net"]
        command += ["-chardev", f"socket,id=monitor,path={self._directory}/monitor,server=on,wait=off"]
        command += ["-mon", "chardev=monitor,mode=readline", "-serial", "stdio"]
        return [*command, "-serial", f"unix:{self._directory}/agent,server=on,wait=off"]


@pytest.fixture(scope="module")
def box(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raspi3b]:
    folder = tmp_path_factory.mktemp("raspi3b")
    site = Site(folder)
    box = Raspi3b(site.lab, copy_card(built.image, folder / "card.img"), built.test_disk, folder, boot=built.boot)
    try:
        box.start()
        box.wait_ready(400)
        box.until(lambda: box.text("systemctl is-system-running") in ("running", "degraded"), "the start is over", 400)
        yield box
    finally:
        box.pull_plug()
        site.close()
        box.card.unlink()


def test_it_starts_from_the_sd_card(box: Raspi3b) -> None:
    assert box.text("systemctl is-system-running") == "running"
    assert "Raspberry Pi 3 Model B" in box.text("tr -d '\\0' </proc/device-tree/model")
    mounts = box.text("cat /proc/self/mounts")
    assert "/dev/dm-1 / squashfs ro" in mounts
    assert box.text("ls /sys/block/dm-0/slaves") == "mmcblk0p2"
    assert box.text("cat /run/tt-slot") == "A"
    assert "/dev/mmcblk0p4 /var/lib ext4 rw" in mounts
    assert box.text("cat /proc/sys/kernel/hostname") == f"tt-appliance-{SERIAL[-4:]}"


def test_its_parts_are_there(box: Raspi3b) -> None:
    """The display's bus is number 1 at 400 kHz; the pins and the board's watchdog are present."""
    bus = "/sys/class/i2c-dev/i2c-1/device/of_node"
    assert box.text(f"od -An -tu4 --endian=big {bus}/clock-frequency") == "400000"
    assert box.text("cat /sys/class/watchdog/watchdog0/identity") == "Broadcom BCM2835 Watchdog timer"
    pins = box.text("cat /sys/class/gpio/*/label 2>/dev/null; ls /dev/gpiochip0; stat -c %G /dev/gpiochip0 /dev/i2c-1")
    assert pins.splitlines()[-3:] == ["/dev/gpiochip0", "gpio", "i2c"]


def test_it_finds_the_gateway_over_usb(box: Raspi3b) -> None:
    status = "systemctl show -P StatusText tt-appliance"
    box.until(lambda: NAME in box.text(status), "the gateway is found", 240, 2.0)
    assert box.text(status) == f"awaiting pairing: {NAME}"


def test_the_flag_reaches_the_firmware(box: Raspi3b) -> None:
    """By two properties that nothing else asks for. QEMU does not know them, so the flag does not read back."""
    flags = "/sys/kernel/tt_tryboot/flags"
    box.until(lambda: box.text(f"stat -c %a {flags}") == "600", "udev loads the module")
    assert not box.requests() & {GET_REBOOT_FLAGS, SET_REBOOT_FLAGS}
    assert box.text(f"cat {flags}") == "0"
    assert box.requests() & {GET_REBOOT_FLAGS, SET_REBOOT_FLAGS} == {GET_REBOOT_FLAGS}
    assert box.text(f"echo 1 >{flags}") == ""
    assert box.requests() >= {GET_REBOOT_FLAGS, SET_REBOOT_FLAGS}
    assert "nvalid argument" in box.text(f"echo unclear >{flags}")
