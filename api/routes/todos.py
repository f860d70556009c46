from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from api import pages, query, versions
from api.paths import V1
from api.schemas.todos import (
    ClientId,
    DeleteQuery,
    EditQuery,
    MoveBody,
    TodoBody,
    TodoPatch,
    TodoQuery,
)
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.errors import NotFound
from core.services import todo_pages, todos
from core.services.series import Scope
from core.services.todo_pages import After, TodoPage
from core.services.todo_rows import Todo

router = APIRouter(prefix=f"{V1}/todos", tags=["todos"], route_class=Authenticated)

FIELDS = frozenset(field.name for field in fields(Todo))


@dataclass(frozen=True, slots=True)
class Completed:
    """`next` is the next occurrence of a recurring todo."""

    completed: Todo
    next: Todo | None


@router.get("", operation_id="list_todos", openapi_extra=query.documented(TodoQuery))
async def list_todos(visit: Visit, response: Response) -> TodoPage:
    """Todos of all statuses unless asked, a page at a time."""
    asked = query.read(TodoQuery, visit)
    workspace_id = asked.workspace_id or visit.actor.user_id
    filters = asked.to_filters(visit.actor.user_id)
    # A cursor continues this question only: the same person, place, order and filters.
    question = f"todos {visit.actor.user_id} {workspace_id} {asked.sort} {filters}"
    after = _after(pages.unseal(visit, question, asked.cursor)) if asked.cursor else None
    found = await todo_pages.page(
        visit.tx,
        visit.actor,
        filters,
        workspace_id=workspace_id,
        sort=asked.sort,
        after=after,
        limit=asked.limit,
    )
    next_cursor = None
    if len(found) > asked.limit:
        del found[asked.limit :]
        last = todo_pages.position_of(found[-1], asked.sort)
        next_cursor = pages.seal(visit, question, [last.key, last.id])
        pages.next_link(visit, response, next_cursor)
    page = TodoPage(found, next_cursor, has_more=next_cursor is not None)
    if asked.fields is not None:
        return pages.only(response, TodoPage, page, asked.fields, known=FIELDS)  # type: ignore[return-value]  # FastAPI sends a Response as it is; only the shape of each row differs
    return page


@router.post(
    "", status_code=201, operation_id="create_todo", openapi_extra=query.documented(InWorkspace)
)
async def create_todo(visit: Visit, body: TodoBody, response: Response) -> Todo:
    todo = await todos.create(
        visit.tx, visit.actor, body.to_draft(), workspace_id=visit.workspace_id, now=visit.now
    )
    response.headers["Location"] = f"/api/v1/todos/{todo.id}"
    response.headers["ETag"] = todo.etag
    return todo


@router.get("/{todo_id}", operation_id="get_todo", responses=versions.NOT_MODIFIED)
async def get_todo(visit: Visit, todo_id: UUID, response: Response) -> Todo:
    todo = await todo_pages.get(visit.tx, visit.actor, todo_id)
    if versions.unchanged(visit, response, todo.etag):
        return Response(status_code=304, headers={"ETag": todo.etag})  # type: ignore[return-value]  # as it is
    return todo


@router.patch("/{todo_id}", operation_id="update_todo", openapi_extra=query.documented(EditQuery))
async def update_todo(
    visit: Visit,
    todo_id: UUID,
    body: TodoPatch,
    response: Response,
    if_match: versions.IfMatch = None,
) -> Todo:
    """JSON Merge Patch (RFC 7396): null clears, absent keeps."""
    todo = await todos.edit(
        visit.tx,
        visit.actor,
        todo_id,
        body.changes(),
        scope=query.read(EditQuery, visit).scope,
        if_version=versions.wanted(if_match),
        now=visit.now,
    )
    response.headers["ETag"] = todo.etag
    return todo


@router.put(
    "/{todo_id}",
    operation_id="replace_todo",
    openapi_extra=query.documented(InWorkspace),
    responses={201: {"description": "Created", "model": Todo}},
)
async def replace_todo(
    visit: Visit,
    todo_id: ClientId,
    body: TodoBody,
    response: Response,
    if_match: versions.IfMatch = None,
) -> Todo:
    """Replace all writable fields; creates it under an id made by the client."""
    draft = body.to_draft(todo_id)
    wanted = versions.wanted(if_match)
    try:
        todo = await todos.replace_with(
            visit.tx, visit.actor, draft, if_version=wanted, now=visit.now
        )
    except NotFound:
        if if_match is not None:
            raise
        todo = await todos.create(
            visit.tx, visit.actor, draft, workspace_id=visit.workspace_id, now=visit.now
        )
        response.status_code = 201
        response.headers["Location"] = f"/api/v1/todos/{todo.id}"
    response.headers["ETag"] = todo.etag
    return todo


@router.delete(
    "/{todo_id}",
    status_code=204,
    operation_id="delete_todo",
    openapi_extra=query.documented(DeleteQuery),
)
async def delete_todo(visit: Visit, todo_id: UUID, if_match: versions.IfMatch = None) -> None:
    """With its subtasks; `POST /undo` brings them back. One that recurs does so no more."""
    await todos.delete(
        visit.tx,
        visit.actor,
        todo_id,
        scope=query.read(DeleteQuery, visit).scope,
        if_version=versions.wanted(if_match),
        now=visit.now,
    )


@router.post("/{todo_id}/complete", operation_id="complete_todo")
async def complete_todo(visit: Visit, todo_id: UUID) -> Completed:
    """With its open subtasks. Completing what is completed changes nothing.

    One that recurs comes back at once, at its next occurrence.
    """
    return Completed(*await todos.complete(visit.tx, visit.actor, todo_id, now=visit.now))


@router.post("/{todo_id}/reopen", operation_id="reopen_todo")
async def reopen_todo(visit: Visit, todo_id: UUID) -> Todo:
    """The next occurrence goes, if nobody worked on it; else 409."""
    return await todos.reopen(visit.tx, visit.actor, todo_id, now=visit.now)


@router.post("/{todo_id}/skip", operation_id="skip_todo")
async def skip_todo(visit: Visit, todo_id: UUID, response: Response) -> Todo:
    """Let this occurrence be: the todo moves on to the next one."""
    todo = await todos.skip(visit.tx, visit.actor, todo_id, now=visit.now)
    response.headers["ETag"] = todo.etag
    return todo


@router.post("/{todo_id}/move", operation_id="move_todo")
async def move_todo(visit: Visit, todo_id: UUID, body: MoveBody, response: Response) -> Todo:
    """Only this occurrence is due at another time; its series goes on by the rule."""
    todo = await todos.edit(
        visit.tx,
        visit.actor,
        todo_id,
        {"due": body.due.to_due()},
        scope=Scope.THIS,
        now=visit.now,
    )
    response.headers["ETag"] = todo.etag
    return todo


def _after(position: list[Any]) -> After:
    key, todo_id = position
    return After(datetime.fromisoformat(key) if isinstance(key, str) else key, UUID(todo_id))
