"""The file of an import: a blob sealed with a key of its own, which stands sealed in its row.

Once the import is over the row forgets the key, and with it goes every copy of the file.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final
from uuid import UUID

from core import crypto
from core.crypto import Keyring
from core.errors import NotFound
from core.services.import_rows import ImportRow

PURPOSE: Final = "imports"  # the ring is `Keys.ring.of(this)`
TABLE: Final = "imports"
FOLDER: Final = "imports"


def seal_key(ring: Keyring, workspace_id: UUID, import_id: UUID, key: bytes) -> bytes:
    """For `blob_key`."""
    return ring.seal(key, aad=crypto.place(TABLE, "blob_key", import_id, workspace_id))


def seal(
    key: bytes, workspace_id: UUID, import_id: UUID, file: AsyncIterable[bytes]
) -> AsyncIterator[bytes]:
    """For the blob store."""
    aad = crypto.place(TABLE, "blob", import_id, workspace_id)
    return crypto.seal_stream(key, file, aad=aad)


def unseal(ring: Keyring, row: ImportRow, sealed: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """What `Blobs.open(row.blob)` gives, opened. Raises `NotFound` when it is kept no more."""
    if row.blob_key is None:
        raise NotFound("the file of this import is kept no more")
    where = crypto.place(TABLE, "blob_key", row.id, row.workspace_id)
    key = ring.unseal(row.blob_key, aad=where)
    aad = crypto.place(TABLE, "blob", row.id, row.workspace_id)
    return crypto.unseal_stream(key, sealed, aad=aad)
