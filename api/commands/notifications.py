"""`voicetodo notifications | digest | quiet`: what one is told, and when."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from api.commands import moments, words
from api.commands.options import Api, Json, answer, connect
from core.rules.digests import WEEKDAYS, Frequency, Weekday

SHOWN: Final = 20
KINDS: Final = {
    "reminder": "",
    "digest": "digest",
    "reminder_missed": "missed",
    "delivery_failed": "not delivered",
}
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_SHORTEST_DAY: Final = 2  # `mo`
PREFERENCES: Final = "/me/notification-preferences"


def notifications(
    *,
    read_all: Annotated[bool, typer.Option("--read-all", help="Mark all as read.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Show what the app shows: the latest reminders, digests and what you should know."""
    with connect(api) as client:
        page = client.get("/notifications", limit=SHOWN)
        if not read_all:
            zone = "" if as_json else moments.zone_of(client)
            answer(page, *_listed(page, zone), as_json=as_json)
            return
        # What came since is not shown, so it is not read either.
        until = {"until": page["data"][0]["created_at"]} if page["data"] else None
        done = client.send("POST", "/notifications/read-all", until).body
        shown = f"Read {done['read']}, {done['unread']} unread."
        answer(done, shown, as_json=as_json)


def digest(
    *,
    daily: Annotated[
        str | None, typer.Option(help="Every day at this time: `07:30`.", metavar="TIME")
    ] = None,
    weekly: Annotated[
        str | None,
        typer.Option(help="Every week: `mon 08:00`, `friday 17:30`.", metavar="DAY TIME"),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="No digest.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Show today's.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Get a digest every day or week, at your own local time; or tell what is set."""
    if sum((daily is not None, weekly is not None, off, preview)) > 1:
        raise typer.BadParameter("give one of --daily, --weekly, --off, --preview")
    wish = _wish(daily, weekly, off=off)
    with connect(api) as client:
        if preview:
            found = client.send("POST", "/digests/preview", {}).body
            empty = "Nothing to tell: no digest would be sent now."
            shown = found["text"].strip() if found["sections"] else empty
            answer(found, Text(shown), as_json=as_json)
            return
        if wish is not None:
            client.send("PATCH", "/me", {"preferences": {"digest": wish}})
        plan = client.get(PREFERENCES)["digest"]
        answer(plan, _planned(plan), as_json=as_json)


def quiet(
    hours: Annotated[
        str | None, typer.Argument(help="`22:00-07:00`, or `off`.", metavar="HOURS")
    ] = None,
    *,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Hold push, Slack and text messages back at night; or tell what is set."""
    with connect(api) as client:
        if hours is not None:
            wish = None if hours.strip().lower() == "off" else _hours(hours)
            client.send("PATCH", "/me", {"preferences": {"quiet_hours": wish}})
        found = client.get(PREFERENCES)["quiet_hours"]
        shown = f"Quiet from {found['start']} to {found['end']}." if found else "No quiet hours."
        answer({"quiet_hours": found}, shown, as_json=as_json)


def _listed(page: dict[str, Any], zone: str) -> list[Text | Table | str]:
    if not zone:
        return []
    if not page["data"]:
        return ["Nothing yet."]
    view = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    now = datetime.now(UTC)
    for each in page["data"]:
        came = words.when(words.parsed(each["created_at"]), now=now, zone=zone)
        style = "dim" if each["read_at"] else "bold"
        kind = KINDS.get(each["kind"], each["kind"].replace("_", " "))
        view.add_row(Text(came, "dim"), Text(each["title"], style), Text(kind, "yellow"))
    return [view, f"{page['unread']} unread"]


def _wish(daily: str | None, weekly: str | None, *, off: bool) -> dict[str, str] | None:
    if off:
        return {"frequency": Frequency.OFF}
    if daily is not None:
        return {"frequency": Frequency.DAILY, "at": _clock(daily)}
    if weekly is not None:
        day, _, at = weekly.strip().partition(" ")
        return {"frequency": Frequency.WEEKLY, "weekday": _weekday(day), "at": _clock(at)}
    return None


def _planned(plan: dict[str, str]) -> str:
    match plan["frequency"]:
        case Frequency.DAILY:
            return f"Every day at {plan['at']}."
        case Frequency.WEEKLY:
            return f"Every {plan['weekday'].capitalize()} at {plan['at']}."
        case _:
            return "No digest: `voicetodo digest --daily 07:30`"


def _hours(text: str) -> dict[str, str]:
    start, dash, end = text.partition("-")
    if not dash:
        raise typer.BadParameter("quiet hours are written `22:00-07:00`, or `off`")
    return {"start": _clock(start), "end": _clock(end)}


def _clock(text: str) -> str:
    found = text.strip()
    if not _CLOCK.fullmatch(found):
        raise typer.BadParameter(f"{found or 'nothing'} is no time of a clock: `07:30`")
    return found.zfill(len("07:30"))


def _weekday(text: str) -> Weekday:
    """By its name or the beginning of it."""
    name = text.strip().lower()
    found = [day for day in WEEKDAYS if len(name) >= _SHORTEST_DAY and day.startswith(name)]
    if len(found) != 1:
        raise typer.BadParameter(f"{text or 'nothing'} is no day of the week: `mon`, `friday`")
    return found[0]
