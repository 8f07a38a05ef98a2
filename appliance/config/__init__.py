"""The configuration: frozen values, read from YAML.

Owns only what others need; `keys` is the one table of what can be set, and `checks` and `machine` say what it may be.
"""

from appliance.config.loader import ConfigError, Problem, load, parse
from appliance.config.values import (
    BoxConfig,
    BuzzerConfig,
    Config,
    DisplayConfig,
    GatewayConfig,
    HistoryConfig,
    NetworkConfig,
    Pins,
    WifiConfig,
)

__all__ = [
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
    "WifiConfig",
    "load",
    "parse",
]
