"""Copies the kernel modules that the boards need, and lists those for the initramfs.

These are the modules that the boards' device trees request, without those in NO_USE, and the ones listed in `modules`
beside this file; each with its dependencies.
"""

from __future__ import annotations

import fnmatch
import lzma
import re
import subprocess
import sys
from pathlib import Path

NO_USE = (
    "sound/",
    "drivers/gpu/",
    "drivers/media/",
    "drivers/staging/",
    "drivers/bluetooth/",
    "drivers/video/",
    "drivers/input/",
    "drivers/net/can/",
    "drivers/iio/",
    "drivers/rtc/",
    "drivers/leds/trigger/",
    "drivers/spi/",
    "drivers/pwm/",
    "drivers/perf/",
    "drivers/hwtracing/",
)
"""Folders of drivers for unused parts: HDMI, sound, Bluetooth, cameras."""
EARLY = (
    "drivers/mmc/",
    "drivers/clk/",
    "drivers/gpio/",
    "drivers/pinctrl/",
    "drivers/regulator/",
    "drivers/reset/",
    "drivers/mailbox/",
    "drivers/dma/",
    "drivers/firmware/",
    "drivers/pmdomain/",
    "drivers/misc/",
    "drivers/mfd/",
    "drivers/irqchip/",
    "drivers/pci/",
    "drivers/i2c/",
    "drivers/watchdog/",
    "drivers/block/virtio_blk",
    "drivers/md/",
    "fs/squashfs/",
)
"""Folders of drivers for the initramfs: for the card, the first picture, and the watchdog."""


def compatibles(dtb: Path) -> set[str]:
    """Every `compatible` of a device tree, of devices that are off by default too."""
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", dtb], capture_output=True, text=True, check=True)
    found: set[str] = set()
    for line in re.findall(r"^\s*compatible = (.*);$", source.stdout, re.MULTILINE):
        for text in re.findall(r'"([^"]+)"', line):
            # If a device has several, dtc may write them as one string.
            found.update(text.split("\\0"))
    return found


def asked_for(aliases: Path, wanted: set[str]) -> set[str]:
    """The names of the modules that drive any of these."""
    names: set[str] = set()
    for line in aliases.read_text().splitlines():
        match = re.fullmatch(r"alias of:N\*T\*C(\S+) (\S+)", line)
        if match and any(fnmatch.fnmatchcase(name, match[1]) for name in wanted):
            names.add(match[2])
    return names


def with_dependencies(tree: Path, release: str, name: str) -> list[Path]:
    """The files of a module and its dependencies, below the release's folder; none if it is built in.

    Raises LookupError for an unknown one.
    """
    command = ["modprobe", "-d", tree, "-S", release, "--show-depends", "--ignore-install", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LookupError(f"no module {name}: {done.stderr.strip()}")
    folder = tree / "lib/modules" / release
    files = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("insmod")]
    return [Path(file).relative_to(folder) for file in files]


def listed(path: Path) -> list[str]:
    """The names in a list, without its comments."""
    return [line for line in path.read_text().split("\n") if line and not line.startswith("#")]


def main() -> int:
    """Copy the modules, unpacked: TREE (with lib/modules/RELEASE) RELEASE LIST TO EARLY_LIST DTB..."""
    tree, release, names, to, early = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]
    folder = tree / "lib/modules" / release
    wanted = set[str]().union(*(compatibles(Path(dtb)) for dtb in sys.argv[6:]))
    files: set[Path] = set()
    for name in asked_for(folder / "modules.alias", wanted):
        needed = with_dependencies(tree, release, name)
        if needed and not str(needed[-1].relative_to("kernel")).startswith(NO_USE):
            files.update(needed)
    for name in listed(names):
        files.update(with_dependencies(tree, release, name))
    for file in sorted(files):
        # Decompressed modules load faster, and the file system compresses them better.
        target = to / "lib/modules" / release / file.with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(lzma.decompress((folder / file).read_bytes()))
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        (to / "lib/modules" / release / name).write_bytes((folder / name).read_bytes())
    first = {file for file in files if str(file.relative_to("kernel")).startswith(EARLY)}
    for file in list(first):
        first.update(with_dependencies(tree, release, file.name.split(".")[0]))
    Path(early).write_text("".join(f"{file.with_suffix('')}\n" for file in sorted(first)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
