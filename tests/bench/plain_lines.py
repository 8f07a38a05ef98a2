"""The plain client with lines of JSON for a panel: `python -m tests.bench.plain_lines ARGUMENTS...`."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests import plain_client


class Lines:
    """Replaces the client's panel: prints a line for each picture."""

    def show_message(self, words: str) -> None:
        """No gateway is connected."""
        self._print(None)

    def show(self, orders: dict[str, Any]) -> None:
        """Print the count."""
        self._print(len(orders))

    def beep(self) -> None:
        """Pages are ignored."""

    def _print(self, active: int | None) -> None:
        sys.stdout.write(json.dumps({"active": active}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    plain_client.Panel = Lines  # type: ignore[assignment,misc]
    plain_client.main()
