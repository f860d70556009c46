"""How the command line connects an account: a page, a person or the sandbox, and waiting."""

import time
import webbrowser
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
from rich.console import Console
from rich.text import Text

from api.commands.client import Client, Unreachable
from core.errors import Misconfigured, Rejected

INTEGRATIONS: Final = "/integrations"
LOOK_S: Final = 2.0  # 30 a minute; a person may ask 100 times
PATIENCE_S: Final = 600.0  # the page is good for ten minutes
TIMEOUT_S: Final = 30.0
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Service(StrEnum):
    GOOGLE_CALENDAR = "google-calendar"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Begun:
    """A page that asks; `before` is what was connected then, and since when."""

    service: Service
    url: str
    before: frozenset[tuple[str, str]]


def begin(client: Client, service: Service, params: dict[str, Any]) -> Begun:
    before = frozenset((each["id"], each["updated_at"]) for each in _of(client, service))
    path = f"{INTEGRATIONS}/{service}/connect"
    begun = client.send("POST", path, params=params, undoable=False).body
    return Begun(service, begun["authorize_url"], before)


def show(url: str, *, open_it: bool) -> None:
    """On stderr, apart from what is answered."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("Allow it here; this command waits:")
    console.print(Text(url, "cyan"))
    if open_it:
        webbrowser.open(url)


def approve(url: str, account: str | None) -> None:
    """Say yes at the sandbox, and follow it back to the server. Raises `Rejected` where it fails.

    Nobody can say yes for a person at a real provider: `Misconfigured`.
    """
    if urlsplit(url).hostname not in LOOPBACK:
        raise Misconfigured("--approve is for the sandbox: open the page in a browser")
    given = {"approve": "1"} | ({"account": account} if account else {})
    try:
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=True) as http:
            answer = http.get(f"{url}&{urlencode(given)}")
    except httpx2.TransportError as error:
        raise Unreachable("no answer from the sandbox: is it running?") from error
    if not answer.is_success:
        raise Rejected(f"it was not connected ({answer.status_code})")


def awaited(client: Client, begun: Begun) -> dict[str, Any]:
    """The connection that came of it. Raises `Rejected` when nothing comes in ten minutes."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        for each in _of(client, begun.service):
            if (each["id"], each["updated_at"]) not in begun.before:
                return each
        if time.monotonic() > ends:
            raise Rejected("nobody allowed it within ten minutes: begin again")
        time.sleep(LOOK_S)


def _of(client: Client, service: Service) -> list[dict[str, Any]]:
    provider = service.value.replace("-", "_")
    data: list[dict[str, Any]] = client.get(INTEGRATIONS)["data"]
    return [each for each in data if each["provider"] == provider]
