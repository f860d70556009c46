"""From a person's words, or an RRULE, to what the API takes; and back to words."""

import sys
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from api.commands import moments
from api.commands.client import Client
from core.rules import zones

Rrule = Annotated[
    str | None,
    typer.Option("--rrule", help="RFC 5545, such as FREQ=MONTHLY;BYDAY=-1FR.", metavar="RRULE"),
]
_RULE_BEGINS = ("FREQ=", "RRULE:", "RSCALE=")
_FIXES_CLOCK = "BYHOUR"


def read(
    client: Client,
    *,
    words: str | None,
    rrule: str | None,
    zone: str | None,
    language: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """`{recurrence, due, cannot_express, explained}`; its `recurrence` is there.

    Times are fixed to `zone`, or go where one goes. What was left out is told on stderr. Raises
    `BadParameter` where no rule says it.
    """
    text = rrule or words
    if text is None or (rrule and words):
        raise typer.BadParameter("say it in words, or give --rrule")
    is_rule = text is rrule or text.upper().startswith(_RULE_BEGINS)
    body = {
        "from": "rrule" if is_rule else "todoist",
        "text": text,
        "timezone": zone,
        "language": language,
        "now": now.isoformat() if now else None,
    }
    found: dict[str, Any] = client.send("POST", "/recurrence/convert", body).body
    if found["recurrence"] is None:
        raise typer.BadParameter(f"no rule says that: {'; '.join(found['cannot_express'])}")
    # Who says it here does not mean Todoist's way with what is left undone, but ours.
    found["recurrence"]["pile_up"] = "roll"
    for each in found["cannot_express"]:
        sys.stderr.write(f"left out: {each}\n")
    return found


def beginning(found: dict[str, Any], due: dict[str, Any] | None) -> dict[str, Any]:
    """The first due time: `due`, at the time that the words say where it is all day.

    Without any, where the words begin. Raises `BadParameter` where the two differ.
    """
    said: dict[str, Any] = found["due"]
    if due is None:
        return said
    clock, said_clock = due.get("time"), said["time"]
    if clock is None:
        return {**due, "time": said_clock, "timezone": said["timezone"]} if said_clock else due
    # A rule with hours of its own has more than one time a day, and may begin with any.
    if said_clock not in {None, clock} and _FIXES_CLOCK not in found["recurrence"]["rrule"]:
        raise typer.BadParameter(f"--due says {clock}, and the rule {said_clock}: say it once")
    return due


def read_for(
    client: Client,
    todo: dict[str, Any],
    *,
    words: str | None,
    rrule: str | None,
    zone: str | None,
    language: str | None,
    due: str | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The recurrence for a todo that stands, and where it begins.

    That is the first day of the rule from the todo's own day on, or from today where that has
    passed; at the todo's own time where the words say none.
    """
    own = None if due else todo["due"]
    found = read(
        client,
        words=words,
        rrule=rrule,
        zone=zone or (own["timezone"] if own else None),
        language=language,
        now=_eve(client, own) if own else None,
    )
    if own is None:
        given = moments.wall(client, due, zone) if due else None
        return found["recurrence"], beginning(found, given)
    first = found["due"]
    if first["time"] is None and own["time"] is not None:
        first = {**own, "date": first["date"]}
    return found["recurrence"], first


def explained(client: Client, recurrence: dict[str, Any], start: dict[str, Any]) -> str:
    """The rule in the person's own language."""
    body = {"recurrence": recurrence, "due": start}
    return str(client.send("POST", "/recurrence/explain", body).body["text"])


def of_todo(client: Client, todo: dict[str, Any]) -> str:
    """The rule of a todo in words; empty for one that does not recur, or no more."""
    if todo["recurrence"] is None:
        return ""
    series = client.get(f"/series/{todo['series_id']}")
    text = explained(client, series["recurrence"], series["start"])
    return f"{text} (paused)" if series["status"] == "paused" else text


def _eve(client: Client, due: dict[str, Any]) -> datetime | None:
    """The minute before that day, for the rule to be read then; null when it is not to come."""
    zone = due["timezone"] or moments.zone_of(client)
    begins = zones.instant(date.fromisoformat(due["date"]), zones.ALL_DAY, zone)
    return begins - timedelta(minutes=1) if begins > datetime.now(UTC) else None
