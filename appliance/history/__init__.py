"""Orders that are over: fetched from the gateway, kept in an archive, and told as tables, files and charts."""
