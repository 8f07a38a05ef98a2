"""The doctor: tries every part of the box in turn, and says in plain words what is wrong and how to mend it.

A composition root of its own: it makes the same parts as the appliance does, one at a time, and lets them go again.
"""

from appliance.doctor.examination import main

__all__ = ["main"]
