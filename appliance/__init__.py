"""Table Tracker appliance: shows a kitchen how many orders are active, and how old the oldest is."""

__version__ = "0.1.0"
