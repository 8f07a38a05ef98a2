"""Checks (see `checks`) of addresses and names on the network. IPv6 may stand wherever an address may."""

from __future__ import annotations

import ipaddress
import re

from appliance.config.checks import scalar_of, shown, text_of
from appliance.config.yaml_lines import Node, Scalar, Sequence
from appliance.core.values import HTTP_PORT, Address

_INTERFACE = re.compile(r"[!-.0-~]{1,15}")
"""A name of a network interface: at most 15 bytes, without white space and slashes (Linux, dev_valid_name)."""

LONGEST_WEB_ADDRESS = 300
"""Characters: more is a typing error."""

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def ip_of(text: str) -> Ip | None:
    """An IP address, of IPv6 also in brackets and with an interface's name as its scope; None for other text."""
    bracketed = re.fullmatch(r"\[(?=[^\[\]:]*:)([^\[\]]*)\]", text)
    try:
        found = ipaddress.ip_address(bracketed[1] if bracketed else text)
    except ValueError:
        return None
    # The library accepts any scope, even one with line ends.
    scope = getattr(found, "scope_id", None)
    return found if scope is None or _is_interface(scope) else None


def _is_interface(name: str) -> bool:
    return _INTERFACE.fullmatch(name) is not None and name not in (".", "..") and "%" not in name


def host_like(text: str) -> bool:
    """Whether a text is a valid host name or IPv4 address."""
    if re.fullmatch(r"[0-9.]+", text):
        return ip_of(text) is not None
    label = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    return len(text) <= 253 and re.fullmatch(rf"{label}(\.{label})*\.?", text) is not None


def gateway_address(node: Node) -> Address:
    """A gateway's address: `host`, `host:port`, `1.2.3.4`, an IPv6 address, `[v6]` or `[v6]:port`."""
    must = "must be a host or an IP address, or HOST:PORT"
    if isinstance(node, Sequence):
        raise ValueError("an address in brackets needs quotes")
    text = text_of(node, must)
    url = re.fullmatch(r"(?:https?|ws)://([^/]+)(?:/.*)?", text)
    if url:
        raise ValueError(f"must be an address and not a web link; write {url[1][:40]}")
    with_port = re.fullmatch(r"(\[[^\[\]]+\]|[^:\[\]]+):([0-9]+)", text)
    host, port = (with_port[1], with_port[2]) if with_port else (text, str(HTTP_PORT))
    ip = ip_of(host)
    if ip is None and not host_like(host):
        raise ValueError(f"{must}, not {shown(node)}")
    if len(port) > 5 or not 0 < int(port) < 65536:
        raise ValueError(f"must have a port from 1 to 65535, not {port[:10]}")
    return Address(host if ip is None else str(ip), int(port))


def web_address(node: Node) -> str:
    """A web address by HTTPS, without a user's name or a fragment."""
    must = "must be a web address like https://a.org/index"
    text = text_of(node, must)
    if text.lower().startswith("http://"):
        raise ValueError("must begin with https://; http:// is not safe")
    parts = re.fullmatch(r"https://(\[[^\[\]/]+\]|[^:/@\[\]]+)(?::([0-9]{1,5}))?(/[!-~]*)", text)
    if parts is None or "#" in text or "\\" in text or not _is_host(parts[1]):
        raise ValueError(f"{must}, not {shown(node)}")
    if parts[2] is not None and not 0 < int(parts[2]) < 65536:
        raise ValueError(f"must have a port from 1 to 65535, not {parts[2]}")
    if len(text) > LONGEST_WEB_ADDRESS:
        raise ValueError(f"must have at most {LONGEST_WEB_ADDRESS} characters, not {len(text)}")
    return text


def _is_host(text: str) -> bool:
    return ip_of(text) is not None if text.startswith("[") else host_like(text)


def gateway_name(node: Node) -> str:
    """A DNS-SD instance name: text of at most 63 bytes (RFC 6763, 4.1.1), without control characters."""
    text = text_of(node, "must be a gateway's name as it announces itself")
    if len(text.encode()) > 63:
        raise ValueError(f"must have at most 63 bytes, not {len(text.encode())}")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise ValueError("must be without control characters")
    return text


def interfaces(node: Node) -> tuple[str, ...]:
    """Names of network interfaces."""
    must = "must be a list of names, such as [eth0, wlan0]"
    if not isinstance(node, Sequence):
        hint = f"; write [{node.text}]" if isinstance(node, Scalar) and _is_interface(node.text) else ""
        raise ValueError(must + hint)
    names: list[str] = []
    for item in node.items:
        name = text_of(item, must)
        if not _is_interface(name):
            raise ValueError(f"{must}; {shown(item)} is not a name")
        if name in names:
            raise ValueError(f"has {shown(item)} twice")
        names.append(name)
    return tuple(names)


def own_address(node: Node) -> str:
    """An address with the length of its network's prefix, such as 192.168.1.50/24."""
    must = "must be an address such as 192.168.1.50/24"
    text = text_of(node, must)
    host, slash, prefix = text.partition("/")
    ip = ip_of(host)
    try:
        # Without a scope: an address is set on one interface anyway.
        interface = ipaddress.ip_interface(f"{without_scope(ip)}/{prefix}" if ip and slash else text)
    except ValueError:
        interface = None
    if ip is None or interface is None:
        raise ValueError(f"{must}, not {shown(node)}")
    if not slash or interface.network.num_addresses == 1:
        raise ValueError(
            f"must end in its network's length: usually {without_scope(ip)}/{24 if ip.version == 4 else 64}"
        )
    ends = (interface.network.network_address, interface.network.broadcast_address)
    if _is_nobody(ip) or (ip.version == 4 and interface.network.prefixlen < 31 and interface.ip in ends):
        raise ValueError(f"must be an address that a device can have, not {shown(node)}")
    return interface.with_prefixlen


def _is_nobody(ip: Ip) -> bool:
    return ip.is_unspecified or ip.is_multicast or ip.is_loopback or str(ip) == "255.255.255.255"


def without_scope(ip: Ip) -> str:
    """The address alone."""
    return str(ip).partition("%")[0]


def an_address(node: Node) -> str:
    """An IP address."""
    must = "must be an address, such as 192.168.1.1"
    if isinstance(node, Sequence) and len(node.items) == 1:
        # An IPv6 address in brackets, as in a web link.
        (node,) = node.items
    ip = ip_of(text_of(node, must))
    if ip is None or ip.is_unspecified or ip.is_multicast:
        raise ValueError(f"{must}, not {shown(node)}")
    return str(ip)


def addresses(node: Node) -> tuple[str, ...]:
    """IP addresses: a list, or in one text with commas or spaces."""
    if isinstance(node, Scalar) and node.text and not node.wrapped:
        words = tuple(filter(None, node.text.replace(",", " ").split()))
        return tuple(an_address(Scalar(node.line, "str", word, plain=False)) for word in words)
    return tuple(an_address(item) for item in (node.items if isinstance(node, Sequence) else (node,)))


def time_server(node: Node) -> str:
    """A host name or an address."""
    must = "must be the name or the address of a time server"
    if isinstance(node, Sequence) and len(node.items) == 1:
        (node,) = node.items
    text = text_of(node, must)
    ip = ip_of(text)
    if ip is None and not host_like(text):
        raise ValueError(f"{must}, not {shown(node)}")
    return text if ip is None else str(ip)


def host_name(node: Node) -> str:
    """One label of a DNS name (RFC 1123, 2.1)."""
    must = "must be letters, digits and -, at most 63, such as kitchen-1"
    text = scalar_of(node, must).text
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", text) or text.isdecimal():
        raise ValueError(f"must be letters, digits and -, such as kitchen-1, not {shown(node)}")
    return text.lower()
