"""A Linux kernel as a process, for what this machine's kernel may lack: device mapper with verity, and FAT.

User-mode Linux runs programs of this machine at about its speed, and starts in seconds. Its root is this machine's,
below an overlay in memory, so that nothing here is changed. Its disks are files; to kill it is a power cut.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODULES = Path("/usr/lib/uml/modules")
DRIVERS = "overlay dm-verity loop squashfs vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 ext4"
INIT = """\
#!/bin/sh
export PATH={venv}:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t tmpfs run /run
mkdir /run/upper /run/work /run/root /run/modules /run/modules/lib
ln -s {modules} /run/modules/lib/modules
for module in {drivers}; do
    modprobe -q -d /run/modules $module
done
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work root /run/root
cd /run/root
mount -t proc proc proc
mount -t sysfs sys sys
mount -t tmpfs run run
mount -t devtmpfs dev dev
# The kernel's own messages go to another console.
stty raw -echo <>dev/tty0 >&0
exec chroot . {venv}/python {agent} <>dev/tty0 >&0 2>/dev/null
"""
AGENT = """\
import base64, json, subprocess, sys
print("ready", flush=True)
for line in sys.stdin:
    done = subprocess.run(base64.b64decode(line).decode(), shell=True, capture_output=True, stdin=subprocess.DEVNULL)
    answer = [done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")]
    print(base64.b64encode(json.dumps(answer).encode()).decode(), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """The end of a command."""

    code: int
    out: str
    err: str


class Uml:
    """One machine. folder: for its files. disks: its disks, /dev/ubda first."""

    def __init__(self, folder: Path, *disks: Path, python: Path) -> None:
        init, agent = folder / "init", folder / "agent.py"
        init.write_text(INIT.format(venv=python.parent, modules=MODULES, drivers=DRIVERS, agent=agent))
        init.chmod(0o755)
        agent.write_text(AGENT)
        files = [f"ubd{letter}={disk}" for letter, disk in zip("abcdefgh", disks, strict=False)]
        command = ["linux.uml", "mem=256M", "root=/dev/root", "rootfstype=hostfs", "hostfs=/", "ro", f"init={init}"]
        with (folder / "uml.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "console=tty1", "con=null", "con0=fd:0,fd:1", *files],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._until(b"ready")

    def run(self, command: str) -> Done:
        """Run a shell command to its end."""
        self.begin(command)
        return self.end()

    def begin(self, command: str) -> None:
        """Begin a shell command."""
        assert self._process.stdin is not None
        self._process.stdin.write(base64.b64encode(command.encode()) + b"\n")
        self._process.stdin.flush()

    def end(self) -> Done:
        """Wait for the command's end."""
        return Done(*json.loads(base64.b64decode(self._line())))

    def check(self, command: str) -> str:
        """Run a command that must not fail; its output."""
        done = self.run(command)
        assert done.code == 0, f"{command}: {done}"
        return done.out.strip()

    def pull_plug(self) -> None:
        """Cut the power, without a shutdown."""
        with self._process:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _until(self, word: bytes) -> None:
        while self._line() != word:
            pass

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the machine ended"
        return line.strip()
