"""The work on due reminders."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from activities.channels import Channels
from activities.messages import Messages
from core import clock
from core.db import Database, Transaction
from core.due import Claimed
from core.models.deliveries import Channel
from core.services import due_reminders
from core.services.due_reminders import Begun, Decided, Done, Then


class _Work:
    source: Final = due_reminders.SOURCE
    noun: Final = "reminder"

    def tidy(self, tx: Transaction) -> None:
        due_reminders.rescue(tx)

    async def begin(
        self,
        tx: Transaction,
        batch: Sequence[Claimed],
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        patience: timedelta,
    ) -> tuple[list[Begun[Then]], list[Decided]]:
        return await due_reminders.begin(
            tx, batch, now=now, dev=dev, vendors=vendors, patience=patience
        )

    async def finish(self, tx: Transaction, done: Sequence[Done[Then]]) -> None:
        await due_reminders.finish(tx, done)


class Reminders(Messages[Then]):
    """The handler of `Kind.REMINDERS`. `app_db` works as `vt_app`."""

    def __init__(
        self,
        app_db: Database,
        channels: Channels,
        *,
        dev: bool,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        super().__init__(_Work(), app_db, channels, dev=dev, now=now)
