"""A person's words for times, as the API takes them."""

from datetime import UTC, datetime
from typing import Any

import typer

from api.commands.client import Client
from core.rules import cli_times, zones
from core.rules.durations import iso


def zone_of(client: Client) -> str:
    return str(client.get("/me")["timezone"])


def instant(client: Client, text: str) -> datetime:
    """The instant that the words name. All-day words mean the beginning of that day."""
    zone = zone_of(client)
    found = _moment(text, zone)
    return zones.instant(found.on, found.at or zones.ALL_DAY, found.zone or zone)


def wall(client: Client, text: str, zone: str | None) -> dict[str, Any]:
    """`{date, time, timezone}`; floating unless a zone is named or the words name one instant."""
    found = _moment(text, zone or zone_of(client))
    if found.at is None:
        return {"date": found.on.isoformat()}
    clock = found.at.isoformat("seconds" if found.at.second else "minutes")
    return {"date": found.on.isoformat(), "time": clock, "timezone": found.zone or zone}


def duration(text: str) -> str:
    """ISO 8601."""
    try:
        return iso(int(cli_times.duration(text).total_seconds()))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from error


def channels(text: str | None) -> list[str] | None:
    """From `email,in_app`; null leaves it to the person's preferences."""
    return [name.strip() for name in text.split(",")] if text else None


def _moment(text: str, zone: str) -> cli_times.Moment:
    try:
        zones.zone(zone)
        return cli_times.moment(text, now=datetime.now(UTC), zone=zone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
