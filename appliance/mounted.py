"""The panel as it is mounted in this box: the one place where settings become pins."""

from __future__ import annotations

from appliance.config import Config
from appliance.panel.hardware import HardwarePanel


def mounted_panel(config: Config) -> HardwarePanel:
    """The real panel on the pins and the bus that are set. Making it may block for a moment; do so before the loop."""
    display, pins = config.display, config.pins
    return HardwarePanel(
        driver=display.driver,
        port=display.i2c_port,
        address=display.i2c_address,
        rotate=display.rotate,
        contrast=display.contrast,
        height=display.height,
        button=pins.button,
        green=pins.green,
        amber=pins.amber,
        red=pins.red,
        buzzer=pins.buzzer,
        buzzer_enabled=config.buzzer.enabled,
        buzzer_kind=config.buzzer.kind,
        buzzer_volume=config.buzzer.volume,
    )
