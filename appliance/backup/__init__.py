"""A box's state in one file: saved, restored on a new card, and erased. Runs as root."""
