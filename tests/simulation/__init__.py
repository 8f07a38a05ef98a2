"""The whole appliance but the wires, simulated: years of a restaurant's life in minutes, each from one number."""
