"""The settings as frozen values; the defaults match hardware.md."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from appliance.core.values import Address, Benchmarks, PanelSettings


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """The gateway to use; without address and name, discovery and pairing decide."""

    address: Address | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """The OLED. driver: "auto" to detect it. i2c_address: None to find it. rotate: quarter turns as luma counts them, 0
    or 2. contrast: 0 to 255. height: in pixels, 64 or 32.

    dim_after, sleep_after: idle seconds; 0 for never.
    """

    driver: str = "auto"
    i2c_port: int = 1
    i2c_address: int | None = None
    rotate: int = 0
    contrast: int = 255
    height: int = 64
    dim_after: float = 600.0
    sleep_after: float = 4 * 3600.0


SOLDERED = "soldered"
"""The default hardware: the parts on wires of their own, as hardware.md describes."""
LIGHTS = ("green", "amber", "red")
"""The LEDs, in the order in which they are mounted."""
PARTS = ("button", *LIGHTS, "buzzer")
"""The parts on pins of their own."""


@dataclass(frozen=True, slots=True)
class Pins:
    """BCM numbers, all different; None for an absent part.

    button_active_high: a press connects the pin to 3.3 V instead of ground.
    """

    button: int | None = 17
    green: int | None = 22
    amber: int | None = 27
    red: int | None = 23
    buzzer: int | None = 18
    button_active_high: bool = False

    @property
    def present(self) -> dict[str, int]:
        """The numbers of the parts that are there, by the parts' names."""
        numbers = {part: getattr(self, part) for part in PARTS}
        return {part: number for part, number in numbers.items() if number is not None}


@dataclass(frozen=True, slots=True)
class BuzzerConfig:
    """The sounds. kind: active or passive. volume: a passive one's, 1 to 100 percent.

    repeat_pages: repeat the sound of unacknowledged pages. page, late, error, new_order: each sound's own switch;
    enabled is the master switch. late_every: the least seconds between two sounds of late orders.
    """

    enabled: bool = True
    kind: str = "active"
    volume: int = 100
    repeat_pages: bool = False
    page: bool = True
    late: bool = True
    error: bool = True
    new_order: bool = False
    late_every: float = 60.0

    @property
    def sounds(self) -> frozenset[str]:
        """The sounds that are switched on, by the names of `core.view.Sound`; `paired` has no switch of its own."""
        switches = {
            "page": self.page,
            "paired": True,
            "error": self.error,
            "late": self.late,
            "new_order": self.new_order,
        }
        return frozenset(sound for sound, on in switches.items() if on and self.enabled)


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The network. interfaces: where to search for gateways; empty for all but loopback.

    address: a fixed one with its prefix length, such as 192.168.1.50/24; None for DHCP. router: for a fixed address.
    dns: name servers, instead of those from DHCP. Only the image applies the last three.
    """

    interfaces: tuple[str, ...] = ()
    address: str | None = None
    router: str | None = None
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WifiConfig:
    """The wireless network; only the image applies it. country: two capital letters.

    password: a passphrase, or the key that WPA2 derives from one, as 64 hexadecimal digits. open: the network has none.
    """

    country: str | None = None
    name: str | None = None
    password: str | None = field(default=None, repr=False)
    open: bool = False

    @property
    def joinable(self) -> bool:
        """Whether the box may join: an open network only if the settings ask for one."""
        return self.name is not None and self.open == (self.password is None)


@dataclass(frozen=True, slots=True)
class BoxConfig:
    """The machine; only the image applies it. host_name: None for one from the board's serial number.

    ssh_key: public keys as in authorized_keys; without one, there is no login.
    """

    host_name: str | None = None
    time_zone: str = "Etc/UTC"
    time_server: str | None = None
    ssh_key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """Updates from a channel; only the image uses them. url: of its index; None for no channel.

    at: when the hour begins in which the box installs by itself, in seconds after midnight, the gateway's local time.
    """

    url: str | None = None
    at: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class BackupConfig:
    """Copies of the state; only the image makes them. secret: encrypts the pairing; None to leave it out."""

    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """The bounds of the archive of finished orders. months: of 365.25 / 12 days. size: MiB of the file."""

    months: int = 13
    size: int = 256


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; the defaults match hardware.md.

    hardware: the name of a preset, which gives the pins their defaults. pins: those in force.
    """

    hardware: str = SOLDERED
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    orders: Benchmarks = field(default_factory=Benchmarks)
    display: DisplayConfig = field(default_factory=DisplayConfig)
    pins: Pins = field(default_factory=Pins)
    buzzer: BuzzerConfig = field(default_factory=BuzzerConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    wifi: WifiConfig = field(default_factory=WifiConfig)
    box: BoxConfig = field(default_factory=BoxConfig)
    update: UpdateConfig = field(default_factory=UpdateConfig)
    backup: BackupConfig = field(default_factory=BackupConfig)
    history: HistoryConfig = field(default_factory=HistoryConfig)
    state_dir: Path = Path("/var/lib/tt-appliance")

    @property
    def panel(self) -> PanelSettings:
        """The settings of the panel for the state machine; infinity means never."""
        display, buzzer = self.display, self.buzzer
        return PanelSettings(
            dim_after=display.dim_after or math.inf,
            sleep_after=display.sleep_after or math.inf,
            repeat_pages=buzzer.repeat_pages,
            sounds=buzzer.sounds,
            late_every=buzzer.late_every,
            leds=not self.pins.present.keys().isdisjoint(LIGHTS),
        )
