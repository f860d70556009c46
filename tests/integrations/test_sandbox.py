import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from core.errors import Misconfigured
from core.settings import Profile, Settings
from integrations.http import Client
from integrations.sandbox.app import create_app
from integrations.sandbox.ledger import Ledger
from integrations.sandbox.wire import Call
from tests.integrations.conftest import Sandbox

AUTH = {"authorization": "Bearer SG.x"}
GOOD: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ana@example.com"}]}],
    "from": {"email": "todo@voicetodo.example"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hello"}],
}


def send(sandbox: Sandbox, message: object = GOOD, **headers: str) -> httpx2.Response:
    return sandbox.http.post("/v3/mail/send", json=message, headers=AUTH | headers)


def people(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"email": f"p{number}@example.com"} for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": "x"}, "personalizations"),
        ({"personalizations": [{"to": people(1)}] * 1001}, "personalizations"),
        (
            {"personalizations": [{"to": people(600)}, {"to": people(401, 600)}]},
            "personalizations",
        ),
        ({"personalizations": ["x"]}, "personalizations.0"),
        ({"personalizations": [{}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [*people(1), "x"]}]}, "personalizations.0.to.1"),
        ({"personalizations": [{"to": [{"email": 5}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": [{"email": "a@b"}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": [{"email": "a@b.c\n"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": people(1), "cc": [{"email": "P0@example.com"}]}]},
            "personalizations.0",
        ),
        ({"personalizations": [{"to": people(1), "subject": ""}]}, "personalizations.0.subject"),
        (
            {"personalizations": [{"to": people(1), "custom_args": {"a": 1}}]},
            "personalizations.0.custom_args",
        ),
        ({"personalizations": [{"to": people(1), "color": 1}]}, "personalizations.0.color"),
        ({"personalizations": [{"to": people(1)}, {"to": people(1)}]}, "personalizations"),
        (
            {"personalizations": [{"to": [{"email": "a@example.com", "name": "A, B"}]}]},
            "personalizations.0.to.0.name",
        ),
        (
            {"personalizations": [{"to": people(1), "substitutions": {"-a-": "x" * 9_998}}]},
            "personalizations.0.substitutions",
        ),
        (
            {"personalizations": [{"to": people(1), "substitutions": {"-a-": 1}}]},
            "personalizations.0.substitutions",
        ),
        (
            {
                "personalizations": [
                    {"to": [each], "substitutions": {str(n): "" for n in range(2001)}}
                    for each in people(5)
                ]
            },
            "personalizations",
        ),
        ({"from": None}, "from.email"),
        ({"from": {"email": "todo"}}, "from.email"),
        ({"reply_to": {"email": "todo"}}, "reply_to.email"),
        ({"subject": None}, "subject"),
        ({"subject": ""}, "subject"),
        ({"content": None}, "content"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": [{"type": "", "value": "x"}]}, "content.0.type"),
        (
            {"content": [{"type": t, "value": "x"} for t in ("text/html", "text/plain")]},
            "content",
        ),
        ({"categories": [str(number) for number in range(11)]}, "categories"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"categories": ["a" * 256]}, "categories.0"),
        ({"custom_args": {"a": "x" * 10_001}}, "custom_args"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_sendgrid_refuses_what_the_real_one_refuses(
    sandbox: Sandbox, changes: dict[str, object], field: str
) -> None:
    message = {name: value for name, value in (GOOD | changes).items() if value is not None}
    answer = send(sandbox, message)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert all(each["message"] for each in answer.json()["errors"])
    (row,) = sandbox.ledger()
    assert row["response_status"] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"personalizations": [{"to": [person]} for person in people(1000)]},
        {"personalizations": [{"to": people(1), "substitutions": {"-a-": "x" * 9_997}}]},
        {"personalizations": [{"to": people(1), "subject": "Own"}], "subject": None},
        {"template_id": "d-1", "subject": None, "content": None},
        {"categories": ["a", "b"], "reply_to": {"email": "a@example.com", "name": "A"}},
        {"personalizations": [{"to": [{"email": "o'neil+x@sub.example.co.uk"}]}]},
    ],
)
def test_sendgrid_accepts_what_the_real_one_accepts(
    sandbox: Sandbox, changes: dict[str, object]
) -> None:
    message = {name: value for name, value in (GOOD | changes).items() if value is not None}
    answer = send(sandbox, message)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-message-id"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\x00", b'{"a": "\xff"}', b'"\\ud800"', b"[" * 100_000, b"1e999"],
)
def test_hostile_bodies_get_the_vendors_400(sandbox: Sandbox, body: bytes) -> None:
    answer = sandbox.http.post(
        "/v3/mail/send", content=body, headers=AUTH | {"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert sandbox.http.get("/ledger").status_code == 200  # pages bear it too


def test_nul_in_texts_is_carried(sandbox: Sandbox) -> None:
    message = GOOD | {"content": [{"type": "text/plain", "value": "a\x00b"}]}
    assert send(sandbox, message).status_code == 202
    seq = sandbox.ledger()[0]["seq"]
    assert sandbox.http.get(f"/mails/{seq}/0").status_code == 200


def test_a_body_over_30_mb_gets_the_vendors_413(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/v3/mail/send", content=b" " * (30 * 1024 * 1024 + 1), headers=AUTH)
    assert answer.status_code == 413
    assert answer.json()["errors"]
    assert sandbox.ledger()[0]["response_status"] == 413


def test_doors_of_the_real_one(sandbox: Sandbox) -> None:
    http = sandbox.http
    assert http.post("/v3/mail/send", json=GOOD).status_code == 401
    assert (
        http.post("/v3/mail/send", json=GOOD, headers={"authorization": "Basic eA=="}).status_code
        == 401
    )
    assert http.post("/v3/mail/send", content=b"{}", headers=AUTH).status_code == 415
    assert http.get("/v3/mail/send", headers=AUTH).status_code == 405
    assert http.get("/v3/stats", headers=AUTH).status_code == 404
    assert [row["response_status"] for row in sandbox.ledger()] == [401, 401, 415, 405, 404]


def test_validated_only_mail_is_not_in_the_mailbox(sandbox: Sandbox) -> None:
    message = GOOD | {"mail_settings": {"sandbox_mode": {"enable": True}}}
    assert send(sandbox, message).status_code == 200
    assert sandbox.http.get("/mail.json", params={"since": sandbox.since}).json() == []


def test_ledger_rows(sandbox: Sandbox) -> None:
    send(sandbox, **{"X-Custom": "Yes"})
    send(sandbox)
    first, second = sandbox.ledger()
    assert set(first) == {"seq", "vendor", "kind", "at", "request", "response_status"}
    assert first["request"]["method"] == "POST"
    assert first["request"]["path"] == "/v3/mail/send"
    assert first["request"]["headers"]["x-custom"] == "Yes"
    assert first["request"]["body"].startswith('{"personalizations"')
    assert second["seq"] == first["seq"] + 1
    assert first["at"] < second["at"]
    query: dict[str, str | int] = {"vendor": "slack", "since": sandbox.since}
    assert sandbox.http.get("/ledger.json", params=query).json() == []
    assert sandbox.http.get("/ledger.json", params={"vendor": "nobody"}).status_code == 422
    assert sandbox.http.get("/ledger.json", params={"since": "-1"}).status_code == 422


@pytest.mark.parametrize(
    ("sent", "kept"), [("Bearer SG.secret", "Bearer ***"), ("SG.secret", "***"), ("", "***")]
)
def test_ledger_does_not_keep_credentials(sandbox: Sandbox, sent: str, kept: str) -> None:
    send(sandbox, authorization=sent)
    assert sandbox.ledger()[0]["request"]["headers"]["authorization"] == kept


def test_only_accepted_mail_is_in_the_mailbox(sandbox: Sandbox) -> None:
    sandbox.fault(drop="after")
    with pytest.raises(httpx2.RemoteProtocolError):
        send(sandbox, GOOD | {"from": {"email": "nobody"}})
    sandbox.fault(status=500)
    send(sandbox)
    send(sandbox, GOOD | {"subject": ""})
    assert [row["response_status"] for row in sandbox.ledger()] == [None, 500, 400]
    assert sandbox.http.get("/mail.json", params={"since": sandbox.since}).json() == []


def test_ledger_keeps_to_its_bounds() -> None:
    ledger = Ledger(max_rows=3, max_bytes=10)
    for size in (1, 1, 1, 1, 8, 9):
        ledger.record("v", "k", Call("POST", "/", "", (), b"x" * size), 202, at=0)
        assert len(ledger) <= 3
    assert [row.seq for row in ledger.rows()] == [6]
    assert [row.seq for row in ledger.rows(since=5)] == [6]
    assert list(ledger.rows(since=6)) == []
    assert (ledger.get(5), ledger.get(0), ledger.last_seq) == (None, None, 6)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"vendor": "sendgrid"},
        {"vendor": "sendgrid", "times": 1},
        {"vendor": "nobody", "times": 1, "status": 500},
        {"vendor": "sendgrid", "times": 0, "status": 500},
        {"vendor": "sendgrid", "times": "1", "status": 500},
        {"vendor": "sendgrid", "times": 1, "status": 99},
        {"vendor": "sendgrid", "times": 1, "status": 500, "colour": "red"},
        {"vendor": "sendgrid", "times": 1, "drop": "sometimes"},
        {"vendor": "sendgrid", "times": 1, "drop": "after", "status": 500},
        {"vendor": "sendgrid", "times": 1, "drop": "after", "body": "x"},
        {"vendor": "sendgrid", "times": 1, "status": 500, "headers": {"a": "b\r\nc: d"}},
        {"vendor": "sendgrid", "times": 1, "status": 500, "headers": {"a b": "c"}},
        {"vendor": "sendgrid", "times": 1, "status": 500, "headers": {"Content-Length": "1"}},
    ],
)
def test_nonsense_faults_are_refused(sandbox: Sandbox, fault: dict[str, object]) -> None:
    assert sandbox.http.post("/faults", json=fault).status_code == 422
    assert sandbox.http.get("/faults.json").json() == []


def test_faults_count_down_in_order(sandbox: Sandbox) -> None:
    sandbox.fault(kind="GET /v3/stats", status=500)
    sandbox.fault(times=2, status=429, headers={"Retry-After": "3"})
    sandbox.fault(kind="mail.send", status=503, body={"own": "body"})
    answers = [send(sandbox) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 503, 202]
    assert answers[0].headers["retry-after"] == "3"
    assert answers[0].json()["errors"][0]["message"] == "too many requests"
    assert answers[2].json() == {"own": "body"}
    (left,) = sandbox.http.get("/faults.json").json()
    assert (left["kind"], left["times"]) == ("GET /v3/stats", 1)
    assert sandbox.http.delete("/faults").status_code == 204
    assert sandbox.http.get("/faults.json").json() == []


@pytest.mark.parametrize(("drop", "rows"), [("before", []), ("after", [None])])
def test_a_dropped_call_gets_no_byte(sandbox: Sandbox, drop: str, rows: list[None]) -> None:
    sandbox.fault(drop=drop)
    parts = urlsplit(sandbox.url)
    request = sandbox.http.build_request("POST", "/v3/mail/send", json=GOOD, headers=AUTH)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST /v3/mail/send HTTP/1.1", *lines, "", ""]).encode()
    with socket.create_connection((str(parts.hostname), parts.port or 0), 5) as raw:
        raw.sendall(head + request.read())
        assert raw.recv(1024) == b""
    assert [row["response_status"] for row in sandbox.ledger()] == rows
    mails = sandbox.http.get("/mail.json", params={"since": sandbox.since}).json()
    assert len(mails) == len(rows)


async def test_delays_do_not_queue(sandbox: Sandbox, client: Client) -> None:
    sandbox.fault(times=100, delay_ms=300)
    calls = (client.post(f"{sandbox.url}/v3/mail/send", content=b"{}") for _ in range(100))
    async with asyncio.timeout(20):  # one after another they would take 30 s
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {401}


def test_pages(sandbox: Sandbox) -> None:
    evil = '<script>alert("x")</script>'
    message = GOOD | {
        "personalizations": [{"to": people(1)}, {"to": people(1, 1), "subject": evil}],
        "content": [
            {"type": "text/plain", "value": evil},
            {"type": "text/html", "value": f"<h1>Milk</h1>{evil}"},
        ],
        "categories": ["<b>reminder</b>"],
    }
    send(sandbox, message)
    seq = sandbox.ledger()[0]["seq"]
    for path in ("/", "/?to=p1@", f"/mails/{seq}/0", f"/mails/{seq}/1", "/ledger", "/faults"):
        page = sandbox.http.get(path)
        assert page.status_code == 200, path
        assert evil not in page.text, path
        assert "<b>reminder" not in page.text, path
        assert "default-src 'none'" in page.headers["content-security-policy"]
    found = sandbox.http.get("/", params={"to": "P1@EXAMPLE"}).text
    assert f"/mails/{seq}/1" in found
    assert f"/mails/{seq}/0" not in found
    mail = sandbox.http.get(f"/mails/{seq}/0").text
    assert "allow-scripts" not in mail
    assert "allow-same-origin" not in mail
    assert 'srcdoc="&lt;base target=_blank&gt;&lt;h1&gt;Milk&lt;/h1&gt;' in mail
    assert f'href="/mails/{seq}/1"' in mail
    for path in (f"/mails/{seq}/2", f"/mails/{seq}/-1", f"/mails/{seq + 1}/0", "/mails/0/0"):
        assert sandbox.http.get(path).status_code == 404
    assert sandbox.http.get("/mails/x/0").status_code == 422


def test_faults_by_form(sandbox: Sandbox) -> None:
    form = {"vendor": "sendgrid", "kind": "", "times": "2", "status": "429", "retry_after": "9"}
    form |= {"delay_ms": "", "drop": "", "body": ""}
    answer = sandbox.http.post("/faults/form", data=form, follow_redirects=True)
    assert "answers 429" in answer.text
    assert send(sandbox).headers["retry-after"] == "9"
    refused = sandbox.http.post("/faults/form", data=form | {"status": "9"})
    assert refused.status_code == 422
    assert "status" in refused.text
    sandbox.http.post("/faults/form", data={"clear": "1"})
    assert sandbox.http.get("/faults.json").json() == []


def test_health(sandbox: Sandbox) -> None:
    assert sandbox.http.get("/health").status_code == 200


def test_it_does_not_run_in_production() -> None:
    config = Settings(_env_file=None).model_copy(update={"profile": Profile.PRODUCTION})
    with pytest.raises(Misconfigured):
        create_app(config)


async def test_a_job_that_erases_is_no_mail_to_tell_of() -> None:
    app = create_app(Settings(_env_file=None), events_to="http://127.0.0.1:9/webhooks/sendgrid")
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        asked = {"email_addresses": ["ana@example.com"]}
        answer = await http.post("/v3/recipients/erasejob", json=asked, headers=AUTH)
    assert answer.status_code == 202
