"""Slack's requests at our door: genuine or not, once or ten times, however they look."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import orjson
import pytest
from slack_sdk.signature import SignatureVerifier

from tests.people import API, Person, register
from tests.slacking import ANN, Team, acme, signed
from tests.teams import sql
from tests.todos import make

__all__ = ["acme"]  # a fixture

ROUTES = ("commands", "interactions", "events")
HOSTILE = [2000, pytest.param(10_000, marks=pytest.mark.long)]


async def sent(acme: Team, path: str, body: bytes, **headers: str) -> httpx2.Response:
    """Unsigned, but for what `headers` say."""
    return await acme.http.post(f"{API}/webhooks/slack/{path}", content=body, headers=headers)


def test_it_is_signed_here_as_slacks_own_library_does(acme: Team) -> None:
    body = acme.command_body(ANN, "add Buy milk")
    headers = signed(acme.secret, body)
    assert SignatureVerifier(acme.secret.decode()).is_valid_request(body, headers)


async def test_the_address_is_confirmed(acme: Team) -> None:
    body = orjson.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdx"})
    answer = await acme.post("events", body)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdx"})
    assert (await sent(acme, "events", body)).status_code == 401


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda *_: {},
        lambda headers, _: {**headers, "X-Slack-Signature": "v0=" + "0" * 64},
        lambda headers, _: {**headers, "X-Slack-Signature": "v0=é"},
        lambda headers, _: {**headers, "X-Slack-Signature": headers["X-Slack-Signature"].upper()},
        lambda headers, _: {**headers, "X-Slack-Request-Timestamp": "soon"},
        lambda headers, _: {**headers, "X-Slack-Request-Timestamp": "9" * 400},
        lambda headers, _: {**headers, "X-Slack-Request-Timestamp": "-1"},
        lambda _, again: again(time.time() - 301),
        lambda _, again: again(time.time() + 600),
    ],
    ids=["none", "other", "letters", "case", "words", "long", "negative", "old", "early"],
)
async def test_what_slack_did_not_sign_now_is_refused(
    acme: Team, path: str, wrong: Callable[[dict[str, str], Any], dict[str, str]]
) -> None:
    body = acme.command_body(ANN, "add Buy milk")
    headers = wrong(signed(acme.secret, body), lambda at: signed(acme.secret, body, at=at))
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await acme.http.post(f"{API}/webhooks/slack/{path}", content=body, headers=encoded)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await acme.rows() == []


async def test_a_changed_body_is_refused(acme: Team) -> None:
    body = acme.command_body(ANN, "add Buy milk")
    headers = signed(acme.secret, body)
    assert (await sent(acme, "commands", body + b"!", **headers)).status_code == 401


async def test_a_body_has_an_end(acme: Team) -> None:
    body = b"text=" + b"x" * 1024 * 1024
    assert (await acme.post("commands", body)).status_code == 413


async def test_what_no_row_can_hold_is_left_out(acme: Team, alice: Person) -> None:
    await acme.join(alice, ANN)
    await acme.types(ANN, "add Buy\0 milk")
    [todo] = (await alice.get("/todos")).json()["data"]
    assert todo["title"].startswith("Buy milk")


async def test_slack_looks_at_the_certificate(acme: Team) -> None:
    assert (await acme.post("commands", b"ssl_check=1&token=x")).status_code == 200
    assert await acme.rows() == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "text": "hello", "user": ANN},
        {"type": "app_home_opened", "user": ANN, "tab": "messages"},
        {"type": "tokens_revoked", "tokens": {"oauth": [ANN]}},
    ],
    ids=lambda event: event["type"],
)
async def test_what_does_not_concern_us_is_not_kept(acme: Team, event: dict[str, Any]) -> None:
    assert (await acme.happens(event)).status_code == 200
    assert await acme.rows() == []


async def test_a_link_button_is_slacks_own_business(acme: Team) -> None:
    action = {"action_id": "voicetodo_open", "block_id": "x", "value": ""}
    payload = {"type": "block_actions", "team": {"id": acme.id}, "user": {"id": ANN}}
    body = urlencode({"payload": orjson.dumps({**payload, "actions": [action]}).decode()})
    assert (await acme.post("interactions", body.encode())).status_code == 200
    assert await acme.rows() == []


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=pytest.mark.long)])
async def test_f16_each_is_done_once_however_it_comes(acme: Team, count: int) -> None:
    """Ten times each, in any order and at the same moment, with the worker among them."""
    people = [await register(acme.http, f"p{n}") for n in range(count)]
    told: list[tuple[str, bytes]] = []
    for nth, person in enumerate(people):
        user = f"U0P{nth}"
        await acme.join(person, user)
        todo = await make(person, "Snoozed")
        button = {"action_id": "voicetodo_snooze_10m", "block_id": "b"}
        told.append(("interactions", press(acme, user, {**button, "value": f"todo:{todo['id']}"})))
        told += [("commands", acme.command_body(user, f"add Made {n}")) for n in range(8)]
        event = {"type": "app_home_opened", "user": user, "tab": "home"}
        envelope = {"type": "event_callback", "team_id": acme.id, "event": event}
        told.append(("events", orjson.dumps({**envelope, "event_id": f"Ev{uuid4().hex[:8]}"})))
    deliveries = [(nth, *each) for each in told for nth in range(10)]
    random.Random(16).shuffle(deliveries)  # noqa: S311 - no secret
    some = asyncio.Semaphore(20)

    async def deliver(nth: int, path: str, body: bytes) -> int:
        async with some:
            again = {"X-Slack-Retry-Num": str(nth), "X-Slack-Retry-Reason": "http_timeout"}
            return (await acme.post(path, body, again if nth else None)).status_code

    async def works() -> None:
        for _ in range(20):
            await acme.did()
            await asyncio.sleep(0.01)

    statuses, *_ = await asyncio.gather(
        asyncio.gather(*(deliver(*each) for each in deliveries)), works(), works()
    )
    await acme.did()
    assert set(statuses) == {200}
    rows = await acme.rows()
    assert len(rows) == len(told) == 10 * count
    for person in people:
        page = (await person.get("/todos", params={"limit": 100})).json()["data"]
        made = sorted(each["title"] for each in page)
        assert made == [*(f"Made {n}" for n in range(8)), "Snoozed"]
        assert [len(each["reminders"]) for each in page if each["title"] == "Snoozed"] == [1]
    asked = await sql(
        acme.database_url,
        "SELECT count(*) FROM outbox WHERE workflow_type = 'HandleSlack' AND subject_id = ANY (%s)",
        [key for key, _ in rows],
    )
    assert asked == [(len(told),)]


async def test_it_is_acknowledged_at_once(acme: Team, alice: Person) -> None:
    """Neither Temporal nor Slack is there in this test, and nobody works."""
    await acme.join(alice, ANN)
    took = []
    for n in range(50):
        began = time.monotonic()
        answer = await acme.post("commands", acme.command_body(ANN, f"add Made {n}"))
        took.append(time.monotonic() - began)
        assert (answer.status_code, answer.content) == (200, b"")
    assert statistics.median(took) < 3  # which Slack gives; single ones wait for other tests


@pytest.mark.parametrize("count", HOSTILE)
async def test_s13_whatever_comes_is_answered(acme: Team, count: int) -> None:
    """Seeded; signed by Slack, for what is not is refused before it is looked at."""
    dice = random.Random(13)  # noqa: S311 - no secret
    for nth in range(count):
        path, body = hostile(dice, acme.id)
        genuine = dice.random() < 0.9
        headers = signed(acme.secret, body) if genuine else noise_headers(dice)
        answer = await sent(acme, path, body, **headers)
        assert answer.status_code in {200, 401, 422}, (nth, path, body, answer.text)
        assert genuine or answer.status_code == 401
    await acme.did()  # and all that was kept comes to an end
    assert None not in [result for _, result in await acme.rows()]


def press(acme: Team, user: str, action: dict[str, str]) -> bytes:
    payload = {
        "type": "block_actions",
        "team": {"id": acme.id},
        "user": {"id": user},
        "trigger_id": uuid4().hex,
        "actions": [action],
        "response_url": "https://hooks.slack.com/actions/x",
    }
    return urlencode({"payload": orjson.dumps(payload).decode()}).encode()


ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63 - 1,
        "HUGE",
        1e308,
        "",
        " ",
        "\0",
        "a\0b",
        "\u202e",
        "é" * 300,
        "x" * 9000,
    ),
    *("'; DROP TABLE todos; --", "<!channel>", "../../etc", "{}", "[]", "todo:", "todo:x", "undo:"),
    *("answer::", "todo:" + "0" * 36, str(uuid4()), f"todo:{uuid4()}:{'w' * 500}", [], {}, [[]]),
    *({"id": None}, {"id": "T" * 100}, [{"action_id": "voicetodo_complete"}], ["x"], "voicetodo_"),
]


def hostile(dice: random.Random, team: str) -> tuple[str, bytes]:
    path = dice.choice(ROUTES)
    if dice.random() < 0.15:
        return path, dice.randbytes(dice.randrange(200))
    good = {"commands": _command, "interactions": _interaction, "events": _event}[path](team, dice)
    _spoil(good, dice)
    if path == "events":
        body = _json(good)
    elif path == "interactions":
        body = urlencode({"payload": _json(good)}).encode()
    else:
        body = urlencode({key: each for key, each in good.items() if each is not None}).encode()
    if dice.random() < 0.1:
        at = dice.randrange(len(body) + 1)
        body = body[:at] + dice.randbytes(3) + body[at:]
    return path, body


def noise_headers(dice: random.Random) -> dict[str, str]:
    odd = ["", "v0=", "v0=zz", "v1=" + "0" * 64, "0", "1e9", "nan", "9" * 30, str(int(time.time()))]
    return {
        "X-Slack-Request-Timestamp": dice.choice(odd),
        "X-Slack-Signature": dice.choice(odd),
    }


def _json(value: object) -> bytes:
    """With a lone surrogate, and a number beyond all bounds, where their names stand."""
    text = orjson.dumps(value).replace(b"LONE", rb"\ud800")
    return text.replace(b'"HUGE"', b"1" + b"0" * 400)


def _spoil(value: Any, dice: random.Random) -> None:
    """Some of it, at any depth."""
    for _ in range(dice.randrange(4)):
        at = value
        while isinstance(at, dict) and at:
            key = dice.choice(list(at))
            if not isinstance(at[key], dict) or dice.random() < 0.4:
                if dice.random() < 0.2:
                    del at[key]
                else:
                    at[key] = dice.choice(ODD)
                break
            at = at[key]


def _command(team: str, dice: random.Random) -> dict[str, Any]:
    text = dice.choice(["add x", "list", "done x", "remind", "undo", "help", "LONE", "", "\0"])
    return {
        "team_id": team,
        "user_id": ANN,
        "text": text,
        "response_url": dice.choice(["http://127.0.0.1:1/x", "https://hooks.slack.com/x", "::"]),
        "trigger_id": dice.choice([uuid4().hex, "1", "é"]),
    }


def _interaction(team: str, dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(["block_actions", "message_action", "view_submission", "shortcut"])
    return {
        "type": kind,
        "callback_id": "voicetodo_make_todo",
        "team": {"id": team, "domain": "acme"},
        "user": {"id": ANN},
        "channel": {"id": "C1"},
        "trigger_id": uuid4().hex,
        "response_url": "https://hooks.slack.com/x",
        "message": {"text": "Buy <http://x|milk> LONE", "ts": "1.1"},
        "actions": [
            {"action_id": "voicetodo_complete", "block_id": "b", "value": dice.choice(ODD)}
        ],
    }


def _event(team: str, dice: random.Random) -> dict[str, Any]:
    what = dice.choice(["app_home_opened", "app_uninstalled", "tokens_revoked", "message"])
    return {
        "type": dice.choice(["event_callback", "url_verification", "app_rate_limited"]),
        "challenge": "c",
        "team_id": team,
        "event_id": f"Ev{dice.randrange(10**9)}",
        "event_time": dice.choice([int(time.time()), 0, -5, 99_999_999_999]),
        "event": {"type": what, "user": ANN, "tab": "home", "tokens": {"bot": ["U1"]}},
    }
