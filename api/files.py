"""A file on its way in, for an import: hashed, sealed and made durable as it comes."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException

from api.recordings import Shelf
from core import crypto
from core.errors import Invalid
from core.ids import uuid7
from core.rules.importing.records import MAX_BYTES
from core.services import import_files

MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class File:
    """One that is durable, for import `id`."""

    id: UUID
    name: str | None
    blob: str
    blob_key: bytes
    size: int
    sha256: bytes


async def keep(
    shelf: Shelf, workspace_id: UUID, name: str | None, pieces: AsyncIterator[bytes]
) -> File:
    """Raises 413, and `Invalid` for an empty one; then nothing of it is left.

    `shelf` has the ring of `import_files.PURPOSE`.
    """
    import_id, key, size = uuid7(), crypto.new_key(), 0
    hashed = hashlib.sha256()
    blob = f"{import_files.FOLDER}/{uuid7()}"

    async def watched() -> AsyncIterator[bytes]:
        nonlocal size
        async for piece in pieces:
            size += len(piece)
            if size > MAX_BYTES:
                raise HTTPException(413, f"a file has at most {MAX_BYTES} bytes")
            hashed.update(piece)
            yield piece
        if size == 0:
            raise Invalid("the file is empty", pointer="/file", code="empty")

    sealed = import_files.seal(key, workspace_id, import_id, watched())
    await shelf.blobs.put(blob, sealed)
    blob_key = import_files.seal_key(shelf.ring, workspace_id, import_id, key)
    return File(import_id, name, blob, blob_key, size, hashed.digest())


def shown(name: str) -> str | None:
    """A file's name as it is told again: without folders, without what does not print."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:MAX_NAME].strip() or None
