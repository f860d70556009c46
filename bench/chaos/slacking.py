"""Reminders in Slack: each in a channel of its own, and what stands there in the end."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import uuid4

from pydantic import SecretStr

from bench.chaos.mailing import Mailing
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core import keys
from core.db import Database
from core.models.connections import Provider
from core.rules.retries import delivery_id
from core.services import connections
from core.services.connections import Draft
from core.settings import Settings
from tests.reminding import Scene, scene

NOBODYS: Final = -1  # no lane that there may once have been: those are adopted


class Slacking(Mailing):
    """Nothing is posted twice, in doubt or not: it is looked up before it is sent again."""

    trial: ClassVar[str] = "F4 slack"
    channel: ClassVar[str] = "slack"
    finds_again: ClassVar[bool] = True
    vendor: ClassVar[dict[str, object]] = {"vendor": "slack"}
    per_second: ClassVar[int] = 8

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        settings = Settings(_env_file=None, data_dir=stack.folder)
        self._ring = keys.load(settings).ring.of(connections.PURPOSE)
        self._channels: list[str] = []

    def write(self, due: Sequence[datetime], *, lane: int = 0) -> Scene:
        # In a lane that nobody looks at until its person is connected.
        made = scene(self._stack.url, due, channels=["slack"], lane=NOBODYS)
        with self._stack.vendor() as http:
            channel = http.post("/slack/channels", json={"name": "reminders"}).json()["id"]
        self._channels.append(channel)
        # A trial is called where a loop runs already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._connect(made, channel)).result()
        made.run("UPDATE reminders SET lane = %s WHERE user_id = %s", lane, made.user_id)
        for reminder, at in zip(made.reminders, due, strict=True):
            key = str(delivery_id(reminder, 1, made.user_id, "slack"))
            self._promised(reminder, key, at)
        return replace(made, lane=lane)

    def sent_at(self) -> dict[str, list[datetime]]:
        found = defaultdict(list)
        with self._stack.vendor() as http:
            for channel in self._channels:
                for each in http.get(f"/slack/channels/{channel}/messages").json():
                    key = each["metadata"]["event_payload"]["delivery_id"]
                    found[key].append(datetime.fromtimestamp(float(each["ts"]), UTC))
        return found

    def judge(self, report: Report, *, failed: frozenset[str] = frozenset()) -> None:
        super().judge(report, failed=failed)
        report.demand(not report.duplicates, f"{report.duplicates} are seen twice")

    async def _connect(self, made: Scene, channel: str) -> None:
        draft = Draft(Provider.SLACK, uuid4().hex, channel, SecretStr(f"xoxb-{uuid4().hex}"))
        database = Database(self._stack.url, role="vt_app", size=1)
        await database.open()
        try:
            async with database.transaction() as tx:
                tx.act_in([made.user_id])
                await connections.put(
                    tx, made.user_id, made.user_id, draft, ring=self._ring, now=datetime.now(UTC)
                )
        finally:
            await database.close()
