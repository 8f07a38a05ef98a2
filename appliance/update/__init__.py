"""Updates of the card, for root: they check, install, try and undo them. The display's part is in core/updates.py."""
