"""Updates the generated pictures and tables in the repository."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.config import Pins
from appliance.core.values import Benchmarks
from appliance.pictures.contact_sheet import save_sheet, save_steps
from appliance.pictures.example_screens import ERASE_STEPS, STEPS
from appliance.pictures.markdown_tables import with_signs, with_tables
from appliance.pictures.wiring import wiring

HERE = Path(__file__).parent
SHEET, INSTALL_STEPS, ERASING_STEPS = HERE / "screens.png", HERE / "install.png", HERE / "erase.png"
WIRING = HERE / "wiring.svg"
HARDWARE, INSTALL = HERE.parents[1] / "hardware.md", HERE.parents[1] / "docs" / "install.md"


def main() -> int:
    """Write the contact sheets, the wiring diagram and the tables of the documents; the exit code."""
    try:
        save_sheet(SHEET)
        save_steps(STEPS, INSTALL_STEPS)
        save_steps(ERASE_STEPS, ERASING_STEPS)
        WIRING.write_text(wiring(Pins()), encoding="utf-8")
        HARDWARE.write_text(with_tables(HARDWARE.read_text(encoding="utf-8"), Pins(), Benchmarks()), encoding="utf-8")
        INSTALL.write_text(with_signs(INSTALL.read_text(encoding="utf-8")), encoding="utf-8")
    except FileNotFoundError as error:
        print(f"{error.filename} not found: run this in a clone of the repository", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"could not update {HERE}, {HARDWARE} and {INSTALL}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
