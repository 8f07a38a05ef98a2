"""Checks of settings.

A check converts a node of the file to a value, or raises ValueError with what the value must be. The message follows
the dotted key, as in `display.contrast: must be …`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.config.yaml_lines import Node, Scalar, Sequence
from appliance.core.values import HTTP_PORT, Address

Check = Callable[[Node], Any]

MAX_SECONDS = 366 * 24 * 3600.0
"""Upper bound that catches typing errors."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def quoted(text: str) -> str:
    """The text as a double-quoted YAML scalar of printable characters."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(node: Node) -> str:
    """A node's text, truncated for an error message."""
    if not isinstance(node, Scalar):
        return "a list" if isinstance(node, Sequence) else "a mapping"
    return quoted(node.text if len(node.text) <= 40 else node.text[:39] + "…")


def scalar_of(node: Node, must: str) -> Scalar:
    """A node as a scalar. must: the beginning of the error message. Raises ValueError."""
    if not isinstance(node, Scalar):
        raise ValueError(f"{must}, not {shown(node)}")
    return node


def text_of(node: Node, must: str) -> str:
    """A node as text that is not empty. must: as in scalar_of. Raises ValueError."""
    if not isinstance(node, Scalar):
        raise ValueError(f"{must}, not {shown(node)}; put it in quotes")
    if node.kind != "str":
        raise ValueError(f"{must}; put it in quotes: {quoted(node.text)}")
    if not node.text:
        raise ValueError(f"{must}, not empty; delete the line for the default")
    if any("\ud800" <= character <= "\udfff" for character in node.text):
        raise ValueError(f"{must}, without surrogates (U+D800 to U+DFFF)")
    return node.text


def flag(node: Node) -> bool:
    """true or false (or YAML's yes, no, on and off)."""
    scalar = scalar_of(node, "must be true or false")
    if scalar.kind != "bool":
        guess = {"1": "; write true", "0": "; write false"}.get(scalar.text, "")
        if scalar.text.lower() in ("true", "yes", "on", "false", "no", "off"):
            guess = f"; write it without the quotes: {scalar.text}"
        raise ValueError(f"must be true or false, not {shown(node)}{guess}")
    return scalar.text.lower() in ("true", "yes", "on")


def whole(low: int, high: int, what: str = "") -> Check:
    """A check for a whole number from low to high, decimal or hexadecimal (0x3C)."""
    must = f"must be a whole number from {low} to {high}{what}"

    def check(node: Node) -> int:
        scalar = scalar_of(node, must)
        if not (scalar.plain and _INT.fullmatch(scalar.text)):
            raise ValueError(f"{must}, not {shown(node)}{_number_hint(scalar)}")
        value = int(scalar.text, 16 if scalar.text.startswith("0x") else 10)
        if not low <= value <= high:
            raise ValueError(f"{must}; the nearest to {scalar.text} is {min(max(value, low), high)}")
        return value

    return check


def _number_hint(scalar: Scalar) -> str:
    if not scalar.plain and (_INT.fullmatch(scalar.text) or _FLOAT.fullmatch(scalar.text)):
        return f"; write it without the quotes: {scalar.text}"
    if scalar.plain and re.fullmatch(r"0[0-9]+", scalar.text):
        return f"; write it without the leading zero: {scalar.text.lstrip('0') or '0'}"
    return ""


def seconds(node: Node) -> float:
    """A length of time in seconds, more than 0."""
    return _seconds(node, "must be a number of seconds more than 0", never=False)


def seconds_or_never(node: Node) -> float:
    """A length of time in seconds, or 0 for never."""
    return _seconds(node, "must be 0 for never, or a number of seconds", never=True)


def _seconds(node: Node, must: str, never: bool) -> float:
    scalar = scalar_of(node, must)
    text = scalar.text
    if not (scalar.plain and _FLOAT.fullmatch(text)) or re.match(r"0[0-9]", text):
        clock = re.fullmatch(r"(?:([0-9]{1,3}):(?=[0-5]))?([0-9]{1,4}):([0-5][0-9])", text)
        unit = re.fullmatch(r"([0-9]{1,6}) ?(s|sec|m|min|h)", text)
        if clock:
            hint = f"; write {int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])}"
        elif unit:
            hint = f"; write {int(unit[1]) * {'s': 1, 'm': 60, 'h': 3600}[unit[2][0]]}"
        elif never and text.lower() in ("never", "off", "no", "false"):
            hint = "; write 0"
        else:
            hint = _number_hint(scalar)
        raise ValueError(f"{must}, not {shown(node)}{hint}")
    value = float(text)
    if never and value == 0:
        return 0.0
    if not 0 < value <= MAX_SECONDS or not math.isfinite(value):
        raise ValueError(f"{must} and at most {MAX_SECONDS:.0f} (a year), not {text[:40]}")
    return value


def percent(node: Node) -> int:
    """A percentage from 1 to 100, without the sign."""
    if isinstance(node, Scalar) and re.fullmatch(r"([1-9][0-9]?|100) ?%", node.text):
        raise ValueError(f"must be a number without the sign; write {node.text.rstrip('% ')}")
    return int(whole(1, 100, " (percent)")(node))


def height(node: Node) -> int:
    """The display's height in pixels: 64 or 32."""
    must = "must be 64 or 32, the display's height in pixels"
    scalar = scalar_of(node, must)
    if not scalar.plain or scalar.text not in ("64", "32"):
        raise ValueError(f"{must}, not {shown(node)}{_number_hint(scalar)}")
    return int(scalar.text)


def buzzer_kind(node: Node) -> str:
    """A kind of buzzer: active or passive."""
    must = "must be active or passive"
    kind = text_of(node, must)
    if kind not in ("active", "passive"):
        near = nearest(kind, ("active", "passive"))
        raise ValueError(f"{must}, not {shown(node)}" + (f"; did you mean {near}?" if near else ""))
    return kind


def rotation(node: Node) -> int:
    """The display's rotation in luma.core's quarter turns: 0, or 2 for upside down (180 also means 2)."""
    must = "must be 0, or 2 or 180 for upside down"
    scalar = scalar_of(node, must)
    if not scalar.plain or scalar.text not in ("0", "2", "180"):
        raise ValueError(f"{must}, not {shown(node)}{_number_hint(scalar)}")
    return 0 if scalar.text == "0" else 2


def auto_or(check: Check) -> Check:
    """A check for the word auto, which gives None, or what another check accepts."""

    def checked(node: Node) -> Any:
        return None if isinstance(node, Scalar) and node.text.lower() == "auto" else check(node)

    return checked


def display_driver(node: Node) -> str:
    """The name of a display that luma.oled supports, or auto."""
    name = text_of(node, "must be auto, or the name of a display, such as ssd1306")
    if name in ("auto", "ssd1306"):
        return name
    known = ("auto", *_luma_displays())
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"valid names: {', '.join(known)}"
        raise ValueError(f"unknown display {shown(node)}; {hint}")
    return name


def _luma_displays() -> tuple[str, ...]:
    """The displays of luma.oled, parsed from its source: importing it would also import Pillow and a bus library."""
    import ast
    from importlib.util import find_spec

    spec = find_spec("luma.oled.device")
    if spec is None or spec.origin is None:
        return ("ssd1306",)
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(statement, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in statement.targets):
            return tuple(sorted(ast.literal_eval(statement.value)))
    return ("ssd1306",)


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """The most similar known word, or None."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower()[:80], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def address(node: Node) -> Address:
    """A gateway's address: `host`, `host:port`, `1.2.3.4`, `[v6]` or `[v6]:port`."""
    must = f"must be a host name or an IP address, with :PORT where it is not {HTTP_PORT}"
    text = text_of(node, must)
    url = re.fullmatch(r"(?:https?|ws)://([^/]+)(?:/.*)?", text)
    if url:
        raise ValueError(f"{must}, not a URL; write {url[1]}")
    bracketed = re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]+))?", text)
    plain = re.fullmatch(r"([^:\[\]]+)(?::([0-9]+))?", text)
    if bracketed and _ip_version(bracketed[1]) == 6:
        host, port = bracketed[1], bracketed[2]
    elif plain and host_like(plain[1]):
        host, port = plain[1], plain[2]
    elif _ip_version(text) == 6:
        host, port = text, None
    else:
        raise ValueError(f"{must}, not {shown(node)}")
    if port is None:
        return Address(host)
    if len(port) > 5 or not 0 < int(port) < 65536:
        raise ValueError(f"{must}; a port is from 1 to 65535, not {port[:10]}")
    return Address(host, int(port))


def _ip_version(text: str) -> int | None:
    import ipaddress

    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def host_like(text: str) -> bool:
    """Whether a text is a valid host name or IPv4 address."""
    if re.fullmatch(r"[0-9.]+", text):
        return _ip_version(text) == 4
    label = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    return len(text) <= 253 and re.fullmatch(rf"{label}(\.{label})*\.?", text) is not None


def gateway_name(node: Node) -> str:
    """A DNS-SD instance name: text of at most 63 bytes (RFC 6763, 4.1.1), without control characters."""
    must = "must be a gateway's name as it announces itself"
    text = text_of(node, must)
    if len(text.encode("utf-8", "replace")) > 63:
        raise ValueError(f"{must}, of at most 63 bytes")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise ValueError(f"{must}, without control characters")
    return text


def interfaces(node: Node) -> tuple[str, ...]:
    """Names of network interfaces (Linux: at most 15 bytes, without white space and slashes)."""
    must = "must be a list of network interfaces, such as [eth0, wlan0]"
    if not isinstance(node, Sequence):
        raise ValueError(f"{must}" + (f"; write [{node.text}]" if isinstance(node, Scalar) else ""))
    names: list[str] = []
    for item in node.items:
        name = text_of(item, "must be a list of names")
        if not re.fullmatch(r"[!-.0-~]{1,15}", name) or name in (".", ".."):
            raise ValueError(f"{must}; {shown(item)} is not a valid name")
        if name in names:
            raise ValueError(f"{must}; {shown(item)} is a duplicate")
        names.append(name)
    return tuple(names)


def directory(node: Node) -> Path:
    """A path, absolute or relative to the working directory."""
    must = "must be the path of a directory"
    text = text_of(node, must)
    if "\0" in text:
        raise ValueError(f"{must}, without a NUL character")
    if text.startswith("~"):
        raise ValueError(f"{must}; ~ is not expanded, so write the full path, such as /var/lib/tt-appliance")
    return Path(text)
