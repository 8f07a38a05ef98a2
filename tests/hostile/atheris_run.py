"""Fuzzes one parser with atheris, guided by coverage: `python -m tests.hostile.atheris_run PARSER SECONDS FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["appliance", "json", "yaml"]):
    from tests.hostile.parsers import PARSERS, samples


def main() -> None:
    parser, seconds, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    for number, sample in enumerate(samples(parser)):
        (folder / f"sample{number}").write_bytes(sample)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=1000", "-verbosity=0"]
    options += ["-print_final_stats=1", f"-artifact_prefix={folder}/", str(folder)]
    atheris.Setup(["guided", *options], PARSERS[parser])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
