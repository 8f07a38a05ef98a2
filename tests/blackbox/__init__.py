"""The appliance as a process, in a network namespace, against an independent gateway behind a real avahi."""
