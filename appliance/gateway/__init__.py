"""Turns the network into events: discovery, HTTP calls and the feed. The core decides, and retries."""
