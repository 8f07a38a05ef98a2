"""The settings: frozen values, read from YAML.

`keys` is the table of all keys; `checks` and the modules of that name validate values.
"""

from appliance.config.loader import load, parse
from appliance.config.problems import ConfigError, Problem
from appliance.config.values import (
    BackupConfig,
    BoxConfig,
    BuzzerConfig,
    Config,
    DisplayConfig,
    GatewayConfig,
    HistoryConfig,
    NetworkConfig,
    Pins,
    UpdateConfig,
    WifiConfig,
)

__all__ = [
    "BackupConfig",
    "BoxConfig",
    "BuzzerConfig",
    "Config",
    "ConfigError",
    "DisplayConfig",
    "GatewayConfig",
    "HistoryConfig",
    "NetworkConfig",
    "Pins",
    "Problem",
    "UpdateConfig",
    "WifiConfig",
    "load",
    "parse",
]
