"""The work on parked deliveries: asked of the circuit first, and then as every other message."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from activities.channels import Channels
from activities.messages import Messages
from core import clock, logs
from core.db import Database, Transaction
from core.due import Claimed
from core.errors import Unavailable
from core.models.deliveries import Channel
from core.services import due_parked, parked_rows
from core.services.due_ledger import Decided
from core.services.due_messages import Begun, Done

log = logs.get(__name__)

LOOK_AGAIN: Final = timedelta(seconds=5)


class _Work:
    source: Final = due_parked.SOURCE
    noun: Final = "parked"

    def __init__(self, db: Database, channels: Channels) -> None:
        self._db = db
        self._circuits = channels.circuits

    def tidy(self, tx: Transaction) -> None:
        """Nothing: a row goes with its delivery."""

    async def begin(
        self,
        tx: Transaction,
        batch: Sequence[Claimed],
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        patience: timedelta,
    ) -> tuple[list[Begun[None]], list[Decided]]:
        carried_by = await parked_rows.providers(tx, batch)
        tried: list[Claimed] = []
        resting: list[tuple[Claimed, datetime]] = []
        probed: set[str] = set()
        for each in batch:
            provider = carried_by.get(each.id, "")
            wait = self._circuits.rests(provider, each.workspace_id)
            if wait is None or (not wait and provider not in probed):
                tried.append(each)
                if wait is not None:  # it finds out for all that are here
                    probed.add(provider)
            else:
                resting.append((each, now + (wait or LOOK_AGAIN)))
        parked_rows.rest(tx, resting)
        begun: list[Begun[None]] = []
        for each in tried:
            try:  # each by itself: a digest is read in all workspaces of its person
                async with self._db.transaction() as own:
                    found = await due_parked.begin(
                        own, each, now=now, dev=dev, vendors=vendors, patience=patience
                    )
            except Unavailable:  # what has begun goes out; the other leases end
                break
            except Exception as error:  # noqa: BLE001 - the others are not to wait for it
                log.error("message.refused", kind=self.source.kind, subject_id=each.id, error=error)
                continue
            if found is not None:
                begun.append(found)
        return begun, []

    async def finish(self, tx: Transaction, done: Sequence[Done[None]]) -> None:
        await due_parked.finish(tx, done)


class Parked(Messages[None]):
    """The handler of `Kind.PARKED`. `app_db` works as `vt_app`."""

    def __init__(
        self,
        app_db: Database,
        channels: Channels,
        *,
        dev: bool,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        super().__init__(_Work(app_db, channels), app_db, channels, dev=dev, now=now)
