"""The box's operating system: applies its host name, network, clock and SSH key from the settings file."""
