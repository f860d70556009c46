"""Outbox row -> which workflow starts, with which message, on which task queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from core.messages import (
    CalendarMessage,
    ConnectionMessage,
    DeliveryMessage,
    ErasureMessage,
    JobMessage,
    SlackMessage,
)
from core.services.outbox import Claimed
from integrations import temporal
from workflows import policies

TASK_QUEUE = "voicetodo"


class Undispatchable(Exception):
    """This row cannot become a workflow, however often it is tried; the message says why."""


@dataclass(frozen=True, slots=True)
class Route:
    """`summary` is what an operator reads in the Temporal UI: what it does, no names, no text."""

    message: type[Any]
    summary: str
    task_queue: str = TASK_QUEUE


# Keyed by workflow type, as a convention test compares with what the worker registers.
ROUTES: Mapping[str, Route] = {
    "RetryDelivery": Route(
        DeliveryMessage, "Tries one delivery again until it is sent or of no more use"
    ),
    "AdvanceClock": Route(JobMessage, "Moves the clock of a sandbox, instant by instant"),
    "ChangeZone": Route(JobMessage, "Moves a person's floating times to another zone"),
    "ProcessVoiceMemo": Route(JobMessage, "Makes todos of a recording: listens, transcribes, does"),
    "ExportData": Route(JobMessage, "Writes an archive of what is kept of a person"),
    "ImportData": Route(JobMessage, "Makes todos of a file that somebody brought"),
    "UndoImport": Route(JobMessage, "Takes back what an import made"),
    "SendVerification": Route(DeliveryMessage, "Sends the mail that verifies an address"),
    "Disconnect": Route(ConnectionMessage, "Gives an access back to the provider it is of"),
    "HandleSlack": Route(SlackMessage, "Does what somebody asked in Slack, and answers"),
    "SyncCalendar": Route(CalendarMessage, "Brings a calendar and todos into step"),
    "EraseAccount": Route(
        ErasureMessage, "Erases an account, store by store, and writes a receipt"
    ),
    "SendMail": Route(DeliveryMessage, "Sends a mail about the account"),
}


async def start(client: Client, row: Claimed, routes: Mapping[str, Route] = ROUTES) -> None:
    """Start it; a workflow that runs already under this id is left running and that is success.

    Raises `Undispatchable`, `WorkflowAlreadyStartedError` for one that has ended, `RPCError`.
    """
    route = routes.get(row.workflow_type)
    if route is None:
        raise Undispatchable("unknown workflow type")
    try:
        message = TypeAdapter(route.message).validate_python(row.arguments)
    except ValidationError as error:
        raise Undispatchable("arguments do not fit the workflow") from error
    await client.start_workflow(
        row.workflow_type,
        message,
        id=row.workflow_id,
        task_queue=route.task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=route.summary,
        search_attributes=attributes(row.workflow_type, str(row.subject_id)),
        priority=Priority(priority_key=row.priority, fairness_key=row.fairness_key),
        rpc_timeout=policies.RPC_TIMEOUT,
    )


def attributes(kind: str, subject: str) -> TypedSearchAttributes:
    """What lists of workflows are filtered by; never encoded, so a type's name and opaque ids."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(temporal.KIND, kind),
            SearchAttributePair(temporal.SUBJECT, subject),
        ]
    )
