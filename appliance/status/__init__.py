"""The status of a running appliance for other programs, through a socket; and requests to fill its archive, through
another one.

A service gets both sockets from systemd: the one for the status is for a group, the other for root. Any other appliance
makes them itself, for its own user.
"""
