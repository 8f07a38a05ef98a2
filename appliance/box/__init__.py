"""The box as a computer: its name, network, clock and maintenance key, from the section `box:` of the settings file."""
