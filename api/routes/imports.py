"""Files that people bring: sent, tried out, told of row by row, taken back."""

import hashlib
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException

from api import files, forms, idempotency, pages, query, receiving, versions
from api.files import File
from api.multipart import Part
from api.paths import V1
from api.recordings import Shelf
from api.schemas.imports import (
    FORMATS,
    Import,
    ImportedRow,
    ImportedRowPage,
    ImportFields,
    ImportPage,
    ImportResult,
    Migrated,
    TakeBack,
)
from api.streaming import Stream, Streaming
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core import faults
from core.errors import Invalid
from core.ids import uuid7
from core.models.imports import Outcome
from core.rules.importing import reading
from core.rules.importing.records import MAX_BYTES, Format, Item, Rejected, Scene
from core.services import import_steps, imports, throttles
from core.services.imports import Draft
from core.services.workspaces import Access, place

router = APIRouter(prefix=f"{V1}/imports", tags=["imports"], route_class=Authenticated)
browser = APIRouter(prefix=f"{V1}/imports/browser", tags=["imports"], route_class=Authenticated)
streams = APIRouter(prefix=f"{V1}/imports", tags=["imports"], route_class=Streaming)

FILE: Final = "file"
MOST_AT_ONCE: Final = 500
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": [FILE],
    "additionalProperties": False,
    "properties": {
        FILE: {"type": "string", "format": "binary", "description": "At most 64 MiB"},
        "format": {"type": "string", "enum": list(Format), "description": FORMATS},
        "dry_run": {"type": "boolean", "default": False},
        "again": {
            "type": "boolean",
            "default": False,
            "description": "Make again what was imported before and deleted since",
        },
    },
}
TODOS: Final = {"type": "array", "items": {}, "maxItems": MOST_AT_ONCE}  # each is told on its own
DOCUMENT: Final[dict[str, Any]] = {
    "description": "What the browser keeps: `{todos, preferences}`, or the array of todos alone",
    "oneOf": [
        {"type": "object", "required": ["todos"], "properties": {"todos": TODOS}},
        TODOS,
    ],
    "example": {
        "todos": [
            {"id": "1700000000000", "text": "Water the plants", "completed": False},
        ],
    },
}
TOLD: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Import"}}}
_IMPORT: Final = TypeAdapter(Import)
_MIGRATED: Final = TypeAdapter(Migrated)


def answer(told: Import) -> Response:
    """202 while something is under way."""
    headers = {"Location": f"/api/v1/imports/{told.id}"}
    return Response(_IMPORT.dump_json(told), 202, headers, "application/json")


@streams.post(
    "",
    operation_id="import_data",
    status_code=202,
    response_class=Response,
    responses={
        202: {"description": "It is kept, and being worked on", "content": TOLD},
        408: {"description": "The upload stalls, or is too slow"},
        415: {"description": "No multipart/form-data"},
    },
    openapi_extra={
        **query.documented(InWorkspace),
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}},
    },
)
async def import_data(visit: Stream) -> Response:
    """Bring a file. What a row of it made once, no later file makes again.

    Rows that cannot be read are told with their lines and lose no others; with `dry_run` nothing
    is made, and the report says what would be.
    """
    async with visit.opening() as tx:
        await place(tx, visit.actor, visit.workspace_id, Access.WRITE, now=visit.now)
        throttles.hit(tx, receiving.uploads(visit))
        shelf = await _shelf(visit).of(tx, visit.actor.user_id)
    kept, fields = await _received(visit, shelf)
    faults.point("after_blob_before_row")
    asked = fields.model_dump_json().encode() + visit.scope["query_string"] + kept.sha256
    digest = hashlib.sha256(asked).digest()
    visit.claim = idempotency.claim_of(visit, visit.actor.user_id, digest)
    draft = Draft(
        kept.id,
        fields.format,
        fields.dry_run,
        fields.again,
        kept.name,
        kept.size,
        kept.sha256,
        kept.blob,
        kept.blob_key,
    )
    async with _shelf(visit).unless_refused(kept.blob), visit.writing() as tx:
        seen = await imports.receive(tx, visit.actor, visit.workspace_id, draft, now=tx.began_at)
        told = answer(Import.of(seen))
        if visit.claim is not None:
            idempotency.store(tx, visit.claim, told)
    return told


@browser.post(
    "",
    operation_id="migrate_browser",
    status_code=201,
    response_model=Migrated,
    responses={415: {"description": "No application/json"}},
    openapi_extra={
        **query.documented(InWorkspace),
        "requestBody": {"required": True, "content": {"application/json": {"schema": DOCUMENT}}},
    },
)
async def migrate_browser(visit: Visit) -> Response:
    """All that a browser kept, at once: answers which of its ids became which todo.

    Again, it answers the same. At most 500 todos; more go as a file to `POST /imports`.
    """
    if not visit.headers.get("content-type", "").startswith("application/json"):
        raise HTTPException(415, "send application/json")
    body = await visit.body()
    digest = hashlib.sha256(body).digest()
    now = visit.tx.began_at
    draft = Draft(
        uuid7(),
        Format.LOCALSTORAGE,
        False,
        False,
        None,
        len(body),
        digest,
        None,
        None,
    )
    work = await imports.begin_here(visit.tx, visit.actor, visit.workspace_id, draft, now=now)
    scene = Scene(now, (await visit.tx.person()).timezone)
    items = _items(body, scene)
    made = await import_steps.write_here(visit.tx, work, items, now=now)
    todos = {
        line.ref: line.todo_id
        for line in made.wrote.lines
        if line.ref is not None and line.todo_id is not None
    }
    told = Migrated(draft.id, todos, ImportResult.of(made.work.report))
    headers = {"Location": f"/api/v1/imports/{draft.id}"}
    return Response(_MIGRATED.dump_json(told), 201, headers, "application/json")


@router.get("", operation_id="list_imports", openapi_extra=query.documented(InWorkspace))
async def list_imports(
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> ImportPage:
    """What I brought to a workspace, newest first; for 30 days."""
    there = await place(visit.tx, visit.actor, visit.workspace_id, Access.READ, now=visit.now)
    question = f"imports {visit.actor.user_id} {there.workspace_id}"
    before = pages.moment(visit, question, cursor)
    found = await imports.page(
        visit.tx, visit.actor, there.workspace_id, before=before, limit=limit
    )
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.row.created_at, each.row.id]
    )
    told = [Import.of(seen) for seen in data]
    return ImportPage(told, next_cursor, has_more=next_cursor is not None)


@router.get(
    "/{import_id}",
    operation_id="get_import",
    response_model=Import,
    responses=versions.NOT_MODIFIED,
)
async def get_import(visit: Visit, import_id: UUID, response: Response) -> Import | Response:
    """How far it is, and the report. `If-None-Match` makes asking again cheap."""
    told = Import.of(await imports.get(visit.tx, visit.actor, import_id))
    if versions.unchanged(visit, response, told.etag):
        return Response(status_code=304, headers={"ETag": told.etag})
    return told


@router.get("/{import_id}/rows", operation_id="list_import_rows")
async def list_import_rows(
    visit: Visit,
    import_id: UUID,
    response: Response,
    outcome: Annotated[Outcome | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> ImportedRowPage:
    """What became of each row, in the order of the file."""
    question = f"import rows {visit.actor.user_id} {import_id} {outcome}"
    after = 0 if cursor is None else int(pages.unseal(visit, question, cursor))
    found = await imports.lines(
        visit.tx, visit.actor, import_id, outcome=outcome, after=after, limit=limit
    )
    data, next_cursor = pages.cut(visit, response, question, found, limit, lambda each: each.n)
    told = [ImportedRow.of(line) for line in data]
    return ImportedRowPage(told, next_cursor, has_more=next_cursor is not None)


@router.post(
    "/{import_id}/undo",
    operation_id="undo_import",
    status_code=202,
    response_class=Response,
    responses={202: {"description": "It is being taken back", "content": TOLD}},
)
async def undo_import(visit: Visit, import_id: UUID, body: TakeBack | None = None) -> Response:
    """Take back what it made, within 30 days. Twice is once.

    409 names what was changed since; `keep_changed` keeps that, and takes back all else.
    """
    seen = await imports.undo(
        visit.tx,
        visit.actor,
        import_id,
        keep_changed=body is not None and body.keep_changed,
        now=visit.tx.began_at,
    )
    return answer(Import.of(seen))


def _shelf(visit: Visit) -> Shelf:
    found: Shelf = visit.app.state.import_shelf
    return found


def _items(body: bytes, scene: Scene) -> list[Item]:
    """Raises `Invalid` for no document of a browser, and for one that is too large for this."""
    items = []
    for item in reading.read(io.BytesIO(body), format=Format.LOCALSTORAGE, scene=scene):
        if isinstance(item, Rejected) and item.line == 0:
            raise Invalid(item.reason, pointer="", code=item.code)
        items.append(item)
        if len(items) > MOST_AT_ONCE:
            detail = f"at most {MOST_AT_ONCE} todos at once: send more as a file to POST /imports"
            raise Invalid(detail, pointer="/todos", code="too_many")
    return items


async def _received(visit: Stream, shelf: Shelf) -> tuple[File, ImportFields]:
    async def keep(part: Part, data: AsyncIterator[bytes]) -> File:
        return await files.keep(shelf, visit.workspace_id, _name(part), data)

    return await forms.received(visit, shelf, ImportFields, file=FILE, most=MAX_BYTES, keep=keep)


def _name(part: Part) -> str | None:
    _, options = parse_options_header(part.headers.get("content-disposition", ""))
    name: bytes = options.get(b"filename", b"")
    return files.shown(name.decode("utf-8", "replace"))
