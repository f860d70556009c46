"""How todos and times look to a person."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from core.rules import zones

SHORT_ID = 8  # of the random end of a UUIDv7; its beginning is only the time
_PRIORITIES = {"high": "bold red", "medium": "yellow", "low": "blue", "none": "dim"}


def counted(count: int, one: str, several: str) -> str:
    """`1 todo`, `1,200 todos`."""
    return f"{count:,} {one if count == 1 else several}"


def short(identifier: str) -> str:
    return identifier.replace("-", "")[-SHORT_ID:]


def when(instant: datetime, *, now: datetime, zone: str, all_day: bool = False) -> str:
    """`in 40 s`, `today 15:30`, `Fri 9:00`, `24 Dec 18:00`; whatever is clear and short."""
    away = instant - now
    if not all_day and abs(away) < timedelta(hours=1):
        seconds = abs(round(away.total_seconds()))
        span = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"  # noqa: PLR2004 - a minute
        return f"in {span}" if away > timedelta(0) else f"{span} ago"
    local = instant.astimezone(zones.zone(zone))
    days = (local.date() - zones.today(now, zone)).days
    if -1 <= days <= 1:
        day = ("yesterday", "today", "tomorrow")[days + 1]
    elif 1 < days < 7:  # noqa: PLR2004 - a week
        day = f"{local:%a}"
    else:
        year = "" if local.year == now.year else f" {local.year}"
        day = f"{local.day} {local:%b}{year}"
    return day if all_day else f"{day} {local:%H:%M}"


def day(on: date, *, now: datetime) -> str:
    """`Mon 7 Sep`, with the year where it is another one."""
    return f"{on:%a} {on.day} {on:%b}{'' if on.year == now.year else f' {on.year}'}"


def moment(instant: datetime, *, now: datetime, zone: str, all_day: bool = False) -> str:
    """`Mon 7 Sep 09:00`: whole, also where it is near."""
    local = instant.astimezone(zones.zone(zone))
    return day(local.date(), now=now) + ("" if all_day else f" {local:%H:%M}")


def comes(todo: dict[str, Any], *, now: datetime, zone: str) -> str:
    """When the occurrence that a todo stands for is due."""
    if todo["due"]["time"] is None:
        return day(date.fromisoformat(todo["due"]["date"]), now=now)
    return moment(parsed(todo["due_at"]), now=now, zone=zone)


def due(todo: dict[str, Any], *, now: datetime, zone: str) -> Text:
    """The due time, red when it has passed and the todo is open."""
    if not todo["due"]:
        return Text()
    all_day = todo["due"]["time"] is None
    instant = parsed(todo["due_at"])
    text = when(instant, now=now, zone=zone, all_day=all_day)
    over = instant + timedelta(days=int(all_day)) < now and todo["status"] == "pending"
    return Text(text, "red" if over else "")


def table(todos: list[dict[str, Any]], *, lists: dict[str, str], zone: str) -> Table:
    now = datetime.now(UTC)
    view = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, style in (("", ""), ("id", "cyan"), ("title", ""), ("due", ""), ("", ""), ("", "")):
        view.add_column(title, style=style, no_wrap=title != "title")
    for todo in todos:
        done = todo["status"] == "completed"
        name = Text(todo["title"], "dim strike" if done else "")
        where = lists.get(todo["list_id"] or "", "")
        labels = Text(" ".join([where, *(f"#{tag}" for tag in todo["tags"])]).strip(), "magenta")
        marks = Text("" if todo["priority"] == "none" else todo["priority"])
        marks.stylize(_PRIORITIES[todo["priority"]])
        if any(reminder["next_fire_at"] for reminder in todo["reminders"]):
            marks.append(" ⏰")
        if todo["recurrence"]:
            marks.append(" ↻", "cyan")
        if todo["missed"]:
            marks.append(f" missed {todo['missed']}", "red")
        box_mark = "✔" if done else "○"
        due_text = due(todo, now=now, zone=zone)
        view.add_row(box_mark, short(todo["id"]), name, due_text, marks, labels)
    return view


def details(todo: dict[str, Any], *, lists: dict[str, str], zone: str, repeats: str = "") -> Table:
    """`repeats` is its rule in words."""
    now = datetime.now(UTC)
    view = Table(box=None, show_header=False, pad_edge=False)
    view.add_column(style="dim")
    view.add_column()
    rows: list[tuple[str, str | Text]] = [
        ("title", Text(todo["title"], "bold")),
        ("id", todo["id"]),
        ("status", todo["status"]),
        ("due", due(todo, now=now, zone=zone)),
        ("repeats", Text(repeats)),
        ("missed", str(todo["missed"] or "")),
        ("priority", "" if todo["priority"] == "none" else todo["priority"]),
        ("list", escape(lists.get(todo["list_id"] or "", ""))),
        ("tags", escape(" ".join(f"#{tag}" for tag in todo["tags"]))),
        ("note", Text(todo["description"])),
    ]
    rows += [("reminder", reminder(each, now=now, zone=zone)) for each in todo["reminders"]]
    rows.append(("created", when(parsed(todo["created_at"]), now=now, zone=zone)))
    for name, value in rows:
        if value:
            view.add_row(name, value)
    return view


def reminder(each: dict[str, Any], *, now: datetime, zone: str) -> Text:
    """`3f9a01bc in 40 s by email`."""
    text = Text(f"{short(each['id'])} ", "cyan")
    fires = each["next_fire_at"]
    text.append(when(parsed(fires), now=now, zone=zone) if fires else "nothing to come", "default")
    if each["before"]:
        before = each["before"].lower().replace("t", "").removeprefix("p")
        text.append(" (when due)" if before == "0s" else f" ({before} before due)", "dim")
    if each["channels"]:
        text.append(f" by {', '.join(each['channels'])}", "default")
    return text


def parsed(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
