"""Checks (see `checks`) of the hardware's settings."""

from __future__ import annotations

from appliance.config.checks import nearest, shown, text_of, whole
from appliance.config.presets import PRESETS
from appliance.config.values import SOLDERED
from appliance.config.yaml_lines import Node, Scalar

_ABSENT = ("none", "no", "off", "false", "-")


def hardware(node: Node) -> str:
    """The name of a preset; null is the default one. Without a word, the value may be on a line that can't be read."""
    known = tuple(PRESETS)
    if isinstance(node, Scalar) and not node.text:
        raise ValueError(f"must not be empty; known: {', '.join(known)}")
    if _is_null(node):
        return SOLDERED
    name = text_of(node, f"must be {' or '.join(known)}")
    if name in known:
        return name
    near = _nearest(name, known)
    hint = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
    raise ValueError(f"unknown boards {shown(node)}; {hint}")


def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The most similar name, or the one that shares a whole word, as `bonnet` does; None if there is none."""
    words = set(name.lower().replace("_", " ").replace("-", " ").split())
    shared = {preset: len(words.intersection(preset.split("-"))) for preset in known}
    most = max(known, key=lambda preset: shared[preset])
    return most if shared[most] else nearest(name, known)


def pin(node: Node) -> int | None:
    """The BCM number of a pin on the header; None, from null, for an absent part."""
    if _is_null(node):
        return None
    if isinstance(node, Scalar) and node.text.lower() in _ABSENT:
        raise ValueError(f"must be a whole number from 0 to 27, or empty for no part, not {shown(node)}")
    return int(whole(0, 27, " (BCM)")(node))


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"
