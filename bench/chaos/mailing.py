"""Reminders by e-mail: which were promised, and what the mail service got for each."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bench.chaos.journal import Journal, check
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core.rules.retries import delivery_id
from tests.reminding import Scene, scene

OVER = ("sent", "failed", "cancelled", "missed")
LOOK_EVERY_S = 0.2


class Mailing:
    """Each reminder is one e-mail. Twice is right only where the ledger says it may be."""

    trial: ClassVar[str] = "F4"
    channel: ClassVar[str] = "email"
    finds_again: ClassVar[bool] = False  # what came through is found before it is sent again
    vendor: ClassVar[dict[str, object]] = {"vendor": "sendgrid"}  # whose faults are scripted
    per_second: ClassVar[int] = 100  # people that are written, on a slow machine

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._journal = Journal()
        self._due: dict[str, datetime] = {}
        self._keys: dict[UUID, str] = {}

    def write(self, due: Sequence[datetime], *, lane: int = 0) -> Scene:
        """Somebody new with these reminders, written into the database."""
        made = scene(self._stack.url, due, channels=["email"], lane=lane)
        for reminder, at in zip(made.reminders, due, strict=True):
            self.promised(reminder, made.user_id, at)
        return made

    def promised(self, reminder_id: UUID, user_id: UUID, due: datetime) -> None:
        """An acknowledged reminder."""
        self._promised(reminder_id, str(delivery_id(reminder_id, 1, user_id, "email")), due)

    def _promised(self, reminder_id: UUID, key: str, due: datetime) -> None:
        self._journal.invoked(key)
        self._journal.acknowledged(key)
        self._due[key] = due
        self._keys[reminder_id] = key

    def key(self, reminder_id: UUID) -> str:
        """The id of this reminder's delivery."""
        return self._keys[reminder_id]

    def due(self, key: str) -> datetime:
        """When this delivery was promised for."""
        return self._due[key]

    def open(self) -> int:
        """How many have not come to their end."""
        [(over,)] = self._stack.rows(
            "SELECT count(*) FROM deliveries WHERE id = ANY (%(ids)s::uuid[])"
            " AND status = ANY (%(over)s)",
            ids=list(self._due),
            over=list(OVER),
        )
        return len(self._due) - int(over)

    def until_over(self, seconds: float) -> float:
        """Wait, no longer than that; the seconds it took."""
        began = time.monotonic()
        while self.open() and time.monotonic() < began + seconds:
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def sent_at(self) -> dict[str, list[datetime]]:
        """When each reminder reached the mail service; mails of other kinds are not looked at."""
        found = defaultdict(list)
        for mail in self._stack.mails():
            if mail["category"] != "reminder":
                continue
            found[mail["delivery_id"]].append(datetime.fromisoformat(mail["at"]))
        return found

    def judge(self, report: Report, *, failed: frozenset[str] = frozenset()) -> None:
        """Nothing lost, nothing early, no more mails than the ledger owns up to.

        Those in `failed` were refused for good: no mail, and a failure that the person sees.
        """
        report.operations += len(self._due)
        mails = self.sent_at()
        told = self._ledger()
        verdict = check(self._journal, [*mails, *failed])
        report.violations += verdict.violations
        report.lost += len(verdict.lost)
        statuses = Counter(status for status, *_ in told.values())
        expected = Counter({"sent": len(self._due) - len(failed), "failed": len(failed)})
        report.demand(statuses == +expected, f"deliveries stand as {dict(statuses)}")
        for key, at in mails.items():
            early = key in self._due and min(at) < self._due[key]
            report.demand(not early, f"{key} was sent before it was due")
            _, doubts, flagged = told.get(key, ("", 0, False))
            more = len(at) - 1
            report.demand(more <= doubts, f"{key}: {more} messages too many, {doubts} in doubt")
            report.demand(flagged or not more, f"{key} was sent twice and is not flagged")
            report.duplicates += more
        report.ambiguous += sum(flagged for *_, flagged in told.values())

    def _ledger(self) -> dict[str, tuple[str, int, bool]]:
        """Delivery -> status, how often it was in doubt, whether it is flagged."""
        rows = self._stack.rows(
            "SELECT id::text, status, ambiguous, (SELECT count(*) FROM jsonb_array_elements(log) l"
            " WHERE l->>'what' = 'ambiguous') FROM deliveries WHERE id = ANY (%(ids)s::uuid[])",
            ids=list(self._due),
        )
        return {key: (status, doubts, flagged) for key, status, flagged, doubts in rows}
