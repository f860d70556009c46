"""`voicetodo webhooks listen`: print deliveries as they come in, and whether they are genuine."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.commands import webhook_listening, webhook_signatures, workspaces
from api.commands.client import Client
from api.commands.options import Api, Json, connect, load_settings
from api.commands.webhook_listening import Delivery

Events = Annotated[
    list[str] | None,
    typer.Option("--events", help="`todo.completed`, `todo.*`, `*`; several times.", metavar="T"),
]
Workspace = Annotated[
    str | None, typer.Option(help="Its name or id; else your own.", metavar="WORKSPACE")
]


class Payload(StrEnum):
    THIN = "thin"
    FULL = "full"


Told = Annotated[
    Payload | None, typer.Option("--payload", help="With the whole object, or its id alone.")
]


def listen(
    *,
    events: Events = None,
    payload: Told = None,
    workspace: Workspace = None,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="VOICETODO_WEBHOOK_SECRET",
            help="Of an endpoint of yours (`whsec_…`, or its public key `whpk_…`): make none, "
            "receive on --port what a tunnel brings there.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --secret: where to listen; 0: a free one.")
    ] = 0,
    forward: Annotated[
        str | None, typer.Option(help="Hand each on to this address.", metavar="URL")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="End after so many; else with Ctrl-C.")
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> int:
    """Print deliveries as they come in, and whether their signatures hold.

    In the dev profile it makes an endpoint for as long as it runs, at a receiver of the sandbox.
    With --secret it listens on a port of this machine. Exit code 1 if any signature did not hold.
    """
    seen = _Seen(forward, count, as_json=as_json)
    with webhook_listening.ending() as over:
        if secret is not None:
            if not webhook_signatures.is_key(secret):
                raise typer.BadParameter("a secret is written `whsec_…`, a public key `whpk_…`")
            _at_port(seen, port, secret, over)
            return int(seen.any_fault)
        if port:
            raise typer.BadParameter("--port goes with --secret")
        settings = load_settings()
        if not settings.dev:
            raise typer.BadParameter(
                "only the dev profile has a sandbox: create an endpoint at a tunnel to this "
                "machine, and give its --secret and the --port"
            )
        given = {"events": events or None, "payload": payload}
        body = {"events": ["*"]} | {name: each for name, each in given.items() if each is not None}
        with (
            connect(api) as client,
            webhook_listening.at_sandbox(
                client, settings.sandbox_url, body, workspace_of(client, workspace), over
            ) as came,
        ):
            seen.say(f"Listening for {' '.join(body['events'])}; Ctrl-C ends it.")
            seen.all(came)
    return int(seen.any_fault)


class _Seen:
    """Shows each delivery, hands it on, and knows when it has been enough."""

    def __init__(self, forward: str | None, count: int | None, *, as_json: bool) -> None:
        self.any_fault = False
        self._forward, self._left, self._as_json = forward, count, as_json

    def all(self, came: Iterator[Delivery]) -> None:
        for delivery in came:
            self.any_fault |= delivery.fault is not None
            handed_on = self._forward and webhook_listening.forward(delivery, self._forward)
            self._show(delivery, handed_on)
            if self._left is not None:
                self._left -= 1
                if not self._left:
                    return

    def say(self, text: str) -> None:
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text, "dim"))

    def _show(self, delivery: Delivery, handed_on: str | None) -> None:
        if self._as_json:
            told = {
                "verified": delivery.fault is None,
                "fault": delivery.fault,
                "forwarded": handed_on,
                "id": delivery.headers.get("webhook-id"),
                "payload": delivery.payload,
            }
            sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        payload = delivery.payload
        kind = payload.get("type", "?") if isinstance(payload, dict) else "?"
        verdict = Text("verified", "green") if delivery.fault is None else Text("not ours", "red")
        line = Text.assemble(
            (f"{datetime.now():%H:%M:%S} ", "dim"),  # noqa: DTZ005 - the clock on this machine's wall
            (str(kind), "bold"),
            "  ",
            verdict,
            (f"  {delivery.headers.get('webhook-id', '')}", "dim"),
        )
        if delivery.fault:
            line.append(f"  {delivery.fault}", "red")
        if handed_on:
            line.append(f"  forwarded: {handed_on}")
        console = Console(highlight=False, soft_wrap=True)
        console.print(line)
        console.print(Text(json.dumps(payload, indent=2, ensure_ascii=False)))


def _at_port(seen: _Seen, port: int, secret: str, over: Event) -> None:
    try:
        with webhook_listening.at_port(port, secret, over) as (url, came):
            seen.say(f"Listening at {url}; Ctrl-C ends it.")
            seen.all(came)
    except OSError as error:
        raise typer.BadParameter(f"port {port} cannot be used: {error.strerror}") from error


def workspace_of(client: Client, given: str | None) -> dict[str, str]:
    """As a query: nothing for one's own."""
    return {} if given is None else {"workspace_id": workspaces.id_of(client, given)}
