"""Processes that work on what strangers recorded."""


class Pool:
    """Use as an async context manager; share one in each process."""
