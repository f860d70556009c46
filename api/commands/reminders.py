"""`voicetodo remind | snooze | why`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.commands import find, moments, words
from api.commands.client import Client
from api.commands.options import Api, Json, Zone, answer, connect
from api.commands.todos import Before, Todo
from core.rules import cli_times, zones
from core.rules import snooze as snoozed
from core.rules.retries import Reason, in_words

Reminder = Annotated[
    str, typer.Argument(help="The title of its todo, or the id of either.", metavar="REMINDER")
]
In = Annotated[
    str | None,
    typer.Option("--in", help=f"{cli_times.UNDERSTOOD_DURATIONS}.", metavar="DURATION"),
]
For = Annotated[
    str | None,
    typer.Option(
        "--for",
        help=f"{cli_times.UNDERSTOOD_DURATIONS}, `tonight`, `tomorrow`.",
        metavar="DURATION",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(help=f"`18:30`, `tonight`, {cli_times.UNDERSTOOD}.", metavar="TIME"),
]
Time = Annotated[str | None, typer.Option(help=f"{cli_times.UNDERSTOOD}.", metavar="TIME")]
_A_SECOND: Final = timedelta(seconds=1)
_UNTIL = {"held": "until", "retry": "at", "escalates": "at", "gathers": "until"}
_STYLES = {"sent": "green", "failed": "red", "missed": "red", "cancelled": "dim"}


def remind(
    todo: Todo,
    *,
    in_: In = None,
    at: Time = None,
    before: Before = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="email, in_app; repeatable.", metavar="CHANNEL")
    ] = None,
    zone: Zone = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Remind of a todo: in a while, at a time, or before it is due."""
    _one_of(**{"--in": in_, "--at": at, "--before": before})
    body: dict[str, Any] = {"channels": channel or None}
    with connect(api) as client:
        if before:
            body["before"] = moments.duration(before)
        else:
            body["at"] = moments.wall(client, at or f"in {in_}", zone)
            if "time" not in body["at"]:
                raise typer.BadParameter("a reminder needs a time: `tomorrow 9:00`")
        path = f"/todos/{find.todo_id(client, todo)}/reminders"
        made = client.send("POST", path, body).body
        zone_here = "" if as_json else moments.zone_of(client)
        shown = words.reminder(made, now=datetime.now(UTC), zone=zone_here) if zone_here else ""
        answer(made, shown, as_json=as_json)


def snooze(
    reminder: Reminder,
    *,
    for_: For = None,
    until: Until = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Be reminded later."""
    _one_of(**{"--for": for_, "--until": until})
    with connect(api) as client:
        body = {"for": _for(for_)} if for_ else {"until": _until(client, until or "")}
        _, found = find.todo_or_reminder(client, reminder)
        moved = client.send("POST", f"/reminders/{found}/snooze", body).body
        zone = "" if as_json else moments.zone_of(client)
        shown = words.reminder(moved, now=datetime.now(UTC), zone=zone) if zone else ""
        answer(moved, shown, as_json=as_json)


def _for(text: str) -> str:
    """As the API reads it."""
    try:
        snoozed.read_for(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


def _until(client: Client, text: str) -> str:
    """As it is where the API understands it: it knows the clock of the todo's workspace."""
    try:
        snoozed.read_until(text)
    except ValueError:
        return moments.instant(client, text).isoformat()
    return text


def why(reminder: Reminder, *, api: Api = None, as_json: Json = False) -> None:
    """Tell why a reminder came, did not come, or will come."""
    with connect(api) as client:
        _, found = find.todo_or_reminder(client, reminder)
        story = client.get(f"/reminders/{found}/why")
        if as_json:
            answer(story, as_json=True)
            return
        answer(story, *story_lines(story, zone=moments.zone_of(client)), as_json=False)


def story_lines(story: dict[str, Any], *, zone: str) -> list[Text | Table]:
    """The sentences, then what happened in the order of time; with its day where there are more."""
    told = sorted(
        (
            (turn, at, delivery["channel"], line["what"], line["detail"] or "")
            for delivery in story["deliveries"]
            for turn, at, line in _in_turn(delivery["log"])
        ),
        key=itemgetter(0),
    )
    moments_told = [at for _, at, *_ in told]
    moments_told += [words.parsed(detail) for *_, what, detail in told if what in _UNTIL]
    days = len({_local(at, zone).date() for at in moments_told}) > 1
    entries = [
        (at, channel, what, _detail(what, detail, channel, zone, days=days))
        for _, at, channel, what, detail in told
    ]
    lines: list[Text | Table] = [Text(sentence) for sentence in story["sentences"]]
    if entries:
        view = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
        for at, channel, what, detail in entries:
            style = _STYLES.get(what, "yellow")
            time = _time(at, zone, days=days)
            view.add_row(f"[dim]{time}", channel, f"[{style}]{escape(what)}", escape(detail))
        lines.append(view)
    return lines


def _in_turn(log: list[dict[str, Any]]) -> Iterator[tuple[datetime, datetime, dict[str, Any]]]:
    """Each line with the moment that puts it in order, and its own: vendors tell whole seconds,
    so theirs may be said to be before the call that led to it.
    """
    turn = datetime.min.replace(tzinfo=UTC)
    for line in log:
        at = words.parsed(line["at"])
        turn = turn if at < turn < at + _A_SECOND else at
        yield turn, at, line


def _detail(what: str, detail: str, channel: str, zone: str, *, days: bool) -> str:
    """Of some the detail is when they go on, of others a reason."""
    if what in _UNTIL:
        return f"{_UNTIL[what]} {_time(words.parsed(detail), zone, days=days)}"
    return in_words(Reason(detail), channel) if detail in {*Reason} else detail


def _time(at: datetime, zone: str, *, days: bool) -> str:
    """With its day, or to the millisecond: which of both is worth its place."""
    local = _local(at, zone)
    if days:
        return f"{words.day(local.date(), now=datetime.now(UTC))} {local:%H:%M:%S}"
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(zones.zone(zone))


def _one_of(**options: str | None) -> None:
    if sum(value is not None for value in options.values()) != 1:
        raise typer.BadParameter(f"give exactly one of {', '.join(options)}")
