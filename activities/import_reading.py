"""The items of a file, batch by batch: read in a thread, so that nothing else waits for it."""

import asyncio
from itertools import islice
from typing import BinaryIO, Final

from core import logs
from core.rules.importing import reading
from core.rules.importing.records import Code, Format, Item, Rejected, Scene
from core.services.import_slice import Names

log = logs.get(__name__)

BATCH: Final = 200
UNREADABLE: Final = "reading it failed, which is our fault: what follows was not read"


class Items:
    """From item `skip` on. `size` is the file's, in bytes."""

    def __init__(
        self, file: BinaryIO, named: Format, scene: Scene, *, skip: int, size: int
    ) -> None:
        self.names = Names()
        self._file = file
        self._items = reading.read(file, format=named, scene=scene)
        self._skip = skip
        self._size = max(1, size)

    async def take(self) -> list[Item]:
        """The next ones; empty at the end."""
        return await asyncio.to_thread(self._take)

    @property
    def read(self) -> float:
        """How much of the file, from 0 to 1."""
        return min(1.0, self._file.tell() / self._size)

    def _take(self) -> list[Item]:
        found: list[Item] = []
        try:
            self.names.see(islice(self._items, self._skip))
            self._skip = 0
            found.extend(islice(self._items, BATCH))
        except Exception as error:  # noqa: BLE001 - no file may keep a worker busy for ever
            log.error("import.unreadable", error=error)
            self._items = iter(())
            found.append(Rejected(0, Code.MALFORMED, UNREADABLE))
        return found
