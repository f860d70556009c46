"""Composition root of the durable side: `python worker.py`.

Workflows and activities of the task queue, the outbox relay, the sweep, and a listener for probes.
Neither PostgreSQL nor Temporal need be there when it starts; it waits for both.
"""

import asyncio
import atexit
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from psycopg import Error as PsycopgError
from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import core.collector  # noqa: F401 - first: it spares the others
from activities import webhooks
from activities.channels import CONNECTIONS
from activities.deliveries import Deliveries
from activities.orphans import Orphans
from activities.retention import Retention
from core import embedded, faults, health, keys, logs
from core.db import Database
from core.errors import Error, Misconfigured, Unavailable
from core.health import Answer
from core.services import clocks, revisions, webhook_secrets
from core.settings import Settings, settings
from integrations import calendars, erasure_ledger, language_model, temporal
from integrations.audio import recordings
from integrations.blobs import Blobs
from integrations.http import guarded_client, vendor_client
from integrations.http_transport import Limits
from integrations.transcription import registry as transcribers
from workflows import policies, queues, registry, schedules, vendors
from workflows.dispatch import TASK_QUEUE
from workflows.erasing import erasing
from workflows.relay import Relay
from workflows.sweep import Sweep

log = logs.get("worker")

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2
MAX_ACTIVITIES = 100
VENDOR_POLLERS = PollerBehaviorSimpleMaximum(2)
MAX_WORKFLOW_TASKS = 50
# Everything but the workflows themselves is the same in every run: importing it anew for each
# costs 160 ms and buys nothing.
PASSED_THROUGH = (
    "activities",
    "core",
    "integrations",
    "pydantic",
    "pydantic_core",
    "annotated_types",
)
# The relay tells once that Temporal is away; the SDK would for every call.
SDK_LOGS = "error,temporalio_sdk_core=warn,temporalio_client=error"


def new_worker(client: Client, activities: Sequence[Callable[..., Any]]) -> Worker:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=registry.WORKFLOWS,
        activities=activities,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        max_concurrent_activities=MAX_ACTIVITIES,
        max_concurrent_workflow_tasks=MAX_WORKFLOW_TASKS,
        graceful_shutdown_timeout=policies.GRACE,
        max_heartbeat_throttle_interval=policies.HEARTBEAT_EVERY,
        default_heartbeat_throttle_interval=policies.HEARTBEAT_EVERY,
    )


def new_vendor_workers(client: Client, vendor_queues: Sequence[queues.VendorQueue]) -> list[Worker]:
    """One for each queue. Temporal keeps to the rate, of all workers."""
    return [
        Worker(
            client,
            task_queue=queue.name,
            activities=[queue.activity],
            max_concurrent_activities=queue.at_a_time,
            max_task_queue_activities_per_second=queue.per_second,
            activity_task_poller_behavior=VENDOR_POLLERS,
            graceful_shutdown_timeout=policies.GRACE,
            max_heartbeat_throttle_interval=policies.HEARTBEAT_EVERY,
            default_heartbeat_throttle_interval=policies.HEARTBEAT_EVERY,
        )
        for queue in vendor_queues
    ]


async def main(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain. Raises when the worker cannot go on."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    polls = False

    def ready() -> Answer:
        ok = polls and not stopping.is_set()
        return Answer(200, b"ready\n") if ok else Answer(503, b"not ready\n")

    def began() -> None:
        nonlocal polls
        polls = True

    pages = {"/ready": ready, "/metrics": health.scrape}
    async with await health.listen(settings.host, settings.worker_metrics_port, pages):
        work = asyncio.create_task(_work(settings, began))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not work.done():
            log.info("worker.stopping")
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    log.info("worker.stopped")


async def _work(settings: Settings, began: Callable[[], None]) -> None:
    loaded = keys.load(settings)
    if settings.clock_file is not None:
        faults.skew_clock(settings.clock_file)
    async with AsyncExitStack() as stack:
        url = embedded.database_url(settings)
        app_db = Database(url, role="vt_app", size=settings.pool_size)
        worker_db = Database(url, role="vt_worker", size=settings.pool_size)
        eraser_db = Database(url, role="vt_eraser", size=2)
        retention_db = Database(url, role="vt_retention", size=1)
        for database in (app_db, worker_db, eraser_db, retention_db):
            await database.open()
            stack.push_async_callback(database.close)
        await _database_answers(app_db)
        http = await stack.enter_async_context(vendor_client(Limits(connections=CONNECTIONS)))
        sandbox_url = settings.sandbox_url if settings.dev else None
        guarded = await stack.enter_async_context(guarded_client(sandbox_url=sandbox_url))
        # Connections of their own: receivers that hang must not keep push messages waiting.
        hooks = await stack.enter_async_context(
            guarded_client(webhooks.LIMITS, sandbox_url=sandbox_url)
        )
        slack = vendors.slack(settings, http)
        channels = vendors.channels(settings, loaded, http, guarded, app_db, slack)
        providers = await stack.enter_async_context(transcribers.opened(settings))
        decoding = await stack.enter_async_context(recordings.opened(settings.voice_processes))
        adviser = await stack.enter_async_context(language_model.opened(settings))
        voice = registry.voice(settings, loaded, decoding, providers, adviser)
        stack.push_async_callback(voice.audio.blobs.aclose)
        slack_app = registry.slack_app(settings, loaded, http, app_db, voice, slack)
        google = calendars.google(settings)
        if google is not None:
            await stack.enter_async_context(google)
        ending = registry.disconnecting(settings, loaded, http, app_db, worker_db, google)
        exporting = registry.exporting(loaded, app_db, voice)
        activities = registry.activities(
            app_db,
            worker_db,
            channels,
            voice,
            dev=settings.dev,
            lanes=settings.lanes,
            ending=ending,
            slack_app=slack_app,
            homes=registry.slack_homes(loaded, app_db, worker_db, slack),
            erasing=erasing(settings, loaded, http, (app_db, eraser_db), voice.audio.blobs, ending),
            importing=registry.importing(loaded, app_db, voice.audio.blobs),
            exporting=exporting,
            retaining=Retention(retention_db),
            posting=webhooks.Posting(hooks, loaded.ring.of(webhook_secrets.PURPOSE)),
        )
        attempt = Deliveries(app_db, channels, dev=settings.dev).attempt
        vendor_queues = [
            *queues.retries(settings, attempt),
            *queues.recordings(settings, providers, app_db, voice),
            queues.answers(slack_app),
            queues.archives(exporting),
            *queues.calendars(settings, loaded, app_db, google),
        ]
        await _nobody_is_back(eraser_db, voice.audio.blobs)
        client = await _connected(settings, loaded)
        relay = Relay(worker_db, client)
        sweep = Sweep(worker_db, client, schedules.all_(settings.lanes))
        orphans = Orphans(worker_db, voice.audio.blobs)
        workers = new_vendor_workers(client, vendor_queues)
        workers.append(new_worker(client, activities))
        for worker in workers:
            await stack.enter_async_context(worker)
        stack.push_async_callback(_drained, workers)
        began()
        gc.freeze()  # what start-up made stays: the collector need not look at it again
        log.info("worker.started", task_queue=TASK_QUEUE)
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run())
            group.create_task(sweep.run())
            group.create_task(orphans.run())
            group.create_task(clocks.follow(worker_db))


async def _drained(workers: Sequence[Worker]) -> None:
    """All at once: one after the other, each would have its grace after the other's."""
    await asyncio.gather(*(worker.shutdown() for worker in workers))


async def _database_answers(db: Database) -> None:
    waits = 0
    while True:
        try:
            found = await revisions.gap(db)
            if found is not None and found.behind:  # old code works on a newer one: that expands
                raise Unavailable(found.remedy)
            await clocks.hear(db)  # before anything is looked at that may be due
        except (Error, PsycopgError) as error:
            if waits == 0:
                log.warning("database.awaited", error=error, reason=_reason(error))
            waits += 1
            await asyncio.sleep(0.5)
        else:
            return


def _reason(error: Exception) -> str:
    """Ours, in our words: what a server says may hold what somebody wrote."""
    return error.detail if isinstance(error, Error) else "PostgreSQL does not answer"


async def _nobody_is_back(db: Database, blobs: Blobs) -> None:
    """Before anything is sent: whom a restored backup brought back is being erased again."""
    while True:
        try:
            again = await erasure_ledger.reapply(db, blobs)
        except (Error, PsycopgError) as error:
            log.warning("erasures.not_looked_at", error=error)
            await asyncio.sleep(0.5)
        else:
            if again:
                log.warning("erasures.reapplied", count=again)
            return


async def _connected(settings: Settings, loaded: keys.Keys) -> Client:
    sdk_logs = LogForwardingConfig(logging.getLogger("temporal"))
    telemetry = TelemetryConfig(logging=LoggingConfig(SDK_LOGS, forwarding=sdk_logs))
    runtime = Runtime(telemetry=telemetry)
    waits = 0
    while True:
        try:
            return await temporal.connect(settings, loaded, runtime=runtime)
        except RuntimeError as error:
            if waits == 0:
                log.warning("temporal.awaited", error=error, reason="Temporal does not answer")
            waits += 1
            await asyncio.sleep(0.5)


def run() -> int:
    try:
        current = settings()
        logs.configure("worker", strict=current.dev, text=current.log_text)
        logging.getLogger("temporalio").setLevel(logging.WARNING)  # each queue says goodbye
        uvloop.run(main(current))
    except Misconfigured as error:
        sys.stderr.write(f"{error.detail}\n")
        return EXIT_MISCONFIGURED
    except Exception as error:  # noqa: BLE001 - told in our way; the parent starts another
        log.error("worker.failed", error=error)
        return EXIT_FAILED
    return 0


def leave(code: int) -> None:
    """End at once: the SDK's threads may crash an interpreter that takes itself apart.

    https://github.com/temporalio/sdk-python/issues/300
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - what the interpreter calls
    atexit._run_exitfuncs()  # noqa: SLF001 - and this too
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(run())
