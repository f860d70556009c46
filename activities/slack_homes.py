"""The work on App Homes that are to show what is."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import orjson
from slack_sdk.models.blocks import Block

from activities.shift import Hand
from core import clock, logs
from core.crypto import Keyring
from core.db import Database, Transaction
from core.due import Claimed, Source
from core.errors import Invalid, Revoked, Unavailable, VendorError
from core.models.connections import ConnectionStatus, Provider
from core.services import connections, due_digests, slack_home
from core.services.connections import Connection
from core.services.slack_home import Content, Home, Shown
from integrations import slack_views
from integrations.slack import Slack

log = logs.get(__name__)

LONGEST_S: Final = 5.5  # Slack has 5 s; a call is not begun below 6 s of lease
AT_A_TIME: Final = 16


class SlackHomes:
    """The handler of `Kind.SLACK_HOMES`. `ring` is that of `connections.PURPOSE`.

    `app_db` works as `vt_app`; `worker_db` tells in which workspaces people are.
    """

    source: Final[Source] = slack_home.SOURCE

    def __init__(
        self,
        app_db: Database,
        worker_db: Database,
        ring: Keyring,
        slack: Slack,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._worker_db = worker_db
        self._ring = ring
        self._slack = slack
        self._now = now
        self._slots = asyncio.Semaphore(AT_A_TIME)

    def tidy(self, tx: Transaction) -> None:
        """Nothing: a row goes with its connection."""

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:
        """Show each one. Twice is harmless: what is published replaces what stood there.

        A worker that dies leaves the row due, and its lease ends.
        """
        now = self._now()
        async with self._db.transaction() as tx:
            homes = await slack_home.find(tx, batch, now=now)
        if not homes:
            return
        async with self._worker_db.transaction(read_only=True) as tx:
            users = [each.user_id for each in homes]
            workspaces = await due_digests.workspaces_of(tx, users)
        async with self._db.transaction(read_only=True) as tx:
            contents = await slack_home.read(tx, homes, workspaces, now=now)
        ours = {(each.workspace_id, each.id): each for each in batch}
        await asyncio.gather(
            *(
                self._work(ours[home.workspace_id, home.id], home, contents[home.user_id], hand)
                for home in homes
            )
        )

    async def _work(self, claimed: Claimed, home: Home, content: Content, hand: Hand) -> None:
        async with self._slots:
            if not hand.is_safe(claimed):
                return
            try:
                shown = await self._show(home, content)
                async with self._db.transaction() as tx:
                    slack_home.finish(tx, claimed, shown, now=self._now())
            except Exception as error:  # noqa: BLE001 - the others go on; its lease ends
                log.error("slack.home_failed", subject_id=home.id, error=error)

    async def _show(self, home: Home, content: Content) -> Shown:
        blocks = slack_views.home(content, home.locale)
        shows = hashlib.sha256(orjson.dumps([each.to_dict() for each in blocks])).digest()
        if shows == home.shows:
            return Shown(home)
        connection = await self._connection(home)
        if connection is None:
            return Shown(home, failed=True)
        failure = await self._publish(home, connection, blocks)
        if failure is None:
            return Shown(home, shows)
        log.info("slack.home_not_shown", subject_id=home.id, error=failure)
        if isinstance(failure, Revoked):
            await self._pause(home, connection, failure)
        if failure.permanent:
            return Shown(home, failed=True)
        next_at = slack_home.again(home, failure.retry_after, now=self._now())
        return Shown(home, failed=True, next_at=next_at)

    async def _connection(self, home: Home) -> Connection | None:
        try:
            async with self._db.transaction(read_only=True) as tx:
                return await slack_home.connection(tx, home, ring=self._ring)
        except Invalid:  # sealed with a key that is no longer ours: reminders find that out, too
            return None

    async def _publish(
        self, home: Home, connection: Connection, blocks: Sequence[Block]
    ) -> VendorError | None:
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._slack.publish(
                    connection.account_id,
                    connection.secret,
                    slack_user_id=home.slack_user_id,
                    blocks=blocks,
                )
        except VendorError as error:
            return error
        except TimeoutError:
            return VendorError("Slack did not answer in time", permanent=False)
        return None

    async def _pause(self, home: Home, connection: Connection, error: VendorError) -> None:
        log.warning("connection.paused", vendor=Provider.SLACK, error=error)
        with suppress(Unavailable):  # the next message finds out as well
            async with self._db.transaction() as tx:
                tx.act_in([home.workspace_id])
                await connections.pause(
                    tx,
                    home.workspace_id,
                    connection,
                    Provider.SLACK,
                    ConnectionStatus.NEEDS_REAUTH,
                    problem=error.detail,
                    now=self._now(),
                )
