"""F16: what is done in Slack is told ten times, in any order, at once, and workers die meanwhile.

It has one effect. Answers are said once, too, as far as it is known that they were heard: they go
to an address that knows no repetition, and only the person who asked reads them.
"""

import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from random import Random
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import orjson

from bench.chaos import workers
from bench.chaos.owner import TIMEOUT_S, Owner
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core import keys
from core.rules.slack_buttons import MAKE_TODO
from core.settings import Settings
from integrations.sandbox.slack_responses import Responses
from tests.people import API

TRIAL: Final = "F16 slack"
MEMBER: Final = "alice@example.com"
TIMES: Final = 10  # each is told
AT_ONCE: Final = 12  # requests
SLACK_WAITS_S: Final = 3.0
DRAIN_S: Final = 120.0
LOOK_EVERY_S: Final = 0.2
LATER: Final = 0.2  # of the repetitions come with the next feed
TROUBLED: Final = 0.3  # of the feeds
SAID: Final[Mapping[str, object]] = {"status": 200, "body": {"ok": True}, "delay_ms": 60}
TROUBLES: Final[tuple[Mapping[str, object], ...]] = (
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 503},
    {"status": 500, "body": "\x00<html>"},
    {"drop": "before"},
    {"drop": "midway"},
)
_MEMBER: Final = "SELECT team_id, slack_user_id FROM slack_members WHERE user_id = %(id)s"
_OPEN: Final = "SELECT count(*) FROM slack_inbound WHERE done_at IS NULL OR answer IS NOT NULL"
# One person may do sixty things a minute: here one does what many do.
_UNLIMITED: Final = "DELETE FROM rate_limits WHERE key LIKE 'slack:%%' RETURNING key"
_TODOS: Final = "SELECT title FROM todos WHERE workspace_id = %(id)s AND deleted_at IS NULL"
_PAUSES: Final = """
    SELECT count(*) FROM notifications WHERE user_id = %(id)s AND kind = 'connection_paused'
"""


@dataclass(frozen=True, slots=True)
class _Told:
    path: str
    body: bytes


@dataclass(slots=True)
class _Team:
    """Slack's side: a member who does things, and who tells them to the API."""

    stack: Stack
    owner: Owner
    api: httpx2.Client
    secret: bytes
    vendor: httpx2.Client
    rng: Random
    team_id: str = ""
    user: str = ""
    wanted: list[str] = field(default_factory=list)  # titles of todos
    waiting: list[_Told] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # until the API answered
    answers: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, stack: Stack, rng: Random) -> "_Team":
        stack.temporal.start()
        api = stack.listening_api()  # before the sandbox, which tells it what people do
        stack.sandbox()
        settings = Settings(_env_file=None, data_dir=stack.folder)
        secret = keys.slack_signing(settings)
        assert secret is not None  # noqa: S101 (the dev profile makes one)
        owner, vendor = Owner.registered(api.url, "slack"), stack.closes(stack.vendor())
        stack.closes(owner.http)
        limits = httpx2.Limits(max_connections=AT_ONCE)
        client = httpx2.Client(base_url=api.url, trust_env=False, timeout=TIMEOUT_S, limits=limits)
        team = cls(stack, owner, stack.closes(client), secret, vendor, rng)
        owner.connect(vendor, "slack", MEMBER)
        [(team.team_id, team.user)] = stack.rows(_MEMBER, id=owner.id)
        return team

    def url(self, title: str) -> str:
        """Where the answer to this is said."""
        return f"{self.vendor.base_url}".rstrip("/") + Responses.prefix + _last(title)

    def does(self, count: int) -> None:
        """So many things more, each told as often, in no order, some of it later."""
        told = self.waiting
        for _ in range(count):
            told = told + [self._one()] * TIMES
        self.rng.shuffle(told)
        later = round(len(told) * LATER)
        self.waiting, now = told[:later], told[later:]
        self.tell(now)

    def tell(self, told: Sequence[_Told]) -> None:
        """All of these, until each was answered well, as Slack does it again and again."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._tell, told))

    def script(self, *faults: Mapping[str, object]) -> None:
        own = {"vendor": "slack", "kind": "response_url"}
        self.stack.script(*({**own, **each} for each in faults), {**own, **SAID, "times": 10**9})

    def open(self) -> int:
        """How much is not done, or not answered; asked all the time."""
        self.stack.rows(_UNLIMITED)
        [(found,)] = self.stack.rows(_OPEN)
        return int(found)

    def happens(self, event: Mapping[str, object]) -> _Told:
        told = {
            "type": "event_callback",
            "team_id": self.team_id,
            "event_id": f"Ev{uuid4().hex[:12]}",
            "event_time": int(time.time()),
            "event": event,
        }
        return _Told("events", orjson.dumps(told))

    def _one(self) -> _Told:
        title = f"Fetch parcel{len(self.wanted)}"
        self.wanted.append(title)
        chance = self.rng.random()
        if chance < 0.1:
            self.waiting += [self.happens({"type": "app_home_opened", "user": self.user})] * TIMES
        who = {"id": self.user}
        if chance < 0.5:
            form = {"team_id": self.team_id, "user_id": self.user, "command": "/todo"}
            form |= {"text": f"add {title}", "trigger_id": uuid4().hex}
            return _Told("commands", urlencode(form | {"response_url": self.url(title)}).encode())
        payload: dict[str, Any] = {
            "type": "message_action",
            "callback_id": MAKE_TODO,
            "team": {"id": self.team_id, "domain": "acme"},
            "user": who,
            "channel": {"id": "C1", "name": "general"},
            "trigger_id": uuid4().hex,
            "response_url": self.url(title),
            "message": {"ts": "1700000000.000100", "text": title},
        }
        return _Told("interactions", urlencode({"payload": orjson.dumps(payload)}).encode())

    def _tell(self, told: _Told) -> None:
        for _ in range(4):
            stamp = str(int(time.time()))
            signed = hmac.new(self.secret, f"v0:{stamp}:".encode() + told.body, hashlib.sha256)
            headers = {
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": f"v0={signed.hexdigest()}",
            }
            began = time.monotonic()
            answer = self.api.post(
                f"{API}/webhooks/slack/{told.path}", content=told.body, headers=headers
            )
            self.seconds.append(time.monotonic() - began)
            self.answers[answer.status_code] += 1
            if answer.is_success:
                return


def inbound(
    stack: Stack,
    things: int,
    kills: int,
    rng: Random,
    *,
    each: int = 10,
    faults: Sequence[str] = (workers.ANY_MOMENT,),
    at_a_time: int = 2,
) -> Report:
    """At least so many things are done, `each` a feed, and at least so many workers killed."""
    report, team = Report(TRIAL), _Team.of(stack, rng)
    began = time.monotonic()

    def feed() -> None:
        troubles = [rng.choice(TROUBLES)] if rng.random() < TROUBLED else []
        team.script(*({**trouble, "times": 1} for trouble in troubles))
        team.does(each)

    plan = islice(cycle(faults), kills)
    ended = workers.kill(
        stack, rng, plan, at_a_time, feed=feed, busy=lambda: team.open() > 0, report=report
    )
    report.kills = len(ended)
    team.script()
    stack.worker()
    while len(team.wanted) < things:
        feed()
    team.script()
    team.tell(team.waiting)
    took = _until_over(team)
    _judge(report, team)
    _sent_away(report, team)
    late = sorted(team.seconds)
    p99, longest = late[int(len(late) * 0.99)], late[-1]
    report.demand(longest <= SLACK_WAITS_S, f"answered after {longest:.1f} s")
    report.demand(set(team.answers) == {200}, f"answered {dict(team.answers)}")
    report.figure = (
        f"{sum(team.answers.values()):,} requests for {len(team.wanted):,} todos, answered within "
        f"{p99 * 1000:.0f} ms (p99), {longest * 1000:.0f} ms at most; {report.figure}; all said "
        f"{took:.0f} s after the last one; {time.monotonic() - began:.0f} s"
    )
    return report


def _until_over(team: _Team) -> float:
    began = time.monotonic()
    while team.open() and time.monotonic() < began + DRAIN_S:
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def _judge(report: Report, team: _Team) -> None:
    titles = Counter(title for (title,) in team.stack.rows(_TODOS, id=team.owner.id))
    report.operations = len(team.wanted)
    report.lost = sum(title not in titles for title in team.wanted)
    report.duplicates = sum(count - 1 for count in titles.values())
    strangers = titles.keys() - set(team.wanted)
    report.demand(not strangers, f"nobody asked for {strangers}")
    report.demand(not report.lost, f"{report.lost} todos were not made")
    report.demand(not report.duplicates, f"{report.duplicates} todos were made twice")
    asked = {"vendor": "slack"}
    calls = [
        each
        for each in team.vendor.get("/ledger.json", params=asked).json()
        if each["kind"] == "response_url"
    ]
    said = Counter(
        each["request"]["path"].rpartition("/")[2]
        for each in calls
        if each["response_status"] in (200, None)
    )
    unsaid = [title for title in team.wanted if not said[_last(title)]]
    report.demand(not unsaid, f"{len(unsaid)} were not answered")
    again = sum(count - 1 for count in said.values())
    report.ambiguous = again
    # Some are on their way when a worker is killed, or their answers are lost.
    report.demand(again <= (report.kills + 1) * AT_ONCE, f"{again} answers were said twice")
    report.figure = f"{again} answers said twice after a kill or a lost answer"


def _sent_away(report: Report, team: _Team) -> None:
    """F15: Slack says, ten times, that its tokens are of no use any more."""
    team.tell([team.happens({"type": "tokens_revoked", "tokens": {"bot": [team.user]}})] * TIMES)
    _until_over(team)
    [status] = {each["status"] for each in team.owner.must("GET", "/integrations")["data"]}
    report.demand(status == "needs_reauth", f"sent away, it stands as {status}")
    [(told,)] = team.stack.rows(_PAUSES, id=team.owner.id)
    report.demand(told == 1, f"told {told} times that it has to be connected again")


def _last(title: str) -> str:
    return title.rpartition(" ")[2]
