"""Loads settings from a file. Every key is optional.

Imports the YAML library and the table of keys only to read a file.
"""

from __future__ import annotations

from pathlib import Path

from appliance.config.problems import ConfigError
from appliance.config.values import Config


def load(path: Path | None) -> Config:
    """The settings in a file, or the defaults. Raises ConfigError with all problems, also if it can't be read."""
    if path is None:
        return Config()
    from appliance.config.file_text import read_bytes
    from appliance.config.lenient import read_leniently

    config, problems = read_leniently(read_bytes(path), str(path))
    if problems:
        raise ConfigError(problems)
    return config


def parse(text: str, name: str) -> Config:
    """The settings in a text. name: the file's, for messages. Raises ConfigError with all problems."""
    from appliance.config.lenient import parse_text

    config, problems = parse_text(text, name)
    if problems:
        raise ConfigError(problems)
    return config
