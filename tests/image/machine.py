"""A virtual machine with the card, on a switch of the lab. QEMU boots what the board's loader takes from the card.

The image is unchanged. A second disk has the drivers of display and pins, and the agent that runs a test's commands.
QEMU passes their units to systemd as credentials, which only the owner of a virtual machine can do.
"""

from __future__ import annotations

import base64
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.blackbox.lab import Lab
from tests.image import loader
from tests.image.agent import Agent, connect
from tests.image.board import BUTTON, JOURNAL_TO_CONSOLE, MODEL, TREE, UNITS, WANTED, load_plain, tell_choice
from tests.image.card import Worn, block_device
from tests.image.picture import enlarged, from_controller, says

MEMORY = 1024
"""Bytes of the display's picture."""
PATIENCE = 4.0
"""Factor on the timeouts, which are for an idle host: on one with shared cores, a start takes five times as long."""


class Ended(AssertionError):
    """QEMU ended, because the machine reset itself or crashed."""


class Machine:
    """One box. card: a copy of the image, which it writes to. directory: for its files. start() starts it.

    boot: the folder of the board's device tree. plain: QEMU starts the kernel in that folder, without a loader.
    """

    def __init__(
        self, lab: Lab, card: Path, test_disk: Path, directory: Path, *, boot: Path, plain: bool = False
    ) -> None:
        self.lab = lab
        self.card = card
        self._disk = test_disk
        self._directory = directory
        self._boot = boot
        self._plain = plain
        self.flag = loader.Flag(directory / "flag")
        self.loaded = loader.Loaded(0, False, b"", b"", "", ())
        self._plugged: tuple[str, Path | None, Worn, int | None] = ("", None, None, None)
        self._qemu: subprocess.Popen[bytes] | None = None
        self._agent: Agent | None = None
        self.started = 0.0

    def start(
        self, extra: str = "", log: Path | None = None, *, worn: Worn = None, unreadable: int | None = None
    ) -> None:
        """Plug it in. extra: appended to the kernel's command line. log: an empty file for a log of the card's writes.

        worn: the card rejects writes: it is `read-only`, or each write fails (`failing`).
        unreadable: a sector of the card (512 bytes) that can't be read.
        """
        assert self._qemu is None
        self._plugged = (extra, log, worn, unreadable)
        self._launch()

    def _launch(self, *, again: bool = False) -> None:
        """Play the loader, and let QEMU boot what it loads. again: after a restart by itself, so the log goes on."""
        extra, log, worn, unreadable = self._plugged
        self.loaded = load_plain(self._boot) if self._plain else loader.load(self.card, tryboot=self.flag.take())
        for name, content in (("vmlinuz", self.loaded.kernel), ("initrd.img", self.loaded.initramfs)):
            (self._directory / name).write_bytes(content)
        self._make_tree()
        for name in ("agent", "monitor"):
            (self._directory / name).unlink(missing_ok=True)
        card = block_device(self.card, log, worn, unreadable, again=again)
        with (self._directory / "console.log").open("ab") as console:
            self._qemu = self.lab.start_machine(self._command(extra, card), log=console)
        self.started = time.monotonic()
        self._agent = Agent(self._directory / "agent")

    def _make_tree(self) -> None:
        """Write the device tree that the loader passes on."""
        shutil.copy(self._boot / TREE, self._directory / "tree.dtb")
        tell_choice(self._directory / "tree.dtb", self.loaded)

    def _command(self, extra: str, card: list[str]) -> list[str]:
        command = ["qemu-system-aarch64", *MODEL, *self._kernel(), "-no-reboot"]
        line = self.loaded.command_line
        command += ["-append", f"{line} console=ttyAMA0 {WANTED} {JOURNAL_TO_CONSOLE} {extra}".strip()]
        command += card
        command += ["-device", "virtio-blk-pci,drive=card"]
        command += ["-drive", f"if=none,id=test,file={self._disk},format=raw,readonly=on"]
        command += ["-device", "virtio-blk-pci,drive=test"]
        command += ["-netdev", "tap,id=net,ifname=box0,script=no,downscript=no"]
        command += ["-device", "virtio-net-pci,netdev=net,mac=52:54:00:77:00:01,id=nic,romfile="]
        command += ["-device", "qemu-xhci,id=usb"]
        command += ["-device", "virtio-serial-pci", "-device", "i6300esb", "-device", "virtio-rng-pci"]
        size = loader.Flag.BYTES
        command += ["-object", f"memory-backend-file,id=flag,size={size},mem-path={self.flag.path},share=on"]
        command += ["-device", "ivshmem-plain,memdev=flag"]
        command += ["-chardev", f"socket,id=agent,path={self._directory}/agent,server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=agent,name=agent"]
        command += ["-chardev", f"socket,id=monitor,path={self._directory}/monitor,server=on,wait=off"]
        command += ["-mon", "chardev=monitor,mode=readline", "-serial", "stdio", "-display", "none"]
        for name, text in UNITS.items():
            (self._directory / name).write_text(text)
            command += ["-fw_cfg", f"name=opt/io.systemd.credentials/{name},file={self._directory / name}"]
        return command

    def _kernel(self) -> list[str]:
        """What the loader passes on, for QEMU."""
        files = {"-kernel": "vmlinuz", "-initrd": "initrd.img", "-dtb": "tree.dtb"}
        return [word for option, name in files.items() for word in (option, str(self._directory / name))]

    def pull_plug(self) -> None:
        """Cut the power, without a shutdown."""
        self._end()
        self.flag.clear()

    def _end(self) -> None:
        if self._qemu is not None:
            self._qemu.send_signal(signal.SIGKILL)
            self._qemu.wait(20)
            self._qemu = None
            self._keep_console()
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    def cable(self, plugged: bool) -> None:
        """Plug the network cable in, or pull it; the box sees the carrier change."""
        self._tell_qemu(f"set_link nic {'on' if plugged else 'off'}")

    def plug_in(self, stick: Path) -> None:
        """Plug a USB stick in."""
        self._tell_qemu(f"drive_add 0 if=none,id=stick,format=raw,file={stick}")
        self._tell_qemu("device_add usb-storage,id=stick,bus=usb.0,drive=stick")

    def pull_out(self) -> None:
        """Pull the USB stick out."""
        self._tell_qemu("device_del stick")

    def _tell_qemu(self, command: str) -> None:
        with connect(self._directory / "monitor") as monitor:
            monitor.sendall(f"{command}\n".encode())
            time.sleep(0.3)

    def run(self, command: str, timeout: float = 60) -> bytes:
        """Run a command; return its output and errors. Raises AssertionError if the agent does not answer."""
        self.send(command)
        answer = self._line(timeout)
        assert answer != b"ready", f"the agent started again by itself\n{self.console()}"
        return base64.b64decode(answer)

    def send(self, command: str) -> None:
        """Run a command without waiting for an answer, such as one that resets the machine."""
        assert self._agent is not None
        self._agent.send(command)

    def text(self, command: str, timeout: float = 60) -> str:
        """Run a command; return its output as stripped text."""
        return self.run(command, timeout).decode(errors="replace").strip()

    def write(self, path: str, text: str) -> None:
        """Write a file in the machine."""
        self.run(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d >{path}")

    def wait_ready(self, timeout: float = 180) -> None:
        """Wait for the agent. If the machine resets itself before, the loader starts it again."""
        end = time.monotonic() + PATIENCE * timeout
        while True:
            try:
                line = self._line((end - time.monotonic()) / PATIENCE)
            except Ended:
                self.start_again()
            else:
                # The serial driver may have sent probe bytes before it.
                assert line.endswith(b"ready"), line
                return

    def wait_reset(self, timeout: float = 180) -> None:
        """Wait until the machine resets itself."""
        assert self._qemu is not None
        try:
            self._qemu.wait(PATIENCE * timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no reset for {PATIENCE * timeout:g} s\n{self.console()}") from None

    def start_again(self, timeout: float = 180) -> None:
        """Wait until the machine resets itself, and play the loader."""
        self.wait_reset(timeout)
        assert self._qemu is not None
        assert self._qemu.returncode == 0, f"QEMU crashed\n{self.console()}"
        self._end()
        self._launch(again=True)

    def _line(self, timeout: float) -> bytes:
        assert self._agent is not None
        try:
            return self._agent.line(PATIENCE * timeout)
        except TimeoutError:
            raise AssertionError(f"no answer for {PATIENCE * timeout:g} s\n{self.console()}") from None
        except ConnectionError:
            raise Ended(f"the machine ended\n{self.console()}") from None

    def picture(self) -> Image.Image:
        """The display's picture."""
        both = self.run("cd /sys/kernel/debug/oled; cat picture facts")
        return from_controller(both[:MEMORY], flipped=b"flipped=1" in both[MEMORY:])

    def facts(self) -> dict[str, int]:
        """The registers of the display's controller: on, contrast, inverted, flipped, first_us, bytes."""
        pairs = (pair.split("=") for pair in self.text("cat /sys/kernel/debug/oled/facts").split())
        return {name: int(value) for name, value in pairs}

    def reads(self, *words: str, timeout: float = 60) -> Image.Image:
        """Wait until the display shows these words; return the picture."""
        picture = self.picture()

        def there() -> bool:
            nonlocal picture
            picture = self.picture()
            return all(says(picture, word) for word in words)

        try:
            self.until(there, f"the display says {words}", timeout)
        except AssertionError:
            self.save("wanted-" + "-".join(words), picture)
            raise
        return picture

    def until(self, check: Callable[[], bool], what: str, timeout: float = 60, every: float = 1.0) -> None:
        """Poll `check` every so many seconds until it is true. Raises AssertionError with `what` after the timeout.

        timeout: seconds on an idle host.
        """
        end = time.monotonic() + PATIENCE * timeout
        while not check():
            assert time.monotonic() < end, f"not within {PATIENCE * timeout:g} s: {what}\n{self.log()}"
            time.sleep(every)

    def save(self, name: str, picture: Image.Image) -> None:
        """Save a picture among the results."""
        folder = Path("build/image/screens")
        folder.mkdir(parents=True, exist_ok=True)
        enlarged(picture).save(folder / (re.sub(r"[^\w-]+", "-", name).lower() + ".png"))

    def log(self) -> str:
        """The end of the appliance's log."""
        return self.text("journalctl -b -o short-monotonic --no-pager -n 40 -u tt-appliance")

    def _keep_console(self) -> None:
        """Save the console's log among the results, because later test runs delete this folder."""
        folder = Path("build/image/consoles")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._directory / "console.log", folder / f"{self._directory.name}.log")

    def console(self) -> str:
        """The last lines on the machine's console."""
        return (self._directory / "console.log").read_text(errors="replace")[-4000:]

    def press(self, seconds: float = 0.3) -> None:
        """Press the button, and pause afterwards: the debounce would ignore a shorter gap."""
        pull = f"/run/test-pins/sim_gpio{BUTTON}/pull"
        self.run(f"echo pull-down >{pull}; sleep {seconds}; echo pull-up >{pull}; sleep 0.3")

    def addresses(self) -> set[str]:
        """Its IPv4 addresses without loopback, from the kernel's table."""
        local = self.text("grep -B 1 '/32 host LOCAL' /proc/net/fib_trie")
        return {address for address in re.findall(r"-- ([\d.]+)", local) if not address.startswith("127.")}

    def pin(self, number: int) -> int:
        """The level of an output pin."""
        return int(self.text(f"cat /run/test-pins/sim_gpio{number}/value"))

    def changes(self, number: int) -> list[tuple[float, int]]:
        """The changes of a pin: seconds since the kernel's start, and the level."""
        found = []
        for line in self.text("cat /sys/kernel/tracing/trace").splitlines():
            match = re.search(r" (\d+\.\d+): gpio_value: (\d+) set (\d)", line)
            if match and int(match[2]) % 512 == number:
                found.append((float(match[1]), int(match[3])))
        return found
