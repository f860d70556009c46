"""`voicetodo integrations …`: Google Calendar and Slack, connected, set and looked at."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from api.commands import find, integration_connecting, integration_following, jobs, moments
from api.commands.client import Client
from api.commands.integration_connecting import INTEGRATIONS, Service
from api.commands.options import Api, Json, answer, connect
from api.commands.webhook_listen import Workspace, workspace_of
from api.commands.words import counted, parsed, short, when
from core.errors import NotFound, Rejected

app = typer.Typer(help="Google Calendar and Slack.", invoke_without_command=True)

NAMES: Final = {"google_calendar": "Google Calendar", "slack": "Slack"}
BY_THE_PERSON: Final = "me"  # where digests go, instead of a channel

Which = Annotated[
    str,
    typer.Argument(
        help="Of `integrations`: its id or the end of it, or google-calendar, slack.", metavar="ID"
    ),
]


class Events(StrEnum):
    ALL = "all"
    TAGGED = "tagged"
    NONE = "none"


@app.callback()
def integrations(context: typer.Context, *, api: Api = None, as_json: Json = False) -> None:
    """List what is connected, and how it does."""
    if context.invoked_subcommand is not None:
        return
    with connect(api) as client:
        found = client.get(INTEGRATIONS)["data"]
        now, zone = datetime.now(UTC), "" if as_json else moments.zone_of(client)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("id", "service", "account", "status", "last synced"):
        table.add_column(name, overflow="fold", no_wrap=name != "account")
    for each in found:
        synced = each["sync"]["last_synced_at"] if each["sync"] else None
        table.add_row(
            Text(short(each["id"]), "cyan"),
            NAMES[each["provider"]],
            Text(each["name"]),
            _status(each),
            when(parsed(synced), now=now, zone=zone) if synced else "",
        )
    empty = "Nothing yet: `voicetodo integrations connect google-calendar`"
    answer(found, table if found else empty, as_json=as_json)


@app.command("connect")
def connect_(
    service: Annotated[Service, typer.Argument(help="google-calendar or slack.")],
    *,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="Allow it at the sandbox, without a browser.")
    ] = False,
    account: Annotated[
        str | None, typer.Option(help="With --approve: whose, at the sandbox.", metavar="NAME")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until it is allowed.")] = True,
    workspace: Workspace = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Connect an account: prints the page that asks for it, and waits until it was allowed."""
    with connect(api) as client:
        params = workspace_of(client, workspace)
        begun = integration_connecting.begin(client, service, params)
        if approve:
            integration_connecting.approve(begun.url, account)
        elif not wait:
            answer({"authorize_url": begun.url}, Text(begun.url), as_json=as_json)
            return
        else:
            integration_connecting.show(begun.url, open_it=open_it)
        made = integration_connecting.awaited(client, begun)
    answer(made, Text(f"{NAMES[made['provider']]} is connected: {made['name']}"), as_json=as_json)


@app.command()
def show(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """Show one: its account, what it may do, how it is set and how it does."""
    with connect(api) as client:
        found = _found(client, which)
        now, zone = datetime.now(UTC), "" if as_json else moments.zone_of(client)
    answer(found, _details(found, now=now, zone=zone), as_json=as_json)


@app.command()
def disconnect(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """End it: the service is told, and the access is deleted. Todos and events stay."""
    with connect(api) as client:
        found = _found(client, which)
        client.send("DELETE", f"{INTEGRATIONS}/{found['id']}", undoable=False)
    answer({"id": found["id"]}, f"{NAMES[found['provider']]} is disconnected.", as_json=as_json)


@app.command("set")
def set_(
    which: Which,
    *,
    calendar: Annotated[
        str | None, typer.Option(help="Its id or name: `integrations calendars`.")
    ] = None,
    events: Annotated[
        Events | None, typer.Option(help="Which events become todos; tagged: those with #todo.")
    ] = None,
    digest_channel: Annotated[
        str | None,
        typer.Option(help=f"Slack: where digests go, C…; `{BY_THE_PERSON}`: to you."),
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Choose the calendar, which events become todos, or where Slack's digests go."""
    body: dict[str, Any] = {}
    if events is not None:
        body["events_become_todos"] = events
    if digest_channel is not None:
        body["digest_channel"] = None if digest_channel == BY_THE_PERSON else digest_channel
    with connect(api) as client:
        found = _found(client, which)
        if calendar is not None:
            chosen = _calendar(client, found["id"], calendar)
            body |= {"calendar_id": chosen["id"], "calendar_name": chosen["name"]}
        if not body:
            raise typer.BadParameter("give one of --calendar, --events, --digest-channel")
        changed = client.send("PATCH", f"{INTEGRATIONS}/{found['id']}", body).body
        now, zone = datetime.now(UTC), "" if as_json else moments.zone_of(client)
    answer(changed, _details(changed, now=now, zone=zone), as_json=as_json)


@app.command()
def calendars(which: Which = "google-calendar", *, api: Api = None, as_json: Json = False) -> None:
    """List the calendars of the account; one of them is kept in step."""
    with connect(api) as client:
        found = _found(client, which)
        each_one = client.get(f"{INTEGRATIONS}/{found['id']}/calendars")["data"]
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "name", "id", "zone"):
        table.add_column(name, overflow="fold")
    chosen = found["settings"]["calendar_id"]
    for each in each_one:
        mine = each["id"] == chosen or (each["primary"] and chosen == "primary")
        mark = "*" if mine else "" if each["writable"] else "read only"
        table.add_row(mark, Text(each["name"]), Text(each["id"], "dim"), each["timezone"])
    answer(each_one, table, as_json=as_json)


@app.command()
def sync(which: Which = "google-calendar", *, api: Api = None, as_json: Json = False) -> None:
    """Bring calendar and todos in step now, and watch it."""
    with connect(api) as client:
        found = _found(client, which)
        begun = client.send("POST", f"{INTEGRATIONS}/{found['id']}/sync", undoable=False).body
        job = jobs.watch(client, begun, "syncing", _figures)
    if job["status"] != "succeeded":
        raise Rejected(job["error"] or f"the sync was {job['status']}")
    figures = _figures(job)
    answer(job, f"In step: {figures}" if figures else "In step.", as_json=as_json)


@app.command()
def activity(
    which: Which,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Tell what it read, wrote, left alone and could not do, and why. Newest last."""
    with connect(api) as client:
        found = _found(client, which)
        path = f"{INTEGRATIONS}/{found['id']}/activity"
        zone = "" if as_json else moments.zone_of(client)
        integration_following.tell(
            client, path, limit=limit, follow=follow, zone=zone, as_json=as_json
        )


@app.command()
def quarantine(
    which: Which = "google-calendar",
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Delete them here, too.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them, and bring them back.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """List the deletions that wait for you, as too many came at once; or decide."""
    if apply and keep:
        raise typer.BadParameter("give one of --apply, --keep")
    with connect(api) as client:
        found = _found(client, which)
        path = f"{INTEGRATIONS}/{found['id']}/quarantine"
        if apply or keep:
            decision = {"decision": "apply" if apply else "keep"}
            done = client.send("POST", path, decision, undoable=False).body
            answer(done, "Done with the next sync.", as_json=as_json)
            return
        waiting = client.get(path)["data"]
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("deleted", "what"):
        table.add_column(name)
    for each in waiting:
        table.add_row("here" if each["deleted"] == "todo" else "there", Text(each["title"] or ""))
    answer(waiting, table if waiting else "Nothing waits.", as_json=as_json)


def _found(client: Client, which: str) -> dict[str, Any]:
    """By its id, the end of that, or its service where there is one of it."""
    plain = which.replace("-", "").lower()
    named = {service.value.replace("-", "") for service in Service}
    ends = find.MIN_CHARS <= len(plain) <= find.WHOLE
    found = [
        each
        for each in client.get(INTEGRATIONS)["data"]
        if each["provider"].replace("_", "") == plain
        or (plain not in named and ends and each["id"].replace("-", "").endswith(plain))
    ]
    if len(found) > 1:
        ids = ", ".join(short(each["id"]) for each in found)
        raise typer.BadParameter(f"several are meant by {which!r}, name one: {ids}")
    if not found:
        raise NotFound(f"{which} is not connected: `voicetodo integrations`")
    one: dict[str, Any] = found[0]
    return one


def _calendar(client: Client, integration_id: str, wanted: str) -> dict[str, Any]:
    for each in client.get(f"{INTEGRATIONS}/{integration_id}/calendars")["data"]:
        if wanted == each["id"] or wanted.lower() == each["name"].lower():
            if not each["writable"]:
                raise Rejected(f"{each['name']} can only be read: choose another calendar")
            chosen: dict[str, Any] = each
            return chosen
    raise NotFound(f"there is no calendar {wanted!r}: `voicetodo integrations calendars`")


def _status(each: dict[str, Any]) -> Text:
    if each["status"] != "active":
        return Text(each["status"].replace("_", " "), "red")
    told = each["sync"] or {}
    if told.get("problem"):  # which one, `show` tells
        return Text("paused", "red") if told["state"] == "paused" else Text("waits", "yellow")
    if told.get("quarantined"):
        return Text(counted(told["quarantined"], "deletion waits", "deletions wait"), "yellow")
    return Text("active", "green")


def _details(each: dict[str, Any], *, now: datetime, zone: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    rows: list[tuple[str, str | Text | None]] = [
        ("id", each["id"]),
        ("service", NAMES[each["provider"]]),
        ("account", Text(each["name"])),
        ("status", _status(each)),
        ("problem", each["problem"]),
        ("may", Text("\n".join(each["scopes"]))),
    ]
    for name, value in each["settings"].items():
        rows.append((name.replace("_", " "), Text(str(value)) if value else None))
    if zone and (told := each["sync"]):
        done = told["progress"]
        rows.append(("sync", told["state"] if done is None else f"{done:.0%}"))
        rows.append(("trouble", told["problem"]))
        if told["last_synced_at"]:
            rows.append(("last synced", when(parsed(told["last_synced_at"]), now=now, zone=zone)))
    for name, value in rows:
        if value:
            table.add_row(name, value)
    return table


def _figures(job: dict[str, Any]) -> str:
    done, total = (job["result"].get(name, 0) for name in ("done", "total"))
    return f"{done} of {total}" if total else ""
