"""The work on due endpoints: a slice of deliveries each, one after the other, many at a time.

Serial within an endpoint, so that its messages leave in the order of the feed. Between endpoints a
turn is a slice: at most 50 deliveries or two seconds, then whoever has waited longest. So a tenant
with thousands of events, or with a receiver that hangs, costs the others a turn and not a queue.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from activities.shift import Hand
from core import clock, logs, metrics
from core.crypto import Keyring
from core.db import Database, Transaction
from core.due import Claimed
from core.errors import Unavailable, VendorError
from core.services import due_webhooks
from core.services.due_webhooks import Work
from core.services.webhook_outcomes import Outcome, Post, Standing
from integrations.http import Client, retry_after
from integrations.http_transport import Limits
from integrations.standard_webhooks import Signer

log = logs.get(__name__)

AT_A_TIME: Final = 64  # endpoints; each has one request under way and a slice of bodies in memory
# Of `Posting.client`. Connections are kept for less than common servers keep them (5 s): one that
# they close while we write to it costs a message a try.
LIMITS: Final = Limits(connections=AT_A_TIME, max_body=4096, keepalive=3.0, cut_body=True)
SLICE_S: Final = 2.0
CLAIM_S: Final = 6.0  # of one claim: no tick waits much longer for its batches
SETTLE_AFTER: Final = 10  # deliveries; so many are sent twice at most when a worker is killed
SETTLE_AFTER_S: Final = 0.5
EXCERPT_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Posting:
    """`client` is a guarded one with `LIMITS`; `ring` opens what endpoints sign with."""

    client: Client
    ring: Keyring


class Webhooks:
    """The handler of `Kind.WEBHOOKS`. `app_db` works as `vt_app`."""

    source: Final = due_webhooks.SOURCE

    def __init__(
        self,
        app_db: Database,
        posting: Posting,
        *,
        now: Callable[[], datetime] = clock.now,
        at_a_time: int = AT_A_TIME,
    ) -> None:
        self._db = app_db
        self._posting = posting
        self._now = now
        self._turns = asyncio.Semaphore(at_a_time)  # in the order in which they were asked for

    def tidy(self, tx: Transaction) -> None:
        """Nothing: what is over is forgotten by retention."""

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:
        """Run twice, each endpoint is worked on by whoever holds its lease.

        Killed between a send and what is written of it, a message goes out again under its id.
        """
        await asyncio.gather(*(self._endpoint(each, hand) for each in batch))

    async def _endpoint(self, claimed: Claimed, hand: Hand) -> None:
        """Turn after turn, until nothing is left to send or the claim is over."""
        ends = _clock() + CLAIM_S
        try:
            while True:
                async with self._turns:
                    if not await self._turn(claimed, hand, ends):
                        return
        except Unavailable as error:  # its lease ends, and it is taken again
            log.warning("webhook.database_away", subject_id=claimed.id, error=error)
        except Exception as error:  # noqa: BLE001 - the others of the batch go on
            log.error("webhook.endpoint_failed", subject_id=claimed.id, error=error)
        finally:
            hand.drop(claimed)

    async def _turn(self, claimed: Claimed, hand: Hand, ends: float) -> bool:
        """Whether there may be more to send, and the lease is still ours."""
        if not hand.is_safe(claimed) or _clock() >= ends:
            async with self._db.transaction() as tx:
                tx.act_in([claimed.workspace_id])
                due_webhooks.rest(tx, claimed)
            return False
        async with self._db.transaction() as tx:
            work = await due_webhooks.begin(tx, claimed, ring=self._posting.ring, now=self._now())
        if work is None:
            return False
        slice_ends = min(_clock() + SLICE_S, ends)
        signer = Signer(work.secrets, work.seed)
        standing = Standing(work.failures, work.failing_since, work.last_failure_at)
        outcomes: list[Outcome] = []
        settled_at = _clock()
        for post in work.posts:
            if not hand.is_safe(claimed) or (post is not work.posts[0] and _clock() >= slice_ends):
                break
            outcome = await self._send(work, post, signer)
            outcomes.append(outcome)
            standing = standing.after(outcome)
            if not standing.goes_on:
                break
            if len(outcomes) >= SETTLE_AFTER or _clock() - settled_at >= SETTLE_AFTER_S:
                await self._settle(work, outcomes, standing, over=False)
                outcomes, settled_at = [], _clock()
        over = not standing.goes_on or _clock() >= ends
        await self._settle(work, outcomes, standing, over=over)
        return not over

    async def _send(self, work: Work, post: Post, signer: Signer) -> Outcome:
        at = self._now()
        # By the real time, whatever `now` is: receivers refuse what was signed at another.
        headers = signer.headers(post.message_id, post.body, now=clock.now())
        began = perf_counter()
        try:
            answer = await self._posting.client.post(work.url, content=post.body, headers=headers)
        except VendorError as error:
            took = timedelta(seconds=perf_counter() - began)
            outcome = Outcome(post, None, error.detail, at, took)
        else:
            took = timedelta(seconds=perf_counter() - began)
            outcome = Outcome(
                post,
                answer.status_code,
                None if answer.is_success else f"the endpoint answered {answer.status_code}",
                at,
                took,
                excerpt(answer.content),
                None
                if answer.is_success
                else retry_after(answer.headers.get("retry-after"), now=at),
            )
        _count(outcome)
        return outcome

    async def _settle(
        self, work: Work, outcomes: Sequence[Outcome], standing: Standing, *, over: bool
    ) -> None:
        async with self._db.transaction() as tx:
            await due_webhooks.settle(tx, work, outcomes, standing, over=over, now=self._now())
        if standing.disabled is not None:
            metrics.WEBHOOKS_DISABLED.labels(standing.disabled).inc()
            log.info("webhook.disabled", subject_id=work.claimed.id, reason=standing.disabled)


def excerpt(content: bytes) -> str | None:
    """The beginning of an answer as text that a row can hold: up to 1 KiB, and no NUL."""
    text = (
        content[:EXCERPT_BYTES]
        .decode("utf-8", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
    return text.encode()[:EXCERPT_BYTES].decode("utf-8", "ignore") or None


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _count(outcome: Outcome) -> None:
    if outcome.delivered:
        what = "delivered"
        if outcome.post.attempt == 1:
            lateness = (outcome.at + outcome.took - outcome.post.created_at).total_seconds()
            metrics.WEBHOOK_LATENCY.observe(max(lateness, 0.0))
    else:
        what = "failed" if outcome.next_at is not None else "given_up"
    metrics.WEBHOOK_ATTEMPTS.labels(what).inc()
