"""The benchmark: speed and resource usage of the appliance compared with a plain client on the same hardware."""
