"""Each kind of vendor has a queue of its own: the backlog of one holds up no other."""

import asyncio
from dataclasses import dataclass, field, replace
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle

from activities.deliveries import Step, Verdict
from core.messages import DeliveryMessage, Queue
from core.models.deliveries import Channel
from tests.patience import PATIENCE_S
from tests.workflows.skipping import MESSAGE, Script, run, skipping
from worker import new_vendor_workers, new_worker
from workflows.deliveries import queue_of
from workflows.dispatch import TASK_QUEUE
from workflows.queues import VendorQueue


def test_every_channel_of_a_vendor_has_a_queue() -> None:
    assert {*map(str, Queue)} == {*map(str, Channel)} - {Channel.IN_APP}


@dataclass(slots=True)
class Vendors:
    """E-mail hangs until it is let go; everything else is sent at once."""

    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    queues: list[str] = field(default_factory=list)

    @activity.defn(name="attempt_delivery")
    async def attempt(self, message: DeliveryMessage) -> Step:
        self.queues.append(activity.info().task_queue)
        if message.queue is Queue.EMAIL:
            await self.let_go.wait()
        return Step(Verdict.OVER, 2, None, None, 0)


async def start(client: Client, queue: Queue) -> WorkflowHandle[object, int]:
    message = replace(MESSAGE, queue=queue)
    return await client.start_workflow(
        "RetryDelivery", message, id=str(uuid4()), task_queue=TASK_QUEUE, result_type=int
    )


async def test_what_hangs_holds_up_nobody_else() -> None:
    vendors = Vendors()
    async with skipping() as environment:
        client = environment.client
        email, push = new_vendor_workers(
            client,
            [
                VendorQueue(queue_of(TASK_QUEUE, queue), vendors.attempt, 1, 100)
                for queue in (Queue.EMAIL, Queue.PUSH)
            ],
        )
        async with new_worker(client, []), email, push:
            stuck = [await start(client, Queue.EMAIL) for _ in range(5)]
            async with asyncio.timeout(PATIENCE_S):
                assert await (await start(client, Queue.PUSH)).result() == 2
            vendors.let_go.set()
            for each in stuck:
                assert await each.result() == 2
    assert sorted(set(vendors.queues)) == ["voicetodo.email", "voicetodo.push"]


async def test_attempts_are_made_in_the_queue_of_the_message() -> None:
    script = Script([None])
    async with skipping() as environment:
        handle = await run(environment, "RetryDelivery", script, replace(MESSAGE, queue=Queue.SMS))
        assert await handle.result() == 2
