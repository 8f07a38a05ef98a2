"""A simulated Table Tracker gateway, for demos and tests: its API, mDNS advertisement, button and faults.

Behaviour that the gateway's documentation leaves open is invented. A comment marks each invention, and no client may
depend on one. Needs the package's extra `simulator`.
"""
