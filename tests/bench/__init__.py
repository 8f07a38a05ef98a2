"""The bench: how quick and how small the appliance is, beside a plain client on the same parts."""
