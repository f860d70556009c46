"""`voicetodo register | login | logout | whoami`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import Api, Json, answer, connect
from core.rules import zones

Email = Annotated[str, typer.Option(prompt="E-mail", help="Asked for when missing.")]


def register(
    *,
    email: Email,
    name: Annotated[str | None, typer.Option(help="How you are called.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone; default: this machine's.")] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Make an account and sign in."""
    body = {
        "email": email,
        "password": ask_password(again=True),
        "timezone": zone or machine_zone(),
    }
    if name:
        body["name"] = name
    with connect(api) as client:
        user = client.sign_in("/auth/register", body)
        answer(user, f"Welcome, {email}. You are signed in at {client.api}.", as_json=as_json)


def login(*, email: Email, api: Api = None, as_json: Json = False) -> None:
    """Sign in."""
    body = {"email": email, "password": ask_password(again=False)}
    with connect(api) as client:
        user = client.sign_in("/auth/login", body)
        answer(user, f"Signed in as {email} at {client.api}.", as_json=as_json)


def logout(*, api: Api = None, as_json: Json = False) -> None:
    """Sign out, here and at the server."""
    with connect(api) as client:
        client.sign_out()
        answer({"signed_out": True}, f"Signed out of {client.api}.", as_json=as_json)


def whoami(*, api: Api = None, as_json: Json = False) -> None:
    """Tell who is signed in."""
    with connect(api) as client:
        user = client.get("/me")
        shown = f"{user['email'] or 'an anonymous account'} at {client.api}, in {user['timezone']}"
        answer(user, shown, as_json=as_json)


def machine_zone() -> str:
    """The IANA zone of this machine: TZ, else what /etc/localtime points to, else UTC."""
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    target = str(Path("/etc/localtime").resolve())
    candidates.append(
        target.partition("/zoneinfo/")[2] or target.partition("/zoneinfo.default/")[2]
    )
    return next((name for name in candidates if name in zones.known()), "UTC")


def ask_password(*, again: bool) -> str:
    """Of VOICETODO_PASSWORD, of stdin, or asked for."""
    given = os.environ.get("VOICETODO_PASSWORD")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    # On stderr, so that stdout stays what a script reads.
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=again, err=True)
    return asked
