"""The appliance and a simulated gateway together on the loopback interface: for people, and as a check of it all."""
