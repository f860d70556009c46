"""The mail service misbehaves in every way we know: one e-mail each, or a failure that is seen."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
from pydantic import SecretStr

from bench.chaos.mailing import Mailing
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core import clock, keys
from core.ids import uuid7
from core.settings import Settings
from core.tokens import Tokens
from tests.people import API
from tests.reminding import Scene

APART = timedelta(seconds=0.5)  # each first attempt meets its own fault, no retry is there yet
WAIT_ASKED = timedelta(seconds=6)
DRAIN_S = 60.0
GARBAGE = "\x00\ufffd{]<html>"


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    fault: dict[str, object]
    mails: int = 1
    in_doubt: bool = False  # no answer came: what became of it nobody can know
    refused: bool = False


# The last ones hold an attempt up: they must not be there when the others are tried again.
CASES = (
    _Case("429 with Retry-After", {"status": 429, "headers": {"Retry-After": "6"}}),
    _Case("500", {"status": 500}),
    _Case("dropped before acceptance", {"drop": "before"}, in_doubt=True),
    _Case("dropped after acceptance", {"drop": "after"}, mails=2, in_doubt=True),
    _Case("503 with garbage", {"status": 503, "body": GARBAGE, "headers": {"Retry-After": "soon"}}),
    _Case("400", {"status": 400}, mails=0, refused=True),
    _Case("302 with garbage", {"status": 302, "body": GARBAGE}, mails=0, refused=True),
    _Case("accepted after our patience", {"delay_ms": 6000}, mails=2, in_doubt=True),
)


def faults(stack: Stack) -> Report:
    report = Report("vendor")
    stack.temporal.start()
    stack.sandbox()
    api = stack.api()
    stack.worker().ready()
    mailing = Mailing(stack)
    stack.script(*(case.fault for case in CASES))
    begins = datetime.now(UTC) + timedelta(seconds=2)
    due = [begins + APART * nth for nth in range(len(CASES))]
    person = mailing.write(due)
    took = mailing.until_over(DRAIN_S)
    refused = zip(CASES, person.reminders, strict=True)
    failed = {mailing.key(each) for case, each in refused if case.refused}
    mailing.judge(report, failed=frozenset(failed))
    sent = mailing.sent_at()
    told = _why(stack, api.url, person)
    for case, reminder in zip(CASES, person.reminders, strict=True):
        at = sent.get(mailing.key(reminder), [])
        report.demand(len(at) == case.mails, f"{case.name}: {len(at)} mails")
        [delivery] = told[str(reminder)]["deliveries"]
        sentence = told[str(reminder)]["sentences"][-1]
        report.demand(delivery["ambiguous"] == case.in_doubt, f"{case.name}: {sentence}")
        word = "refused" if case.refused else "delivered"
        report.demand(word in sentence, f"{case.name}: {sentence}")
    waited = sent[mailing.key(person.reminders[0])][0] - due[0]
    report.demand(waited >= WAIT_ASKED, f"asked to wait, and sent again after {waited}")
    notes = [row["kind"] for row in person.notifications()]
    report.demand(notes.count("delivery_failed") == len(failed), f"told in the app: {notes}")
    report.figure = f"{len(CASES)} kinds of misbehaviour, all over after {took:.0f} s"
    return report


def _why(stack: Stack, url: str, person: Scene) -> dict[str, dict[str, Any]]:
    """What the person is told about each reminder."""
    session = uuid7()
    with psycopg.connect(stack.url) as connection:
        connection.execute(
            "INSERT INTO sessions (id, user_id, expires_at) VALUES (%s, %s, now() + '1 h')",
            (session, person.user_id),
        )
    settings = Settings(_env_file=None, data_dir=stack.folder, DATABASE_URL=SecretStr(stack.url))
    tokens = Tokens(keys.load(settings).signing)
    token = tokens.issue(person.user_id, session, uuid7(), now=clock.now())
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=url, headers=headers, trust_env=False) as http:
        return {
            str(each): http.get(f"{API}/reminders/{each}/why").raise_for_status().json()
            for each in person.reminders
        }
