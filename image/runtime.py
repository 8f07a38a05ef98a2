"""Prints the part of requirements.lock that the appliance itself needs: no simulator, no window, no tests.

It reads the dependencies from the packages in .venv, which are those of the lock.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TARGET = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "aarch64",
    "os_name": "posix",
    "python_version": "3.13",
    "python_full_version": "3.13.5",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}
"""Where the image's Python runs."""
BUILD_ONLY = frozenset({"setuptools"})
"""Requirements of packages that no longer use them at run time."""


def needed(root: str) -> set[str]:
    """The canonical names of a distribution's dependencies on the target, with theirs; without itself."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        for text in requires(waiting.pop()) or ():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name in found | BUILD_ONLY or not (requirement.marker is None or requirement.marker.evaluate(TARGET)):
                continue
            found.add(name)
            waiting.append(name)
    return found


def entries(lock: str) -> dict[str, str]:
    """The entries of a lock file by name, each with its hashes."""
    return {
        canonicalize_name(match[1]): match[0]
        for match in re.finditer(r"^([\w.-]+)==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    }


def main() -> int:
    """Print the entries; 1 if the lock lacks one."""
    locked = entries(Path("requirements.lock").read_text())
    names = needed("table-tracker-appliance")
    if missing := names - locked.keys():
        print(f"not in requirements.lock: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    print("".join(locked[name] for name in sorted(names)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
