"""Tests of the gateway package, over real sockets and real mDNS on the loopback interface."""
