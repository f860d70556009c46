"""Histories of workflows: ended, deleted, and looked for until they are gone."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from core.errors import Unavailable

RPC_TIMEOUT: Final = timedelta(seconds=5)
AT_A_TIME: Final = 20
LOOKS: Final = 360
LOOK_EVERY_S: Final = 0.5


async def delete(client: Client, workflow_ids: Sequence[str]) -> int:
    """Whatever Temporal knows of these goes; how many it knew.

    Returns once none of them can be found any more: at once for what runs, after up to a minute and
    a half for what ended a moment ago, as Temporal first makes sure that its end is known
    everywhere. Raises `Unavailable` after three minutes, or if Temporal does not answer. Twice is
    once.
    """
    slots = asyncio.Semaphore(AT_A_TIME)

    async def one(workflow_id: str) -> bool:
        async with slots:
            return await _delete(client, workflow_id)

    try:
        known = await asyncio.gather(*(one(each) for each in workflow_ids))
        deleted = [each for each, was in zip(workflow_ids, known, strict=True) if was]
        for _ in range(LOOKS):
            found = await asyncio.gather(*(_is_there(client, each) for each in deleted))
            if not any(found):
                return len(deleted)
            await asyncio.sleep(LOOK_EVERY_S)
    except RPCError as error:
        raise Unavailable("Temporal does not answer") from error
    raise Unavailable("Temporal has not deleted the histories yet")


async def _delete(client: Client, workflow_id: str) -> bool:
    """Whether it was known. One that runs is ended by this, and gone at once."""
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
    )
    try:
        await client.workflow_service.delete_workflow_execution(request, timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _is_there(client: Client, workflow_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
