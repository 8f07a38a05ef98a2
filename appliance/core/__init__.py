"""The appliance's decisions, as pure values and functions: no clock, thread, I/O or logging."""
