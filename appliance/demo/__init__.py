"""The appliance with a simulated gateway on the loopback interface: an interactive demo, and a scripted test."""
