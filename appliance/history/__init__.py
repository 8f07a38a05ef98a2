"""Finished orders: fetched from the gateway, stored in an archive, and reported as tables, files and charts."""
