"""The parts of the wiring diagram, and the end points of their wires."""

from __future__ import annotations

from appliance.pictures.svg import (
    FAINT,
    GROUND_WIRE,
    INK,
    METAL,
    PAPER,
    Point,
    box,
    circle,
    dot,
    led,
    line,
    path,
    resistor,
    tag,
    text,
    transistor,
)

ENDS: dict[tuple[str, str], tuple[Point, float]] = {
    ("display", "GND"): ((300, 118), 470),
    ("display", "VCC"): ((300, 142), 370),
    ("display", "SCL"): ((300, 166), 430),
    ("display", "SDA"): ((300, 190), 400),
    ("button", "ground"): ((180, 272), 370),
    ("button", "contact"): ((180, 352), 395),
    ("green LED", "anode"): ((292, 432), 420),
    ("amber LED", "anode"): ((292, 504), 445),
    ("red LED", "anode"): ((292, 576), 470),
    ("LEDs", "cathodes"): ((96, 636), 495),
    ("buzzer", "plus"): ((926, 108), 760),
    ("buzzer", "base"): ((854, 243), 760),
    ("buzzer", "emitter"): ((926, 318), 760),
}
"""The end point of each wire, and the x coordinate of its vertical section."""


def display() -> str:
    """The OLED module with its four pads."""
    drawn = box((40, 92), (260, 124), rx=8, fill="#20477f", stroke="#163360", stroke_width=1.5)
    drawn += box((56, 108), (170, 92), rx=3, fill="#0a0e16")
    drawn += text((141, 146), "12", fill="#a5e8ff", font_size=50, font_weight=700, text_anchor="middle")
    drawn += text((141, 186), "OLED, I²C, 0x3C", fill="#a5e8ff", font_size=12, text_anchor="middle")
    for name in ("GND", "VCC", "SCL", "SDA"):
        (x, y), _ = ENDS["display", name]
        drawn += circle((x - 14, y), 6, fill="#d9b75a") + line([(x - 8, y), (x, y)], METAL, 3)
        drawn += text((x - 26, y), name, fill="#fff", font_size=12, font_weight=600, text_anchor="end")
    return drawn


def button() -> str:
    """The button, and dashed the components for a long wire."""
    (x, ground), _ = ENDS["button", "ground"]
    (_, contact), _ = ENDS["button", "contact"]
    middle = (ground + contact) / 2
    drawn = line([(x, ground), (110, ground), (110, middle - 16)]) + line(
        [(x, contact), (110, contact), (110, middle + 16)]
    )
    drawn += circle((110, middle - 16), 4, fill=PAPER, stroke=INK, stroke_width=2)
    drawn += circle((110, middle + 16), 4, fill=PAPER, stroke=INK, stroke_width=2)
    drawn += line([(94, middle - 20), (94, middle + 20)], INK, 4) + line([(94, middle), (76, middle)], INK, 4)
    drawn += box((66, middle - 13), (10, 26), rx=3, fill=INK)
    drawn += text((40, ground - 10), "Button", font_weight=600)
    dashed = {"stroke_dasharray": "5 4"}
    # The components for a long wire, at its end in the box.
    drawn += line([(230, ground), (230, middle - 4)], FAINT, 1.8, **dashed)
    drawn += line([(230, middle + 4), (230, contact)], FAINT, 1.8, **dashed)
    drawn += line([(216, middle - 4), (244, middle - 4)], FAINT, 3) + line(
        [(216, middle + 4), (244, middle + 4)], FAINT, 3
    )
    drawn += text((206, middle), "0.1 µF", font_size=12, text_anchor="end", fill=FAINT)
    drawn += line([(310, contact), (310, contact - 6)], FAINT, 1.8)
    drawn += box((302, contact - 46), (16, 40), rx=2, fill=PAPER, stroke=FAINT, stroke_width=1.8, **dashed)
    drawn += line([(310, contact - 46), (310, contact - 52)], FAINT, 1.8)
    drawn += line([(300, contact - 52), (320, contact - 52)], FAINT, 3)
    drawn += text((328, contact - 50), "3.3 V (17)", font_size=12, fill=FAINT)
    drawn += text((328, contact - 26), "10 kΩ", font_size=12, fill=FAINT)
    drawn += dot((230, ground), FAINT) + dot((230, contact), FAINT) + dot((310, contact), FAINT)
    return drawn


def leds() -> str:
    """The LEDs with their resistors, on a common wire to ground."""
    drawn = text((40, 400), "LEDs", font_weight=600)
    (rail, low), _ = ENDS["LEDs", "cathodes"]
    shades = (("green", "#3fbf62"), ("amber", "#ffb020"), ("red", "#f0564a"))
    for name, shade in shades:
        (x, y), _ = ENDS[f"{name} LED", "anode"]
        drawn += (
            line([(x, y), (rail, y)]) + resistor((x - 30, y), "330 Ω") + led((160, y), shade, name) + dot((rail, y))
        )
    first = ENDS["green LED", "anode"][0][1]
    return drawn + line([(rail, first), (rail, low)], GROUND_WIRE, 3) + dot((rail, low), GROUND_WIRE)


def buzzer() -> str:
    """The buzzer with its transistor, and dashed the diode for a magnetic buzzer."""
    (x, plus), _ = ENDS["buzzer", "plus"]
    (base_x, base), _ = ENDS["buzzer", "base"]
    (_, emitter), _ = ENDS["buzzer", "emitter"]
    drawn = line([(base_x, base), (880, base)]) + resistor((832, base), "1 kΩ")
    drawn += transistor((916, base))
    drawn += text((950, base + 6), "NPN: 2N3904,", font_size=12) + text(
        (950, base + 22), "BC547 or S8050", font_size=12
    )
    drawn += line([(x, plus), (x, base - 36)]) + line([(x, base + 36), (x, emitter)])
    middle = (plus + base - 36) / 2
    drawn += circle((x, middle), 25, fill="#2b2f36", stroke=INK) + circle((x, middle), 5, fill=PAPER)
    drawn += text((x + 10, middle - 34), "+", font_weight=700) + text((x + 10, middle + 33), "–", font_weight=700)
    drawn += text((x - 34, middle), "Buzzer", font_weight=600, text_anchor="end")
    dashed = {"stroke_dasharray": "5 4"}
    diode, low = x + 74, base - 40
    drawn += line([(x, plus), (diode, plus), (diode, middle - 9)], FAINT, 1.8, **dashed)
    drawn += line([(x, low), (diode, low), (diode, middle + 9)], FAINT, 1.8, **dashed)
    points = path([(diode - 10, middle + 9), (diode + 10, middle + 9), (diode, middle - 8)]) + " Z"
    drawn += tag("path", d=points, fill=PAPER, stroke=FAINT, stroke_width=1.8)
    drawn += line([(diode - 11, middle - 9), (diode + 11, middle - 9)], FAINT, 3)
    drawn += text((diode + 20, middle - 8), "1N4148, if it is", font_size=12, fill=FAINT)
    drawn += text((diode + 20, middle + 8), "a magnetic one", font_size=12, fill=FAINT)
    return drawn + dot((x, plus), FAINT) + dot((x, low), FAINT)


def notes() -> str:
    """The notes for the first power-on."""
    corner = (764, 392)
    drawn = box(corner, (390, 262), rx=10, fill="#f1f2ee", stroke="#dcded8")
    notes = (
        ("Before you switch on", True),
        ("Never connect 5 V to a GPIO pin: it takes 3.3 V at most.", False),
        ("Display: some modules have VCC before GND.", False),
        ("LEDs: the long leg is the anode, towards the resistor.", False),
        ("Transistor: its legs differ by type; see its data sheet.", False),
        ("Dashed, only where it is needed", True),
        ("10 kΩ and 0.1 µF: a button's wire longer than 0.5 m.", False),
        ("1N4148: a magnetic buzzer; the stripe is towards +.", False),
        ("Wires that cross without a dot do not touch.", False),
    )
    for number, (words, bold) in enumerate(notes):
        weight = 700 if bold else 400
        drawn += text((corner[0] + 18, corner[1] + 28 + 26 * number), words, font_size=12.5, font_weight=weight)
    return drawn
