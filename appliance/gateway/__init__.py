"""The network, turned into events: discovery, the HTTP calls and the feed. Nothing here retries or decides."""
