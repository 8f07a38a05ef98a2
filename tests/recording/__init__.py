"""Tests of recordings, on both of our gateways."""
