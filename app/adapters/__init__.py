"""The world outside: object storage, and later mail and web hooks."""
