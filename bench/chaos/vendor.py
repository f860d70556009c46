"""A vendor misbehaves in every way we know: one message each, or a failure that is seen."""

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
    """`messages` arrive where nothing tells one from its repetition."""

    name: str
    fault: dict[str, object]
    messages: int = 1
    in_doubt: bool = False  # no answer came: what became of it nobody can know
    in_doubt_at_slack: bool = False  # where a server's error says as little
    refused: bool = False


# The last ones hold an attempt up: they must not be there when the others are tried again.
CASES = (
    _Case("429 with Retry-After", {"status": 429, "headers": {"Retry-After": "6"}}),
    _Case("500", {"status": 500}, in_doubt_at_slack=True),
    _Case("dropped before acceptance", {"drop": "before"}, in_doubt=True),
    _Case("dropped after acceptance", {"drop": "after"}, messages=2, in_doubt=True),
    _Case(
        "503 with garbage",
        {"status": 503, "body": GARBAGE, "headers": {"Retry-After": "soon"}},
        in_doubt_at_slack=True,
    ),
    _Case("400", {"status": 400, "body": GARBAGE}, messages=0, refused=True),
    _Case("302 with garbage", {"status": 302, "body": GARBAGE}, messages=0, refused=True),
    _Case("accepted after our patience", {"delay_ms": 6000}, messages=2, in_doubt=True),
)


def faults(stack: Stack, *, by: type[Mailing] = Mailing, told: bool = False) -> Report:
    """By e-mail, or `by` another channel. `told`: the mail service says what became of each."""
    report = Report(f"vendor {by.channel}{', told' if told else ''}")
    stack.temporal.start()
    api = stack.listening_api() if told else stack.api()
    stack.sandbox()
    stack.worker().ready()
    mailing = by(stack)
    begins = datetime.now(UTC) + timedelta(seconds=2)
    due = [begins + APART * nth for nth in range(len(CASES))]
    people = [mailing.write([at]) for at in due]  # each with a limit of their own
    stack.script(*(case.fault | mailing.vendor for case in CASES))
    took = mailing.until_over(DRAIN_S)
    keys = [mailing.key(person.reminders[0]) for person in people]
    failed = frozenset(key for case, key in zip(CASES, keys, strict=True) if case.refused)
    mailing.judge(report, failed=failed)
    sent = mailing.sent_at()
    found_again = told or by.finds_again
    for case, person, key in zip(CASES, people, keys, strict=True):
        count = len(sent.get(key, []))
        expected = min(case.messages, 1) if found_again else case.messages
        report.demand(count == expected, f"{case.name}: {count} messages")
        [why] = _why(stack, api.url, person).values()
        [delivery], sentence = why["deliveries"], why["sentences"][-1]
        doubt = case.in_doubt or (case.in_doubt_at_slack and by.finds_again)
        # The vendor's word may come before the call is given up: then nobody was in doubt.
        certain = told and case.messages > 1
        report.demand(certain or delivery["ambiguous"] == doubt, f"{case.name}: {sentence}")
        word = "refused" if case.refused else "delivered"
        report.demand(word in sentence, f"{case.name}: {sentence}")
        notes = [row["kind"] for row in person.notifications()]
        said = notes.count("delivery_failed")
        report.demand(said == case.refused, f"{case.name}: told in the app: {notes}")
    waited = sent[keys[0]][0] - due[0]
    report.demand(waited >= WAIT_ASKED, f"asked to wait, and sent again after {waited}")
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
