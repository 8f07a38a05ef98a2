"""Applies the system's settings at each boot, before the network: Wi-Fi, addresses, host name, time, and SSH access.

Invalid settings are ignored, so that a missing or broken file still leaves the box with a network. They are listed in
PROBLEMS, one a line; the appliance shows them on its display.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from appliance import atomic_file
from appliance.box.system_files import FOLDER, File, files, host_name, without_guesses
from appliance.config.lenient import load_leniently

SETTINGS = Path("/boot/firmware/tt-appliance.yaml")
PROBLEMS = Path(FOLDER, "problems")
ZONES = Path("/usr/share/zoneinfo")
SERIAL = Path("/proc/device-tree/serial-number")


def main() -> int:
    """Apply the settings; return the exit code, which is 0."""
    config, mistakes = load_leniently(SETTINGS)
    config = without_guesses(config, mistakes)
    for path, file in files(config).items():
        _write(Path(path), file)
    problems = [
        f"{SETTINGS.name}:{mistake.line or 0}: {mistake.key or 'file'}: {mistake.text}\n" for mistake in mistakes
    ]
    _write(PROBLEMS, File("".join(problems)))
    localtime = Path(FOLDER, "localtime")
    localtime.unlink(missing_ok=True)
    localtime.symlink_to(ZONES / config.box.time_zone)
    socket.sethostname(host_name(config.box, _serial()))
    sys.stderr.writelines(problems)
    return 0


def _serial() -> str:
    try:
        return SERIAL.read_text(errors="replace").strip("\0\n ")
    except OSError:
        # Without a serial number, the host name has no suffix.
        return ""


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with atomic_file.open_directory(path.parent) as directory:
        atomic_file.write(directory, path.name, file.content.encode(), file.mode)


if __name__ == "__main__":
    sys.exit(main())
