"""The work on due digests."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from activities.channels import Channels
from activities.messages import Messages
from core import clock
from core.db import Database, Transaction
from core.due import Claimed
from core.models.deliveries import Channel
from core.services import due_digests
from core.services.digest_rows import Next
from core.services.due_ledger import Decided
from core.services.due_messages import Begun, Done


class _Work:
    source: Final = due_digests.SOURCE
    noun: Final = "digest"

    def __init__(self, worker_db: Database, now: Callable[[], datetime]) -> None:
        self._worker_db = worker_db
        self._now = now

    def tidy(self, tx: Transaction) -> None:
        """What a digest leaves behind is rescued with what reminders leave behind."""

    async def begin(
        self,
        tx: Transaction,
        batch: Sequence[Claimed],
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        patience: timedelta,
    ) -> tuple[list[Begun[Next]], list[Decided]]:
        async with self._worker_db.transaction(read_only=True) as asking:
            users = [each.id for each in batch]
            workspaces = await due_digests.workspaces_of(asking, users)
        return await due_digests.begin(
            tx, batch, workspaces, now=now, dev=dev, vendors=vendors, patience=patience
        )

    async def finish(self, tx: Transaction, done: Sequence[Done[Next]]) -> None:
        await due_digests.finish(tx, done, now=self._now())


class Digests(Messages[Next]):
    """The handler of `Kind.DIGESTS`. `worker_db` tells in which workspaces people are."""

    def __init__(
        self,
        app_db: Database,
        worker_db: Database,
        channels: Channels,
        *,
        dev: bool,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        super().__init__(_Work(worker_db, now), app_db, channels, dev=dev, now=now)
