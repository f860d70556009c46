"""Outgoing webhooks: what happened is told, by workers that die and to receivers that misbehave.

A receiver knows a repetition by its message id. So an event may be told twice, but never under two
ids, with two bodies, or unsigned; and none may be missing in the end.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice
from random import Random
from typing import Any, Final
from uuid import uuid4

import httpx2
import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from bench.chaos import workers
from bench.chaos.owner import Owner
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from bench.processes import memory_mb

RECEIVERS: Final = 6
EACH: Final = 3  # todos made of each feed, for each receiver
LIVES_S: Final = (5.0, 12.0)  # who is killed earlier has delivered nothing
DRAIN_S: Final = 60.0
LOOK_EVERY_S: Final = 0.2
SLOW: Final[Mapping[str, object]] = {"delay_ms": 50, "times": 1_000_000}
TROUBLES: Final[tuple[Mapping[str, object], ...]] = (
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"drop": "before"},
    {"drop": "after"},
    {"drop": "midway"},
    {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}},
)
TROUBLED: Final = 0.3  # of the feeds
DOWN: Final[tuple[Mapping[str, object], ...]] = (
    {"status": 503},
    {"drop": "before"},
    {"status": 500, "body": '{"errors": [{"mess'},
    {"delay_ms": 20_000, "status": 504},
    {"status": 502, "body": "\x00<html>"},
)
ASKED_S: Final = 10
ON_TIME_S: Final = 5.0
MORE_MB: Final = 50
EVERY_S: Final = 0.5
_PENDING: Final = """
    SELECT EXISTS (SELECT FROM webhook_deliveries WHERE status = 'pending')
        OR EXISTS (SELECT FROM webhook_endpoints e JOIN feeds f USING (workspace_id)
                   WHERE e.seq < f.seq AND e.status = 'active')
"""
# Waits are hours by and by: nobody who runs a trial has these.
_HURRY: Final = """
    WITH hurried AS (
        UPDATE webhook_deliveries SET next_at = now()
        WHERE status = 'pending' AND next_at > now() + interval '30 s' RETURNING endpoint_id)
    UPDATE webhook_endpoints SET next_at = now(), hold_until = NULL
    WHERE id IN (SELECT endpoint_id FROM hurried) RETURNING id
"""
_HAPPENED: Final = """
    SELECT e.seq, d.message_id, d.status FROM events e
    LEFT JOIN webhook_deliveries d
        ON d.workspace_id = e.workspace_id AND d.event_seq = e.seq AND d.endpoint_id = %(id)s
    WHERE e.workspace_id = %(owner)s AND e.seq > %(seq)s
"""
_SEQ: Final = "SELECT seq FROM webhook_endpoints WHERE id = %(id)s"
_LATE: Final = """
    SELECT extract(epoch FROM a.at - e.at) FROM webhook_deliveries d
    JOIN events e ON e.workspace_id = d.workspace_id AND e.seq = d.event_seq
    JOIN webhook_attempts a ON a.workspace_id = d.workspace_id AND a.delivery_id = d.id
    WHERE d.endpoint_id = %(id)s AND a.nth = 1
"""


@dataclass(slots=True)
class _Call:
    """One that the receiver accepted."""

    at: datetime
    headers: Mapping[str, str]
    body: str


@dataclass(slots=True)
class _Receiver:
    """An owner with an endpoint, which tells `name` at the sandbox."""

    stack: Stack
    owner: Owner
    name: str
    id: str
    secret: str
    since: int  # events of the feed before it are not told

    @classmethod
    def of(cls, stack: Stack, api: str, vendor: httpx2.Client) -> "_Receiver":
        owner, name = Owner.registered(api, "hooks"), uuid4().hex
        stack.closes(owner.http)
        url = f"{str(vendor.base_url).rstrip('/')}/hooks/{name}"
        made = owner.must("POST", "/webhook-endpoints", json={"url": url})
        [(seq,)] = stack.rows(_SEQ, id=made["id"])
        return cls(stack, owner, name, made["id"], made["secret"], seq)

    def happen(self, count: int = 1) -> None:
        for _ in range(count):
            self.owner.must("POST", "/todos", json={"title": "Call the dentist"})

    def judge(self, report: Report, calls: Sequence[_Call]) -> None:
        told: dict[int, set[tuple[str, str]]] = defaultdict(set)
        times: Counter[int] = Counter()
        webhook = Webhook(self.secret)
        for call in calls:
            seq = orjson.loads(call.body)["seq"]
            told[seq].add((call.headers["webhook-id"], call.body))
            times[seq] += 1
            try:
                webhook.verify(call.body.encode(), dict(call.headers))
            except WebhookVerificationError as error:
                # It refuses what is older than five minutes, which a long trial's first calls are.
                report.demand("too old" in str(error), f"{self.name}: {error}")
        where = {"id": self.id, "owner": self.owner.id, "seq": self.since}
        happened = self.stack.rows(_HAPPENED, **where)
        report.operations += len(happened)
        for seq, message_id, status in happened:
            report.demand(status == "delivered", f"{self.name} {seq} stands as {status}")
            report.lost += seq not in told
            same = {each for each, _ in told[seq]} == {message_id} and len(told[seq]) == 1
            report.demand(same, f"{self.name} {seq}: told as {told[seq]}, stands as {message_id}")
        report.duplicates += sum(count - 1 for count in times.values())
        strangers = told.keys() - {seq for seq, *_ in happened}
        report.demand(not strangers, f"{self.name}: told of {strangers}, which never happened")

    def late(self) -> list[float]:
        """Seconds from each event to its first attempt."""
        return [float(each) for (each,) in self.stack.rows(_LATE, id=self.id)]


@dataclass(slots=True)
class _World:
    stack: Stack
    vendor: httpx2.Client
    receivers: list[_Receiver] = field(default_factory=list)

    @classmethod
    def of(cls, stack: Stack, count: int) -> "_World":
        stack.temporal.start()
        api = stack.listening_api()
        stack.sandbox()
        vendor = stack.closes(stack.vendor())
        return cls(stack, vendor, [_Receiver.of(stack, api.url, vendor) for _ in range(count)])

    def script(self, *faults: Mapping[str, object]) -> None:
        self.stack.script(*({"vendor": "hooks", **each} for each in faults))

    def busy(self) -> bool:
        [(found,)] = self.stack.rows(_PENDING)
        return bool(found)

    def until_over(self, seconds: float) -> float:
        began = time.monotonic()
        while self.busy() and time.monotonic() < began + seconds:
            self.stack.rows(_HURRY)
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def judge(self, report: Report) -> None:
        calls: dict[str, list[_Call]] = defaultdict(list)
        for row in self.vendor.get("/ledger.json", params={"vendor": "hooks"}).json():
            # A null status: it was carried out, and the answer was lost.
            if row["response_status"] in (200, None):
                asked = row["request"]
                at = datetime.fromisoformat(row["at"])
                calls[row["kind"]].append(_Call(at, asked["headers"], asked["body"]))
            report.ambiguous += row["response_status"] is None
        for each in self.receivers:
            each.judge(report, calls[each.name])
        report.demand(not report.lost, f"{report.lost} were never told")


def killed(
    stack: Stack,
    kills: int,
    rng: Random,
    *,
    faults: Sequence[str] = (workers.ANY_MOMENT,),
    at_a_time: int = 3,
) -> Report:
    report, world = Report("webhooks-out"), _World.of(stack, RECEIVERS)
    began = time.monotonic()

    def feed() -> None:
        troubles = [rng.choice(TROUBLES)] if rng.random() < TROUBLED else []
        world.script(*({**SLOW, **each, "times": 1} for each in troubles), SLOW)
        for each in world.receivers:
            each.happen(EACH)

    plan = islice(cycle(faults), kills)
    ended = workers.kill(
        *(stack, rng, plan, at_a_time),
        feed=feed,
        busy=world.busy,
        report=report,
        lives_s=LIVES_S,
    )
    report.kills = len(ended)
    world.script()
    stack.worker()
    took = world.until_over(DRAIN_S)
    world.judge(report)
    report.figure = (
        f"{RECEIVERS} receivers; repetitions bear the id and the bytes of the first, signatures "
        f"verified by standardwebhooks; all told {took:.0f} s after the last kill; "
        f"{time.monotonic() - began:.0f} s"
    )
    return report


def vendor(stack: Stack, seconds: float) -> Report:
    """F12 and F13: one asks to wait, one is down in every way; the others notice nothing."""
    report, world = Report("webhooks-vendor"), _World.of(stack, RECEIVERS)
    asked, down, *calm = world.receivers
    worker = stack.worker()
    worker.ready()
    before = most = memory_mb(worker.popen.pid)
    wait = {"Retry-After": str(ASKED_S)}
    world.script({"kind": asked.name, "status": 429, "headers": wait, "times": 1})
    asked.happen()
    while not _tries(world, asked):
        time.sleep(LOOK_EVERY_S)
    ends = time.monotonic() + seconds
    for trouble in cycle(DOWN):
        world.script({"kind": down.name, **trouble, "times": 1_000_000})
        for _ in range(4):
            for each in (down, *calm):
                each.happen()
            time.sleep(EVERY_S)
        most = max(most, memory_mb(worker.popen.pid))
        if time.monotonic() >= ends:
            break
    world.script()
    took = world.until_over(DRAIN_S)
    world.judge(report)
    late = sorted(seconds for each in calm for seconds in each.late())
    p99 = late[int(len(late) * 0.99)]
    report.demand(p99 <= ON_TIME_S, f"the others were told with a p99 of {p99:.1f} s")
    grew = most - before
    report.demand(grew <= MORE_MB, f"memory grew by {grew:.0f} MB")
    report.demand(not worker.dead, "the worker did not live through it")
    first, second = _tries(world, asked)[:2]
    waited = (second - first).total_seconds()
    report.demand(waited >= ASKED_S, f"asked to wait {ASKED_S} s, and came after {waited:.1f} s")
    report.figure = (
        f"one asked for {ASKED_S} s and was told after {waited:.0f} s, one was down for "
        f"{seconds:.0f} s; {len(calm)} others told after {p99:.1f} s (p99); memory +{grew:.0f} MB; "
        f"all told {took:.0f} s after"
    )
    return report


def _tries(world: _World, receiver: _Receiver) -> list[datetime]:
    """When it was called."""
    rows: list[dict[str, Any]] = world.vendor.get("/ledger.json", params={"vendor": "hooks"}).json()
    return [datetime.fromisoformat(row["at"]) for row in rows if row["kind"] == receiver.name]
