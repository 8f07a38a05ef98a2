"""How much is taken from the network and from files, and why no more: every bound on what others can make us hold.

The unit lets the program have 300 MB (systemd/tt-appliance.service); a gateway gone wrong must not reach them. Bounds
of one part alone, such as how long a doctor's line is, are where they are used.
"""

from __future__ import annotations

MOST_ORDERS = 100_000
"""Active orders that are held. A hundred times the largest site's trackers, and some 70 MB."""
LARGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message of the feed: 100,000 orders are 25 MB, 240 bytes each."""
LARGEST_WIDE_MESSAGE = 26 * 1024 * 1024
"""Bytes of one that is not all ASCII, or has escapes that may not be: one rare character makes Python keep two bytes
for each other one of its text."""
LARGEST_WIDEST_MESSAGE = 8 * 1024 * 1024
"""Bytes of one with a character beyond the 65,536 that fit two bytes, such as an emoji: Python keeps four then. It has
to fit beside 100,000 orders that are held already, and is itself some 30,000 orders."""
MOST_VALUES = 1_100_000
"""Values in one piece of JSON, each of which takes up to 150 bytes whatever it is: 100,000 orders have 10 each."""
LARGEST_ANSWER = 64 * 1024
"""Bytes of the body of an HTTP answer: an envelope or a token."""
LARGEST_PAGE = 1024 * 1024
"""Bytes of a page of past orders: 100 of them are some 30 KB."""
LONGEST_UUID, LONGEST_TEXT = 128, 64
"""Characters of an order's identity, which a longer one can't be, and of its other texts, which are cut there. The
gateway's uuids have 36; a tracker's number, a table or a state that is longer fits no display."""
LONGEST_TOKEN = 4096
"""Characters; the gateway's own have 48, and servers take no header longer than 8,192."""
LARGEST_TOKEN_FILE = 64 * 1024
"""Bytes; a token's file has some 120, and what is larger is another file."""
LARGEST_SETTINGS = 64 * 1024
"""Bytes; a configuration is some 40 lines, and what is larger is another file."""
MOST_GATEWAYS = 64
"""Names of gateways that are followed at a time: a site has one or two, and each costs questions on the network."""
MOST_ANNOUNCED = 5_000
"""Announcements of gateways after which browsing begins anew: zeroconf's browser keeps some 200 bytes of each for as
long as the one who announces it says. A site has a handful a day; a flood may have 50,000 in a second."""
MOST_HEARD = 256
"""Addresses of which it is remembered whose name was last announced there; the oldest are forgotten first. A network
of the usual size has 254 hosts, and a site one or two gateways. Each announcement copies all of them, some 0.1 ms a
time, and a flood has thousands a second. Who floods it to be forgotten at an address gains no more than by never
announcing a name there (SECURITY.md)."""
LONGEST_LABEL = 63
"""Bytes of one part of a name (RFC 1035, 2.3.4)."""
LONGEST_NAME = 40
"""Characters of a name that are shown, none of them a control or bidirectional one; the drawing shortens further."""
