"""F3: the API is killed while recordings arrive, in one piece and in parts.

What was acknowledged is there and opens, byte for byte; nothing is there twice; and once the
collector was there, no blob is left that no row names.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from random import Random

import httpx2

from activities.orphans import Orphans
from bench.chaos.captures import Capture, Recorder
from bench.chaos.journal import Journal, check
from bench.chaos.report import Report
from bench.chaos.stack import Process, Stack
from core.db import Database
from core.services import memo_audio
from integrations.blobs import Directory
from tests.forgetting import forget
from tests.people import API, register

TRIAL = "F3"
FAULTS = ("after_blob_before_row", "before_commit", "after_commit_before_response")
RECORDERS = 8
SPARE = 3  # servers at a time
LONGEST_LIFE_S = 3.0
AT_ONCE = timedelta(0)
_CAPTURED = """
    SELECT m.capture_id::text, m.id::text, encode(m.sha256, 'hex'), m.blob,
           (SELECT count(*) FROM jobs j WHERE j.result->>'memo_id' = m.id::text),
           (SELECT count(*) FROM outbox o WHERE o.subject_id = m.job_id)
    FROM voice_memos m
"""


async def killed(
    stack: Stack, kills: int, rng: Random, *, longest_life_s: float = LONGEST_LIFE_S
) -> Report:
    """Until so many servers were killed; then everybody sends what is left to one that lives."""
    report = Report(TRIAL)
    began = time.monotonic()
    stack.environment["VOICETODO_RATE_LIMIT_UPLOADS"] = "1000000000"
    living = stack.api()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    doomed = stack.mortal_api(listener.fileno(), SPARE, longest_life_s, rng.random(), FAULTS)
    limits = httpx2.Limits(max_keepalive_connections=0)
    journal = Journal()
    async with httpx2.AsyncClient(trust_env=False, limits=limits, timeout=20) as http:
        alive = httpx2.AsyncClient(base_url=living.url, trust_env=False, timeout=20)
        people = [await register(alive, f"p{nth}") for nth in range(RECORDERS)]
        recorder = Recorder(lambda: url, http, rng, journal)
        over = False

        async def record(nth: int) -> None:
            while not over:
                await recorder.record(people[nth])

        async with asyncio.TaskGroup() as group:
            for nth in range(RECORDERS):
                group.create_task(record(nth))
            ended = await asyncio.to_thread(_deaths, doomed, kills)
            over = True
            url = living.url
            doomed.kill()
            listener.close()  # who waits there for a server waits no longer
        await _judge(stack, report, recorder, alive)
        await alive.aclose()
    living.kill()
    report.kills = len(ended)
    report.demand(set(ended) <= {-9}, f"servers ended by themselves: {Counter(ended)}")
    orphans = await _collected(stack, report)
    cut = recorder.answers["none"]
    report.figure = (
        f"at {len(FAULTS)} fault points and at any moment; {cut:,} tries got no answer; every "
        f"recording opens with its SHA-256; {orphans} orphans collected, 0 left; "
        f"{time.monotonic() - began:.0f} s"
    )
    return report


def _deaths(doomed: Process, kills: int) -> list[int]:
    """How the first so many servers ended."""
    assert doomed.popen.stdout is not None  # noqa: S101 (it prints)
    return [int(doomed.popen.stdout.readline()) for _ in range(kills)]


async def _judge(
    stack: Stack, report: Report, recorder: Recorder, alive: httpx2.AsyncClient
) -> None:
    rows = stack.rows(_CAPTURED)
    report.operations = len(recorder.captures)
    verdict = check(recorder.journal, (row[0] for row in rows))
    report.violations += recorder.violations + verdict.violations
    report.lost, report.duplicates = len(verdict.lost), len(verdict.twice)
    report.ambiguous = recorder.answers["none"]
    sent = {str(each.id): each for each in recorder.captures}
    opened = await _opened(alive, sent, rows)
    for capture_id, memo_id, digest, blob, jobs, starts in rows:
        capture = sent[capture_id]
        same = digest == capture.digest == opened[memo_id]
        report.demand(same, f"{memo_id} is not what was sent")
        report.demand(capture.memo_id in (None, memo_id), f"{capture_id} was another memo")
        report.demand(blob is not None, f"{memo_id} has no blob")
        report.demand((jobs, starts) == (1, 1), f"{memo_id}: {jobs} jobs, {starts} starts")


async def _opened(
    alive: httpx2.AsyncClient, sent: Mapping[str, Capture], rows: Sequence[tuple[str, ...]]
) -> dict[str, str]:
    """The digest of what each owner gets to hear."""
    found = {}
    for capture_id, memo_id, *_ in rows:
        path = f"{API}/voice/memos/{memo_id}/audio"
        answer = await alive.get(path, headers=sent[capture_id].person.headers)
        found[memo_id] = (
            sha256(answer.content).hexdigest() if answer.is_success else str(answer.status_code)
        )
    return found


async def _collected(stack: Stack, report: Report) -> int:
    """As the worker does it, not waiting until anything is old. How many were orphans."""
    blobs = Directory(stack.folder / "blobs")
    stack.rows("UPDATE voice_uploads SET expires_at = now() RETURNING id")  # of those who gave up
    await forget(stack.url, "uploads")
    database = Database(stack.url, role="vt_worker", size=2)
    await database.open()
    try:
        collected = await Orphans(database, blobs, young=AT_ONCE).once()
    finally:
        await database.close()
    there = [kept.key for folder in memo_audio.FOLDERS async for kept in blobs.keys(folder)]
    named = {blob for (blob,) in stack.rows("SELECT blob FROM voice_memos")}
    orphans = set(there) - named
    report.demand(not orphans, f"{len(orphans)} orphans are left")
    report.demand(named <= set(there), f"{len(named - set(there))} blobs of memos are gone")
    unfinished = list((stack.folder / "blobs" / "unfinished").iterdir())
    report.demand(not unfinished, f"{len(unfinished)} unfinished files are left")
    return collected
