"""Reminders by push: each to one browser, and what that browser's screen shows in the end."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import orjson

from bench.chaos.mailing import Mailing
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core.rules.retries import delivery_id
from tests.reminding import Scene, scene


class Pushing(Mailing):
    """A message may reach its push service twice where the ledger owns up to it; is shown once."""

    trial: ClassVar[str] = "F4 push"
    channel: ClassVar[str] = "push"
    vendor: ClassVar[dict[str, object]] = {"vendor": "web_push"}

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self._browsers: list[str] = []

    def write(self, due: Sequence[datetime], *, lane: int = 0) -> Scene:
        made = scene(self._stack.url, due, channels=["push"], lane=lane, browser=self._subscribe())
        [(browser,)] = self._stack.rows(
            "SELECT id FROM push_subscriptions WHERE user_id = %(id)s", id=made.user_id
        )
        for reminder, at in zip(made.reminders, due, strict=True):
            self._promise(reminder, made.user_id, at, str(browser))
        return made

    def sent_at(self) -> dict[str, list[datetime]]:
        """When each message reached the push service, its answer lost or not."""
        found = defaultdict(list)
        with self._stack.vendor() as http:
            rows = http.get("/ledger.json", params={"vendor": "web_push"}).json()
        for row in rows:
            text = row["request"].get("decrypted")
            if text is not None:
                found[orjson.loads(text)["tag"]].append(datetime.fromisoformat(row["at"]))
        return found

    def judge(self, report: Report, *, failed: frozenset[str] = frozenset()) -> None:
        """`duplicates` are those a person sees: two messages of one reminder on one screen."""
        super().judge(report, failed=failed)
        report.duplicates = 0
        for browser in self._browsers:
            shown = Counter(self._shown(browser))
            twice = sum(count - 1 for count in shown.values())
            report.duplicates += twice
            report.demand(not twice, f"{twice} are shown twice")

    def _shown(self, browser: str) -> list[str]:
        with self._stack.vendor() as http:
            found = http.get(f"/push/subscriptions/{browser}/messages").json()
        return [orjson.loads(each["payload"])["tag"] for each in found]

    def _promise(self, reminder_id: UUID, user_id: UUID, due: datetime, browser: str) -> None:
        self._promised(reminder_id, str(delivery_id(reminder_id, 1, user_id, "push", browser)), due)

    def _subscribe(self) -> dict[str, str]:
        with self._stack.vendor() as http:
            given = http.post("/push/subscriptions").json()
        self._browsers.append(given["endpoint"].rpartition("/")[2])
        return {"endpoint": given["endpoint"], **given["keys"]}
