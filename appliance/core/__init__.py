"""What the appliance knows and decides: pure values and functions, with no clock, thread, I/O or logging."""
