"""Pictures of the box, drawn by the code that they show: its screens, and its wiring.

`python -m appliance.pictures` writes those that are kept with the code anew.
"""

from __future__ import annotations

from appliance.pictures.contact_sheet import save_all

__all__ = ["save_all"]
