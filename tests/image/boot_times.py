"""Start-up time of the image, compared with a plain Debian of the same packages, booted the same way: [TIMES].

Both are paired first, then started TIMES times in turns. Prints the median in seconds since the kernel's start, and the
ratio. An emulator on this host runs both, so only the ratio carries over to a board.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.image.board import TREE
from tests.image.card import copy_card
from tests.image.conftest import ROOT, Built, make_built
from tests.image.machine import Machine
from tests.image.site import Site

ROWS = ("kernel", "initramfs", "userspace", "first picture", "live count")
WHAT = {
    "kernel": "from its first line to the first program",
    "initramfs": "from there to systemd",
    "userspace": "from there until every unit is started",
    "first picture": "from the kernel's first line to a picture on the display",
    "live count": "from the kernel's first line, with a token, to the current count",
}
IN_MEMORY = ("AnonPages", "Shmem", "Slab", "KernelStack", "PageTables", "Percpu")


def pair(box: Machine, site: Site) -> None:
    """Start it for the first time, pair it, and flush its card."""
    box.start()
    box.wait_ready(300)
    box.reads("Press", timeout=300)
    box.press()
    box.reads("gateway", timeout=60)
    site.do("button")
    box.reads("orders", timeout=120)
    _settled(box)
    box.run("sync")
    box.pull_plug()


def measure(box: Machine) -> tuple[dict[str, float], str]:
    """Start it; return the seconds of each phase, and a table of its memory."""
    box.start()
    box.wait_ready(300)
    _settled(box)
    box.reads("orders", timeout=300)
    first = re.search(r"\[ *([\d.]+)\] Run /init", box.text("dmesg"))
    assert first is not None
    init = float(first[1])
    marks = box.text("systemctl show -P UserspaceTimestampMonotonic -P FinishTimestampMonotonic").split()
    systemd, done = (int(mark) / 1e6 for mark in marks)
    said = re.search(r"^\[ *([\d.]+)\].* Connected", box.text(LOG), re.MULTILINE)
    assert said is not None, box.log()
    picture = box.facts()["first_us"] / 1e6
    times = (init, systemd - init, done - systemd, picture, float(said[1]))
    memory = in_memory(box)
    box.pull_plug()
    return dict(zip(ROWS, times, strict=True)), memory


EACH_PROCESS = (
    "for p in /proc/[0-9]*; do"
    " echo $(tr '\\0' ' ' <$p/cmdline | cut -c 1-60) $(sed -n 's/^Pss_Anon: *//p' $p/smaps_rollup 2>/dev/null);"
    " done"
)
"""A line per process: its command line and its private memory."""
LOG = "journalctl -b -u tt-appliance -o short-monotonic --no-pager"


def in_memory(box: Machine) -> str:
    """The used memory in MB, as rows of a table: the kernel's figures, then each process."""
    facts = {name: int(kb) / 1024 for name, kb in re.findall(r"(\w+): +(\d+) kB", box.text("cat /proc/meminfo"))}
    rows = [("in use (all but MemAvailable)", facts["MemTotal"] - facts["MemAvailable"])]
    rows += [(name, facts[name]) for name in IN_MEMORY]
    found = re.findall(r"^(\S+).* (\d+) kB$", box.text(EACH_PROCESS), re.MULTILINE)
    processes = sorted(((Path(name).name, int(kb) / 1024) for name, kb in found), key=lambda row: -row[1])
    rows += [(f"- {name}", mb) for name, mb in processes if mb >= 0.5]
    return "\n".join(f"| {name} | {mb:.1f} |" for name, mb in rows)


def _settled(box: Machine) -> None:
    box.until(lambda: box.text("systemctl is-system-running") in ("running", "degraded"), "the start is over", 400, 2.0)
    box.until(lambda: box.facts()["first_us"] > 0, "a first picture", 300, 2.0)


def plain_built(built: Built, folder: Path) -> Built:
    """The plain Debian, with the files that QEMU boots."""
    made = subprocess.run(["tests/image/plain", built.base], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    plain = Path(made.stdout.strip())
    for name in ("vmlinuz", "initrd.img", "cmdline.txt"):
        shutil.copy(plain / name, folder / name)
    shutil.copy(built.boot / TREE, folder / TREE)
    return Built(plain / "plain.img", folder, built.test_disk, built.base)


def main() -> int:
    """Print the tables."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix="boot-times-") as name:
        folders = {kind: Path(name, kind) for kind in ("image", "plain")}
        for folder in folders.values():
            folder.mkdir()
        built = make_built()
        both = {"image": built, "plain": plain_built(built, folders["plain"])}
        site = Site(Path(name))
        boxes = {}
        found: dict[str, list[dict[str, float]]] = {"image": [], "plain": []}
        memory = {}
        try:
            for kind, made in both.items():
                card = copy_card(made.image, folders[kind] / "card.img", "3G")
                boxes[kind] = Machine(
                    site.lab, card, made.test_disk, folders[kind], boot=made.boot, plain=kind == "plain"
                )
                pair(boxes[kind], site)
            for _ in range(times):
                for kind, box in boxes.items():
                    seconds, memory[kind] = measure(box)
                    found[kind].append(seconds)
                    print(kind, {row: round(value, 1) for row, value in seconds.items()}, file=sys.stderr, flush=True)
        finally:
            for box in boxes.values():
                box.pull_plug()
            site.close()
    print("| | image | plain Debian | ratio | |\n| --- | --- | --- | --- | --- |")
    for row in ROWS:
        ours, plain = (median(run[row] for run in found[kind]) for kind in ("image", "plain"))
        print(f"| {row} | {ours:.1f} s | {plain:.1f} s | {ours / plain:.2f} | {WHAT[row]} |")
    for kind in ("image", "plain"):
        print(f"\n| memory of the {kind}, after the start | MB |\n| --- | --- |\n{memory[kind]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
