"""Applies the system's settings at each boot, before the network: Wi-Fi, addresses, host name, time, and SSH access.

Invalid settings are ignored, so that a missing or broken file still leaves the box with a network. They are listed in
PROBLEMS, one a line; the appliance shows them on its display.

A child without root's privileges parses the file, whose YAML anybody with a PC may have written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance import atomic_file
from appliance.box.handover import MOST_BYTES, decode, encode
from appliance.box.system_files import FOLDER, File, files, host_name
from appliance.box.unprivileged import ChildFailed, run_unprivileged
from appliance.config import Config, ConfigError
from appliance.config.file_text import read_bytes
from appliance.config.lenient import parse_data_leniently
from appliance.core.values import Mistake

SETTINGS = Path("/boot/firmware/tt-appliance.yaml")
PROBLEMS = Path(FOLDER, "problems")
ZONES = Path("/usr/share/zoneinfo")
SERIAL = Path("/proc/device-tree/serial-number")
HOST_NAME = Path("/proc/sys/kernel/hostname")
"""Writing it needs no capability, unlike sethostname()."""
LONGEST_PARSE = 60.0
"""Seconds: a usual file takes one on the slowest board, and none may keep the box without a network."""


def main() -> int:
    """Apply the settings; return the exit code, which is 0."""
    config, mistakes = _settings()
    for path, file in files(config).items():
        _write(Path(path), file)
    problems = [
        f"{SETTINGS.name}:{mistake.line or 0}: {mistake.key or 'file'}: {mistake.text}\n" for mistake in mistakes
    ]
    _write(PROBLEMS, File("".join(problems)))
    localtime = Path(FOLDER, "localtime")
    localtime.unlink(missing_ok=True)
    localtime.symlink_to(ZONES / config.box.time_zone)
    HOST_NAME.write_text(host_name(config.box, _serial()))
    sys.stderr.writelines(problems)
    return 0


def _settings() -> tuple[Config, tuple[Mistake, ...]]:
    try:
        data = read_bytes(SETTINGS)
    except ConfigError as error:
        return Config(), tuple(Mistake(problem.line, problem.key, problem.text) for problem in error.problems)
    try:
        return decode(run_unprivileged(lambda: _parsed(data), MOST_BYTES, LONGEST_PARSE))
    except ChildFailed as error:
        what = str(error)
    except ValueError as error:
        # Its text names no value: only keys that are in our own table.
        what = f"reading it failed: {error}"
    return Config(), (Mistake(None, None, f"can't be used: {what}"),)


def _parsed(data: bytes) -> bytes:
    config, mistakes = parse_data_leniently(data, str(SETTINGS))
    return encode(config, mistakes)


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
