"""Pictures of the screens and the wiring, drawn by the appliance's own code.

`python -m appliance.pictures` updates the pictures in the repository.
"""

from __future__ import annotations

from appliance.pictures.contact_sheet import save_all

__all__ = ["save_all"]
