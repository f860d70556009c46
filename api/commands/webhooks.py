"""`voicetodo webhooks …`: addresses that are told what happens, and what became of telling them."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from api.commands import find, moments, webhook_listen
from api.commands.client import Client
from api.commands.options import Api, Json, answer, connect
from api.commands.webhook_listen import Events, Told, Workspace, workspace_of
from api.commands.webhook_listening import ENDPOINTS
from api.commands.words import counted, parsed, short, when
from core.errors import NotFound

app = typer.Typer(help="Addresses that are told what happens.", no_args_is_help=True)

URL, EVENTS = "url", "events"  # columns that may take several lines
LOOKED_AT: Final = 100  # of the latest deliveries
STYLES: Final = {"active": "green", "delivered": "green", "pending": "yellow"}

Which = Annotated[str, typer.Argument(help="Of `webhooks list`; its end is enough.", metavar="ID")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]


class Status(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@app.command("list")
def list_(*, workspace: Workspace = None, api: Api = None, as_json: Json = False) -> None:
    """List the addresses, and how they do."""
    with connect(api) as client:
        found = list(client.pages(ENDPOINTS, **workspace_of(client, workspace)))
        now, zone = datetime.now(UTC), "" if as_json else moments.zone_of(client)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("id", URL, EVENTS, "status", "last reached"):
        table.add_column(name, overflow="fold", no_wrap=name not in {URL, EVENTS})
    for each in found:
        table.add_row(
            Text(short(each["id"]), "cyan"),
            Text(each["url"]),
            " ".join(each["events"]),
            _status(each),
            _when(each["last_success_at"], now, zone),
        )
    empty = "None yet: `voicetodo webhooks create URL`"
    answer(found, table if found else empty, as_json=as_json)


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="https, and on the public Internet.")],
    *,
    events: Events = None,
    payload: Told = None,
    description: Description = None,
    workspace: Workspace = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Tell this address what happens. Its secret is shown once: keep it."""
    given = {"events": events or None, "payload": payload, "description": description}
    body = {"url": url} | {name: value for name, value in given.items() if value is not None}
    with connect(api) as client:
        params = workspace_of(client, workspace)
        made = client.send("POST", ENDPOINTS, body, params=params, undoable=False).body
    answer(made, Text(made["url"]), *_secret(made), as_json=as_json)


@app.command()
def show(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """Show one address."""
    with connect(api) as client:
        found = client.get(f"{ENDPOINTS}/{_id(client, which)}")
    answer(found, *_shown(found), as_json=as_json)


@app.command()
def edit(
    which: Which,
    *,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    events: Events = None,
    payload: Told = None,
    description: Description = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Send there again, or no more.")
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Change an address; what is not given stays."""
    status = None if enable is None else ("active" if enable else "disabled")
    given = {
        "url": url,
        "events": events or None,
        "payload": payload,
        "description": description,
        "status": status,
    }
    body = {name: value for name, value in given.items() if value is not None}
    if not body:
        raise typer.BadParameter("say what to change: --url, --events, --payload, --enable …")
    with connect(api) as client:
        path = f"{ENDPOINTS}/{_id(client, which)}"
        changed = client.send("PATCH", path, body, undoable=False).body
    answer(changed, *_shown(changed), as_json=as_json)


@app.command()
def delete(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """Give an address up, with the log of what was sent to it."""
    with connect(api) as client:
        found = _id(client, which)
        client.send("DELETE", f"{ENDPOINTS}/{found}", undoable=False)
    answer({"deleted": found}, "It is told nothing more.", as_json=as_json)


@app.command()
def rotate(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """Make a new secret; for a day everything is signed with the old one as well."""
    with connect(api) as client:
        path = f"{ENDPOINTS}/{_id(client, which)}/rotate-secret"
        made = client.send("POST", path, undoable=False).body
    answer(made, *_secret(made), as_json=as_json)


@app.command("test")
def try_out(which: Which, *, api: Api = None, as_json: Json = False) -> None:
    """Send an event there that says it is a test."""
    with connect(api) as client:
        endpoint_id = _id(client, which)
        sent = client.send("POST", f"{ENDPOINTS}/{endpoint_id}/test", undoable=False).body
    told = f"On its way: `voicetodo webhooks deliveries {short(endpoint_id)}`"
    answer(sent, told, as_json=as_json)


@app.command()
def deliveries(
    which: Which,
    delivery: Annotated[
        str | None, typer.Argument(help="One of them, with its attempts.", metavar="DELIVERY")
    ] = None,
    *,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this type.", metavar="TYPE")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """List what was sent to an address, the newest first; or show one of these."""
    with connect(api) as client:
        path = f"{ENDPOINTS}/{_id(client, which)}/deliveries"
        now, zone = datetime.now(UTC), moments.zone_of(client)
        if delivery is not None:
            found = client.get(f"{path}/{_delivery(client, path, delivery)}")
            answer(found, *_delivered(found, now, zone), as_json=as_json)
            return
        page = client.get(path, status=status, event_type=event, limit=limit)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("id", "when", "event", "status", "attempts", "answer"):
        table.add_column(name)
    for each in page["data"]:
        table.add_row(
            Text(short(each["id"]), "cyan"),
            _when(each["created_at"], now, zone),
            each["event_type"],
            _status(each),
            str(each["attempts"]),
            Text(str(each["status_code"] or each["error"] or "")),
        )
    answer(page, table if page["data"] else "Nothing was sent yet.", as_json=as_json)


@app.command()
def redeliver(
    which: Which,
    delivery: Annotated[
        str | None, typer.Argument(help="Of `webhooks deliveries`.", metavar="DELIVERY")
    ] = None,
    *,
    since: Annotated[
        str | None, typer.Option(help="All since then: RFC 3339.", metavar="TIME")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to then.", metavar="TIME")] = None,
    status: Annotated[
        Status | None, typer.Option(help="Of a range, only these: delivered or failed.")
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Send one again, or all of a time. They keep their ids: a careful receiver does them once."""
    if (delivery is None) == (since is None):
        raise typer.BadParameter("give a delivery, or --since")
    with connect(api) as client:
        path = f"{ENDPOINTS}/{_id(client, which)}"
        if delivery is not None:
            one = _delivery(client, f"{path}/deliveries", delivery)
            sent = client.send("POST", f"{path}/deliveries/{one}/redeliver", undoable=False).body
            answer(sent, "On its way again.", as_json=as_json)
            return
        given = {"since": since, "until": until, "status": status}
        body = {name: value for name, value in given.items() if value is not None}
        sent = client.send("POST", f"{path}/redeliver", body, undoable=False).body
    again = counted(sent["redelivered"], "delivery is", "deliveries are")
    answer(sent, f"{again} on the way again.", as_json=as_json)


app.command()(webhook_listen.listen)


def _id(client: Client, given: str) -> str:
    """Of its id, or the end of it; in one's own workspace and all others."""
    wanted = given.replace("-", "").lower()
    if len(wanted) < find.MIN_CHARS:
        raise typer.BadParameter(f"{given!r} is too short for an id")
    if len(wanted) == find.WHOLE:  # no need to look around
        return given
    found = [
        str(each["id"])
        for workspace in client.pages("/workspaces")
        for each in client.pages(ENDPOINTS, workspace_id=workspace["id"])
        if each["id"].replace("-", "").endswith(wanted)
    ]
    return _one(found, f"webhook {given!r}")


def _delivery(client: Client, path: str, given: str) -> str:
    wanted = given.replace("-", "").lower()
    page = client.get(path, limit=LOOKED_AT)
    found = [each["id"] for each in page["data"] if each["id"].replace("-", "").endswith(wanted)]
    return _one(found, f"delivery {given!r} among the latest {LOOKED_AT}")


def _one(found: list[str], what: str) -> str:
    if len(found) > 1:
        raise typer.BadParameter(f"several end so, name one: {', '.join(found)}")
    if not found:
        raise NotFound(f"there is no {what}")
    return found[0]


def _secret(made: dict[str, Any]) -> list[Text | str]:
    return [
        Text.assemble("id      ", (made["id"], "cyan")),
        Text.assemble("secret  ", (made["secret"], "bold")),
        "[dim]The secret is not shown again.",
    ]


def _shown(endpoint: dict[str, Any]) -> list[Table]:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in endpoint.items():
        if value not in (None, ""):
            table.add_row(name, Text(" ".join(value) if isinstance(value, list) else str(value)))
    return [table]


def _delivered(found: dict[str, Any], now: datetime, zone: str) -> list[Table | Text]:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("attempt", "when", "answer", "took"):
        table.add_column(name)
    for each in found["log"]:
        table.add_row(
            str(each["nth"]),
            _when(each["at"], now, zone),
            Text(str(each["status_code"] or each["error"])),
            f"{each['took_ms']} ms",
        )
    body = found["body"]
    sent = "The body is not kept: not yet, or no more." if body is None else _pretty(body)
    return [Text(f"{found['event_type']}  {found['message_id']}", "bold"), table, Text(sent)]


def _pretty(body: str) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


def _status(of: dict[str, Any]) -> Text:
    reason = of.get("disabled_reason")
    style = STYLES.get(of["status"], "red")
    return Text(of["status"] + (f" ({reason.replace('_', ' ')})" if reason else ""), style)


def _when(instant: str | None, now: datetime, zone: str) -> str:
    return when(parsed(instant), now=now, zone=zone) if instant and zone else ""
