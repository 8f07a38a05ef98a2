"""A Table Tracker gateway to play with and to test against: its API, its advertisement, its button and its faults.

What the gateway's documentation leaves open is an invention here, marked as such where it stands, and no client may
depend on it. Needs the package's extra `simulator`.
"""
