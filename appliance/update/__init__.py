"""Updates of the card: what checks, installs, tries and undoes them as root, and what shows them on the display."""
