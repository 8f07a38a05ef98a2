"""The appliance as a process, in a network namespace, against a gateway of another make behind a real avahi."""
