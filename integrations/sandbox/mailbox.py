"""The ledger read as a mailbox: one mail per recipient group that SendGrid accepted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from integrations.sandbox import sendgrid, sendgrid_substitutions
from integrations.sandbox.ledger import Ledger, Row

ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True)
class Mail:
    seq: int  # of its ledger row
    part: int  # which personalization of it
    to: str
    subject: str
    text: str
    html: str
    at: datetime
    delivery_id: str | None
    category: str | None
    headers: dict[str, str]
    answered: bool  # False: the sender never heard that it was accepted

    def to_json(self) -> dict[str, object]:
        return {
            "seq": self.seq,
            "to": self.to,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "at": self.at,
            "delivery_id": self.delivery_id,
            "category": self.category,
            "headers": self.headers,
        }


def mails_of(row: Row) -> list[Mail]:
    """Give the mails that the call of this row put on their way; a scripted 202 puts none."""
    if (row.vendor, row.kind) != ("sendgrid", "mail.send"):
        return []
    # Asked again, because a row does not tell an answer that was dropped or scripted.
    if row.response_status not in {ACCEPTED, None} or sendgrid.answer(row.call).status != ACCEPTED:
        return []
    message: dict[str, Any] = orjson.loads(row.call.body)
    return [
        _mail(row, message, part, each) for part, each in enumerate(message["personalizations"])
    ]


def newest(ledger: Ledger, *, to: str = "", before: int | None = None) -> Iterator[Mail]:
    """Give mails newest first, those whose recipients contain `to`."""
    wanted = to.casefold()
    for row in ledger.newest(before=before):
        yield from (each for each in reversed(mails_of(row)) if wanted in each.to.casefold())


def _mail(row: Row, message: dict[str, Any], part: int, each: dict[str, Any]) -> Mail:
    contents = {content["type"]: content["value"] for content in message.get("content") or []}
    substitutions = each.get("substitutions") or {}
    subject = each.get("subject") or message.get("subject") or "(no subject)"
    custom_args = (message.get("custom_args") or {}) | (each.get("custom_args") or {})
    return Mail(
        seq=row.seq,
        part=part,
        to=", ".join(person["email"] for person in each["to"]),
        subject=sendgrid_substitutions.apply(subject, substitutions),
        text=sendgrid_substitutions.apply(contents.get("text/plain", ""), substitutions),
        html=sendgrid_substitutions.apply(contents.get("text/html", ""), substitutions),
        at=row.at_utc,
        delivery_id=custom_args.get("delivery_id"),
        category=", ".join(message.get("categories") or []) or None,
        headers=(message.get("headers") or {}) | (each.get("headers") or {}),
        answered=row.response_status is not None,
    )
