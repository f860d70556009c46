"""The sandbox's receiver: takes what Standard Webhooks describes, and nothing else."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from integrations.standard_webhooks import Signer
from tests.integrations.conftest import Sandbox

BODY = b'{"type":"todo.created"}'
SIGNER = Signer([os.urandom(32), os.urandom(32)], b"s" * 32)


def headers(ago: timedelta = timedelta(0)) -> dict[str, str]:
    return SIGNER.headers("msg_1", BODY, now=datetime.now(UTC) - ago)


def test_it_takes_what_is_signed_and_shows_it(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/hooks/shown", content=BODY, headers=headers())
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    [row] = sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == ("hooks", "shown", 200)
    assert row["request"]["body"] == BODY.decode()
    assert row["request"]["headers"]["webhook-id"] == "msg_1"
    assert "todo.created" in sandbox.http.get("/hooks", params={"name": "shown"}).text
    assert "todo.created" not in sandbox.http.get("/hooks", params={"name": "nobodys"}).text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"webhook-id": ""}, 400),
        ({"webhook-id": "msg.1"}, 400),
        ({"webhook-timestamp": "now"}, 400),
        ({"webhook-signature": ""}, 400),
        ({"webhook-signature": "v1,nonsense"}, 400),
        ({"content-type": "text/plain"}, 415),
    ],
)
def test_it_refuses_what_a_receiver_would(
    sandbox: Sandbox, change: dict[str, str], status: int
) -> None:
    answer = sandbox.http.post("/hooks/mine", content=BODY, headers=headers() | change)
    assert answer.status_code == status


def test_it_refuses_old_messages_other_methods_and_what_is_no_json(sandbox: Sandbox) -> None:
    old = headers(timedelta(minutes=6))
    assert sandbox.http.post("/hooks/mine", content=BODY, headers=old).status_code == 400
    assert sandbox.http.get("/hooks/mine").status_code == 405
    assert sandbox.http.post("/hooks/mine", content=b"{", headers=headers()).status_code == 400
    assert sandbox.http.post("/hooks/a/b", content=BODY, headers=headers()).status_code == 404
    big = b'"' + b"x" * 1024 * 1024 + b'"'
    assert sandbox.http.post("/hooks/mine", content=big, headers=headers()).status_code == 413


def test_a_receiver_fails_by_its_own_name(sandbox: Sandbox) -> None:
    sandbox.fault(vendor="hooks", kind="mine", status=503, headers={"Retry-After": "7"})
    answer = sandbox.http.post("/hooks/other", content=BODY, headers=headers())
    assert answer.status_code == 200
    answer = sandbox.http.post("/hooks/mine", content=BODY, headers=headers())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
