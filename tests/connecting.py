"""Accounts of outside services, connected through the API and the sandbox."""

from activities.connections import Connections
from core.crypto import Keyring
from core.db import Database


def unconnected(db: Database) -> Connections:
    """For a worker in whose tests nobody disconnects anything."""
    return Connections(db, db, Keyring((b"c" * 32,)), {})
