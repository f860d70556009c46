"""What the database refused, in our own words. Constraints are the first line of every rule."""

from datetime import timedelta

from psycopg import DataError, OperationalError
from psycopg import Error as PsycopgError
from psycopg.errors import InsufficientPrivilege
from psycopg_pool import PoolTimeout

from core.errors import (
    Conflict,
    Error,
    Forbidden,
    Invalid,
    KeyReplayed,
    RateLimited,
    Unauthenticated,
    Unavailable,
)

# constraint -> (pointer, what to say)
OF_INPUT = {
    "fk_todos_list_id": ("/list_id", "there is no such list in this workspace"),
    "fk_todos_parent_id": ("/parent_id", "there is no such todo in this workspace"),
    "ck_todos_parent_is_another": ("/parent_id", "a todo is not its own parent"),
    "fk_todos_assignee_id": ("/assignee_id", "no such person is a member of this workspace"),
}
OF_STATE = {
    "uq_lists_workspace_id_name": "there is a list of that name already",
    "uq_users_email": "there is an account with this e-mail address already",
    "pk_todos": "there is a todo with this id already",
    "pk_lists": "there is a list with this id already",
    "fk_reminders_todo_id": "the todo is gone",
    "uq_jobs_one_open": "such a job is under way here already: wait for it, or cancel it",
}


def translate(error: PsycopgError | PoolTimeout) -> Error | PsycopgError | PoolTimeout:
    """The project's error for a refusal that is somebody's business; any other as it is: a bug."""
    known: Error | None = None
    if isinstance(error, PoolTimeout):
        return Unavailable()
    match error.sqlstate:
        case "VT401":
            known = Unauthenticated("this session has ended: sign in again")
        case "VT429":
            wait = timedelta(seconds=float(error.diag.message_detail or 1))
            known = RateLimited(limit=int(error.diag.message_hint or 0), retry_after=wait)
        case "VT409":
            known = Conflict("a request with this Idempotency-Key is under way")
        case "VT208":
            known = KeyReplayed()
        case _:
            known = _of_class(error)
    return known or error


def _of_class(error: PsycopgError) -> Error | None:
    name = error.diag.constraint_name or ""
    if name in OF_INPUT:
        pointer, detail = OF_INPUT[name]
        return Invalid(detail, pointer=pointer, code="unknown_reference")
    if name in OF_STATE:
        return Conflict(OF_STATE[name])
    if isinstance(error, InsufficientPrivilege):
        return Forbidden()
    if isinstance(error, DataError):
        return Invalid("a value cannot be stored")
    return Unavailable() if isinstance(error, OperationalError) else None
