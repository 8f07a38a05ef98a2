"""The doctor: tests every part of the box, and says what is wrong and how to fix it.

A composition root of its own: it creates the same parts as the appliance, one at a time, and releases them.
"""

from appliance.doctor.examination import main

__all__ = ["main"]
