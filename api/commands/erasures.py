"""`voicetodo erase | verify-receipt` and `voicetodo admin erasures`."""
# ruff: noqa: PLC0415 - imports inside commands: SQLAlchemy and psycopg cost `--help` half a second

import asyncio
import json
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from api.commands import database
from api.commands.accounts import ask_password
from api.commands.options import Api, Json, answer, connect, load_settings
from api.commands.words import counted
from core.errors import Conflict, Invalid, Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

admin = typer.Typer(help="Accounts that are being erased.", no_args_is_help=True)


def erase(
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what would go, and what stays.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Keep the account after all.")] = False,
    grace: Annotated[
        int, typer.Option(help="Days during which it can be cancelled.", min=0, max=30)
    ] = 14,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Erase your account, everywhere; or see what that takes, or change your mind."""
    with connect(api) as client:
        if cancel:
            client.send("DELETE", "/me/erasure")
            answer({"cancelled": True}, "Your account stays as it is.", as_json=as_json)
            return
        found = client.get("/me/erasure/preview")
        if preview:
            answer(found, *_shown(found), as_json=as_json)
            return
        if not as_json:
            answer(found, *_shown(found), as_json=False)
        if not yes:
            typer.confirm("Erase all of it?", abort=True, err=True)
        body: dict[str, Any] = {"grace_days": grace}
        if client.get("/me")["email"]:
            body["password"] = ask_password(again=False)
        asked = client.send("POST", "/me/erasure", body).body
        receipt = f"{client.api}/api/v1/erasure-receipts/{asked['receipt_id']}"
        when = "It begins now." if grace == 0 else f"It begins at {asked['due_at']}; until then,"
        rest = "" if grace == 0 else " `voicetodo erase --cancel` keeps your account."
        answer(
            asked, f"{when}{rest}", f"Keep this address for the receipt: {receipt}", as_json=as_json
        )


def verify_receipt(
    receipt: Annotated[str, typer.Argument(help="A file, or the id of a receipt.")],
    *,
    key: Annotated[
        str | None,
        typer.Option(help="The server's public key, base64; default: of this installation's keys."),
    ] = None,
    api: Api = None,
    as_json: Json = False,
) -> None:
    """Check that a receipt is signed and unchanged; a file needs no server."""
    from core.rules import receipts

    document = _document(receipt, api)
    public = _public_key(key)
    if not document.get("signature"):
        raise Conflict("this erasure is not done: there is no signature yet")
    if not receipts.verifies(public, document):
        raise Invalid("the signature does not fit: it was changed, or signed by another key")
    told = {"valid": True, "id": document["id"], "public_key": receipts.public_key(public)}
    line = f"Receipt {document['id']} of {document['issued_at']} is genuine and unchanged."
    answer(told, line, as_json=as_json)


def _document(receipt: str, api: str | None) -> dict[str, Any]:
    path = Path(receipt)
    if not path.is_file():
        with connect(api) as client:
            found: dict[str, Any] = client.get(f"/erasure-receipts/{receipt}")
            return found
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Misconfigured(f"{path} is no receipt: it is not JSON") from error
    if not isinstance(document, dict) or not {"id", "issued_at", "stores"} <= document.keys():
        raise Misconfigured(f"{path} is no receipt")
    return document


def _public_key(text: str | None) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from core import keys

    if text is None:
        return keys.load(load_settings()).signing.public_key()
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except (Base64Error, ValueError) as error:
        raise Misconfigured("--key is 32 bytes in base64, as receipts say them") from error


def _shown(found: dict[str, Any]) -> list[Table | str]:
    goes = Table("what goes", "how many", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, count in found["goes"].items():
        goes.add_row(name.replace("_", " "), f"{count:,}")
    goes.add_row("recordings", f"{found['recordings']:,}")
    keeps = Table("what is kept", "how many", "why", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in found["keeps"]:
        keeps.add_row(each["what"].replace("_", " "), f"{each['count']:,}", each["why"])
    told = ", ".join(found["told"]) or "none"
    return [goes, keeps, f"Services that are asked to forget: {told}"]


@admin.command("list")
def list_erasures(*, as_json: Json = False) -> None:
    """Show those that wait or run, store by store."""
    from core.services import erasures

    found = [asdict(each) for each in database.in_transaction(erasures.open_)]
    view = Table("id", "status", "due", "at", "after", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in found:
        at = [name for name, step in each["steps"].items() if step.get("state") != "done"]
        why = [str(each["steps"][name].get("problem") or "") for name in at]
        due = f"{each['due_at']:%Y-%m-%d %H:%M}"
        view.add_row(str(each["id"]), each["status"], due, ", ".join(at), ", ".join(why))
    answer(found, view, as_json=as_json)


@admin.command()
def reapply(*, as_json: Json = False) -> None:
    """After a backup was restored: erase again whoever had been erased before."""
    count = asyncio.run(_reapply())
    back = counted(count, "erased account was", "erased accounts were")
    line = f"{back} in the database again; the worker erases what came back."
    answer({"accounts": count}, line if count else "Nobody came back.", as_json=as_json)


async def _reapply() -> int:
    from integrations import blob_stores, erasure_ledger

    blobs = blob_stores.opened(load_settings())
    try:
        async with database.opened("vt_eraser") as opened:
            return await erasure_ledger.reapply(opened, blobs, everyone=True)
    finally:
        await blobs.aclose()
