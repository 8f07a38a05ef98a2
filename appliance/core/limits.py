"""Limits on input from the network and from files, each with its reason.

systemd/tt-appliance.service allows the program 300 MB; a faulty gateway must not exceed them. A limit of a single part
is defined where it is used.
"""

from __future__ import annotations

MOST_ORDERS = 100_000
"""Active orders: a hundred times the trackers of the largest site, and some 70 MB."""
LARGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message of the feed: 100,000 orders are 25 MB, 240 bytes each."""
LARGEST_WIDE_MESSAGE = 26 * 1024 * 1024
"""Bytes of a message that is not all ASCII, or may not be because of its escapes: one wide character makes Python
store two bytes for every character of the text."""
LARGEST_WIDEST_MESSAGE = 8 * 1024 * 1024
"""Bytes of a message with a character beyond U+FFFF, such as an emoji: Python then stores four bytes for each. It must
fit beside 100,000 orders in memory, and holds some 30,000 orders itself."""
MOST_VALUES = 1_100_000
"""Values in one JSON text; each takes up to 150 bytes. 100,000 orders have 10 each."""
LARGEST_ANSWER = 64 * 1024
"""Bytes of the body of an HTTP answer: an envelope or a token."""
LARGEST_CHUNK = 1024 * 1024
"""Bytes of one answer with past orders: 100 orders are some 30 KB."""
MOST_SUSPECTS = 64
"""Types and words of an unknown meaning to remember; the API of a gateway may get a few new ones in a year."""
LONGEST_UUID, LONGEST_TEXT = 128, 64
"""Characters of an order's uuid, which is invalid if longer, and of its other texts, which are truncated. The gateway's
uuids have 36; a longer tracker number, table or state fits no display."""
LONGEST_TOKEN = 4096
"""Characters: the gateway's tokens have 48, and servers accept no header above 8,192."""
LARGEST_TOKEN_FILE = 64 * 1024
"""Bytes: a token file has some 120; a larger file is not one."""
LARGEST_SETTINGS = 64 * 1024
"""Bytes: the settings are some 40 lines; a larger file is not one."""
MOST_GATEWAYS = 64
"""Gateways to follow at a time: a site has one or two, and each costs queries on the network."""
MOST_ANNOUNCED = 5_000
"""Gateway announcements after which browsing restarts: zeroconf's browser keeps some 200 bytes of each until its TTL
ends. A site sees a handful a day; a flood may bring 50,000 in a second."""
MOST_HEARD = 256
"""Addresses for which the last announced name is remembered; the oldest are dropped first. A usual network has 254
hosts, and a site one or two gateways. Each announcement copies all of them in some 0.1 ms, and a flood brings
thousands a second. An attacker who floods the table gains no more than by never announcing a name (SECURITY.md)."""
LONGEST_LABEL = 63
"""Bytes of one label of a DNS name (RFC 1035, 2.3.4)."""
LONGEST_NAME = 40
"""Characters of a name on the display, without control and bidirectional ones; the drawing may shorten it further."""
