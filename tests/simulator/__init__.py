"""Tests of the simulated gateway, over real sockets where it has any."""
