"""The configuration: frozen values, read from YAML and printed as YAML.

Every key is optional, and an absent value means the default. What is wrong with a file is found in one reading and told
all at once. The YAML library and the table of keys are imported when a file is read, not before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.core.values import Address, Benchmarks, PanelSettings

if TYPE_CHECKING:
    from appliance.yaml_lines import Mapping, Node, Report

MAX_BYTES = 64 * 1024
"""A configuration is some 40 lines; a file larger than this is another file."""


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Which gateway to use, where that is not left to discovery and pairing."""

    address: Address | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """The OLED. rotate: quarter turns as luma counts them, 0 or 2. contrast: 0 to 255. height: in pixels, 64 or 32.

    dim_after, sleep_after: seconds in which nothing happens; 0 for never.
    """

    driver: str = "ssd1306"
    i2c_port: int = 1
    i2c_address: int = 0x3C
    rotate: int = 0
    contrast: int = 255
    height: int = 64
    dim_after: float = 600.0
    sleep_after: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Pins:
    """BCM numbers, all different."""

    button: int = 17
    green: int = 22
    amber: int = 27
    red: int = 23
    buzzer: int = 18


@dataclass(frozen=True, slots=True)
class BuzzerConfig:
    """The sounds. kind: active or passive. volume: a passive one's, 1 to 100 percent.

    repeat_pages: sound an unanswered page again.
    """

    enabled: bool = True
    kind: str = "active"
    volume: int = 100
    repeat_pages: bool = False


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """interfaces: names of those to look for gateways on; empty for every one but loopback.

    address: a fixed one with its prefix, such as 192.168.1.50/24; None for DHCP. router, dns: what goes with it. The
    last three are applied by the image alone.
    """

    interfaces: tuple[str, ...] = ()
    address: str | None = None
    router: str | None = None
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WifiConfig:
    """The wireless network, applied by the image alone. country: two capital letters. name: the network's."""

    country: str | None = None
    name: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BoxConfig:
    """The machine itself, applied by the image alone. host_name: None for one from the board's serial number.

    ssh_key: a public key in the form of authorized_keys; without one nobody can log in.
    """

    host_name: str | None = None
    time_zone: str = "Etc/UTC"
    time_server: str | None = None
    ssh_key: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """How much of the orders that are over is kept. months: of 365.25 / 12 days. size: MiB of the archive's file."""

    months: int = 13
    size: int = 256


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be configured; the defaults suit hardware.md."""

    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    orders: Benchmarks = field(default_factory=Benchmarks)
    display: DisplayConfig = field(default_factory=DisplayConfig)
    pins: Pins = field(default_factory=Pins)
    buzzer: BuzzerConfig = field(default_factory=BuzzerConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    wifi: WifiConfig = field(default_factory=WifiConfig)
    box: BoxConfig = field(default_factory=BoxConfig)
    history: HistoryConfig = field(default_factory=HistoryConfig)
    state_dir: Path = Path("/var/lib/tt-appliance")

    @property
    def panel(self) -> PanelSettings:
        """What the state machine is to know of the panel, where never is infinity."""
        display = self.display
        return PanelSettings(display.dim_after or math.inf, display.sleep_after or math.inf, self.buzzer.repeat_pages)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. line and column count from 1; they and the dotted key are None where there is none."""

    file: str
    line: int | None
    column: int | None
    key: str | None
    text: str

    def __str__(self) -> str:
        place = [self.file, *(str(number) for number in (self.line, self.column) if number is not None)]
        return ":".join(place) + ": " + (f"{self.key}: " if self.key else "") + self.text


class ConfigError(Exception):
    """A configuration that can't be used. problems: all that was found, in the file's order; never empty."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(path: Path | None) -> Config:
    """The configuration in a file, or the default one. Raises ConfigError, also where the file can't be read."""
    return Config() if path is None else parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """What stands in a file. Raises ConfigError where that is no text, or can't be had."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError((Problem(name, None, None, None, f"can't be read: {error.strerror or error}"),)) from error
    except ValueError as error:
        raise ConfigError((Problem(name, None, None, None, f"is no file's name: {error}"),)) from error
    if len(data) > MAX_BYTES:
        what = f"larger than {MAX_BYTES // 1024} KiB; this is no configuration"
        raise ConfigError((Problem(name, data[:MAX_BYTES].count(b"\n") + 1, None, None, what),))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise ConfigError((Problem(name, line, None, None, what),)) from error


def parse(text: str, name: str) -> Config:
    """The configuration in a text. name: the file's, for messages. Raises ConfigError with all that is wrong."""
    config, problems = examine(text, name)
    if problems:
        raise ConfigError(problems)
    return config


def examine(text: str, name: str, without: Collection[str] = ()) -> tuple[Config, tuple[Problem, ...]]:
    """What a text says, as far as it can be used, and all that is wrong with it, in the file's order.

    without: dotted keys that are passed over. Values that are wrong each are left out; those that are wrong together
    are not.
    """
    from appliance import yaml_lines

    problems: list[Problem] = []

    def report(line: int | None, column: int | None, key: str | None, what: str) -> None:
        problems.append(Problem(name, line, column, key, what))

    root = yaml_lines.read(text, report)
    reader = _Reader(report, without)
    if isinstance(root, yaml_lines.Mapping):
        reader.read(root, "")
    elif root is not None and not _is_null(root):
        report(root.line, None, None, "must be keys and values, such as `state_dir: /var/lib/tt-appliance`")
    config: Config = _with_values(Config(), "", reader.values)
    _check_together(config, reader, report)
    return config, tuple(sorted(problems, key=lambda problem: problem.line or 0))


def dump(config: Config) -> str:
    """The configuration as commented YAML that reads back to the same one."""
    from appliance.config_keys import KEYS, SECTIONS

    lines: list[str] = []
    section = ""
    for dotted, key in KEYS.items():
        value: Any = config
        *path, name = dotted.split(".")
        for part in (*path, name):
            value = getattr(value, part)
        if path != [section]:
            section = path[0] if path else ""
            lines += ["", f"# {SECTIONS[section]}", f"{section}:"] if section else [""]
        indent = "  " * len(path)
        lines += [f"{indent}# {key.comment}", f"{indent}{name}: {key.show(value)}"]
    return "\n".join(lines[1:]) + "\n"


def _is_null(node: Node) -> bool:
    return getattr(node, "kind", None) == "null"


class _Reader:
    """Collects the values and lines of the keys in a mapping, and reports those that are wrong."""

    def __init__(self, report: Report, without: Collection[str]) -> None:
        self._without = without
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self.wrong: set[str] = set()
        self._report = report

    def read(self, mapping: Mapping, section: str) -> None:
        from appliance.config_keys import KEYS, SECTIONS
        from appliance.yaml_lines import Mapping

        for entry in mapping.entries:
            dotted = f"{section}.{entry.key}" if section else entry.key
            if dotted in SECTIONS:
                if isinstance(entry.node, Mapping):
                    self.read(entry.node, dotted)
                elif not _is_null(entry.node):
                    keys = ", ".join(key.split(".")[1] for key in KEYS if key.startswith(f"{dotted}."))
                    self._report(entry.node.line, None, dotted, f"must hold keys of its own, indented below it: {keys}")
            elif dotted not in KEYS or "." in entry.key:
                # What stands below wifi is not repeated: a colon too many, and the password is part of a key.
                told = section if section == "wifi" else dotted
                self._report(entry.line, None, told, f"unknown key; {_hint(entry.key, section)}")
            elif not _is_null(entry.node) and dotted not in self._without:
                self.lines[dotted] = entry.line
                try:
                    self.values[dotted] = KEYS[dotted].check(entry.node)
                except ValueError as error:
                    self.wrong.add(dotted)
                    self._report(entry.node.line, None, dotted, str(error))


def _hint(key: str, section: str) -> str:
    from appliance.config_checks import nearest
    from appliance.config_keys import KEYS, SECTIONS

    if key in KEYS and not section:
        parent, name = key.split(".")
        return f"write {name} indented below {parent}:"
    prefix = f"{section}." if section else ""
    siblings = {dotted.removeprefix(prefix): dotted for dotted in KEYS if dotted.startswith(prefix)}
    siblings = {name: dotted for name, dotted in siblings.items() if "." not in name}
    if not section:
        siblings |= {name: name for name in SECTIONS}
    elsewhere = {dotted.split(".")[-1]: dotted for dotted in KEYS} | {name: name for name in SECTIONS}
    for known in (siblings, elsewhere):
        near = nearest(key, tuple(known))
        if near:
            return f"did you mean {known[near]}?"
    return f"known here are {', '.join(siblings)}"


def _with_values(part: Any, prefix: str, values: dict[str, Any]) -> Any:
    changes: dict[str, Any] = {}
    for item in fields(part):
        dotted = prefix + item.name
        old = getattr(part, item.name)
        if is_dataclass(old) and not isinstance(old, Address):
            changes[item.name] = _with_values(old, dotted + ".", values)
        elif dotted in values:
            changes[item.name] = values[dotted]
    return replace(part, **changes)


def _check_together(config: Config, reader: _Reader, report: Report) -> None:
    lines = reader.lines

    def place(dotted: str) -> str:
        return f"line {lines[dotted]}" if dotted in lines else "the default"

    orders, display = config.orders, config.display
    ascending: list[tuple[str, float]] = [
        ("orders.warn_after", orders.warn_after),
        ("orders.late_after", orders.late_after),
        ("orders.forget_after", orders.forget_after),
    ]
    pairs = list(itertools.pairwise(ascending))
    if display.dim_after and display.sleep_after:
        pairs.append((("display.dim_after", display.dim_after), ("display.sleep_after", display.sleep_after)))
    for (less, low), (more, high) in pairs:
        if low < high or reader.wrong & {less, more}:
            continue
        if lines.get(more, 0) >= lines.get(less, 0):
            what = f"must be more than {less}, which is {low:g} ({place(less)}), not {high:g}"
            report(lines.get(more), None, more, what)
        else:
            what = f"must be less than {more}, which is {high:g} ({place(more)}), not {low:g}"
            report(lines[less], None, less, what)

    _check_address(config.network, lines, report)
    uses: dict[int, list[str]] = {}
    for item in fields(Pins):
        if f"pins.{item.name}" not in reader.wrong:
            uses.setdefault(getattr(config.pins, item.name), []).append(f"pins.{item.name}")
    for number, keys in uses.items():
        # The first in the file is taken to be meant; a default never is at fault.
        first, *others = sorted(keys, key=lambda key: lines.get(key, 0))
        for key in others:
            free = min(set(range(4, 28)) - set(uses), key=lambda pin: (abs(pin - number), pin))
            what = f"GPIO {number} is already {first} ({place(first)}); each pin has one use, and {free} is free"
            report(lines[key], None, key, what)


def _check_address(network: NetworkConfig, lines: dict[str, int], report: Report) -> None:
    from ipaddress import ip_address, ip_interface

    if network.router is None:
        return
    if network.address is None:
        report(lines["network.router"], None, "network.router", "needs network.address too; without it DHCP tells both")
    elif ip_address(network.router) not in ip_interface(network.address).network:
        what = f"must be in the network of network.address, {ip_interface(network.address).network}"
        report(lines["network.router"], None, "network.router", what)
