"""What every kind of long work has in common: it goes in slices, and it can be stopped."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from temporalio import activity

from core import clock
from core.db import Database
from core.messages import JobMessage
from core.models.jobs import JobStatus
from core.services import jobs

SLICE_S: Final = 3.0  # after so long a slice reports to its workflow, which an operator reads
STOPPED: Final = "an operator stopped it"


class Jobs:
    """`app_db` works as `vt_app`."""

    def __init__(self, app_db: Database, *, now: Callable[[], datetime] = clock.now) -> None:
        self._db = app_db
        self._now = now

    @activity.defn(name="stop_job")
    async def stop(self, message: JobMessage) -> None:
        """Write that the job was cancelled, for a workflow that was.

        Twice is harmless: a job that is over stays as it is.
        """
        async with self._db.transaction() as tx:
            tx.act_in([message.workspace_id])
            job = await jobs.lock(tx, message.workspace_id, message.job_id)
            if job is not None:
                cancelled, now = JobStatus.CANCELLED, self._now()
                jobs.finish(tx, job, cancelled, job.result, error=STOPPED, now=now)
