"""`voicetodo webhooks …`, and `listen` on a port of this machine."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from tests import plain
from tests.commanding import Run
from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.serving import serve

URL = "http://127.0.0.1:8025/hooks/mine"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's example
BODY = '{"type": "todo.created", "data": {"title": "K\u00e4se"}}'


def test_an_endpoint_is_made_shown_changed_and_given_up(alice: Run) -> None:
    assert alice("webhooks", "list").out == "None yet: `voicetodo webhooks create URL`\n"
    made = alice("webhooks", "create", URL, "--events", "todo.*", "--events", "list.created")
    assert made.code == 0, made.err
    assert "whsec_" in made.out
    assert "not shown again" in made.out
    [endpoint] = alice("webhooks", "list", "--json").document
    which = endpoint["id"][-8:]
    assert which in alice("webhooks", "list").out
    shown = alice("webhooks", "show", which).out
    assert URL in shown
    assert "todo.* list.created" in shown
    assert "whsec_" not in shown
    changed = alice("webhooks", "edit", which, "--payload", "thin", "--disable", "--json").document
    assert (changed["payload"], changed["status"]) == ("thin", "disabled")
    assert "disabled (by hand)" in alice("webhooks", "list").out
    refused = alice("webhooks", "test", which)
    assert (refused.code, refused.out) == (1, "")
    assert alice("webhooks", "edit", which, "--enable").code == 0
    assert alice("webhooks", "delete", which).out == "It is told nothing more.\n"
    gone = alice("webhooks", "show", endpoint["id"])
    assert gone.code == 1
    assert "no such webhook" in gone.err


def test_secrets_are_rotated_and_deliveries_sent_again(alice: Run) -> None:
    made = alice("webhooks", "create", URL, "--json").document
    which = made["id"]
    rotated = alice("webhooks", "rotate", which, "--json").document
    assert rotated["secret"] != made["secret"]
    assert alice("webhooks", "deliveries", which).out == "Nothing was sent yet.\n"
    sent = alice("webhooks", "test", which, "--json").document
    listed = alice("webhooks", "deliveries", which).out
    short = sent["id"].replace("-", "")[-8:]
    assert short in listed
    assert "webhook.test" in listed
    none = alice("webhooks", "deliveries", which, "--status", "failed", "--json").document
    assert none["data"] == []
    shown = alice("webhooks", "deliveries", which, short).out
    assert sent["message_id"] in shown
    assert alice("webhooks", "redeliver", which, short).out == "On its way again.\n"
    since = alice("webhooks", "redeliver", which, "--since", "2026-01-01T00:00:00Z")
    assert since.out == "0 deliveries are on the way again.\n"  # a test is of no time


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("create", "https://hooks.example.com/"), "/url: The dev profile calls only"),
        (("create", URL, "--events", "todo.eaten"), "/events/0: "),
        (("show", "x"), "too short"),
        (("show", "00000000"), "there is no webhook"),
        (("edit", "00000000"), "say what to change"),
        (("redeliver", "00000000"), "give a delivery, or --since"),
        (("listen", "--port", "1"), "--port goes with --secret"),
        (("listen", "--secret", "x"), "whsec_"),
    ],
)
def test_what_is_wrong_is_said(alice: Run, given: tuple[str, ...], told: str) -> None:
    refused = alice("webhooks", *given)
    assert refused.code in {1, 2}
    assert told in refused.err
    assert refused.out == ""


def signed(body: str = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
        "content-type": "application/json",
    }


@contextmanager
def posting(port: int, *posts: Callable[[str], httpx2.Response]) -> Iterator[list[int]]:
    """Carry these out, one after the other, once somebody listens there; what was answered."""
    answers: list[int] = []

    def work() -> None:
        ends = time.monotonic() + PATIENCE_S
        for post in posts:
            while time.monotonic() < ends:
                try:
                    answers.append(post(f"http://127.0.0.1:{port}/").status_code)
                    break
                except httpx2.TransportError:  # nobody listens yet, or has heard enough of it
                    time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    yield answers
    thread.join()


def test_what_arrives_on_a_port_is_verified_and_shown(alice: Run) -> None:
    port = free_port()
    body = BODY.encode()
    with posting(
        port,
        lambda url: plain.post(url, content=body, headers=signed()),
        plain.get,
        lambda url: plain.post(url, content=iter([body])),  # of no stated length
        lambda url: plain.post(url, content=b" " * (1024 * 1024 + 1)),
        lambda url: plain.post(url, content=body + b" ", headers=signed()),
    ) as answers:
        ran = alice(
            *("webhooks", "listen", "--secret", SECRET),
            *("--port", str(port), "--count", "2", "--json"),
        )
    assert answers == [204, 501, 411, 413, 401]
    assert ran.code == 1  # one was not ours
    good, bad = (json.loads(line) for line in ran.out.splitlines())
    assert (good["verified"], good["payload"]) == (True, json.loads(BODY))
    assert (bad["verified"], bad["fault"]) == (False, "No v1 signature is of this secret.")


def test_what_arrives_is_handed_on_as_it_came(alice: Run) -> None:
    port = free_port()
    taken: list[tuple[dict[str, str], bytes]] = []

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        taken.append((headers, (await receive())["body"]))
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body"})

    mine = signed()
    with (
        serve(receiver, lifespan="off") as url,
        posting(port, lambda to: plain.post(to, content=BODY.encode(), headers=mine)),
    ):
        ran = alice(
            *("webhooks", "listen", "--secret", SECRET, "--port", str(port)),
            *("--forward", url, "--count", "1"),
        )
    assert ran.code == 0, ran.err
    assert "todo.created  verified  msg_1  forwarded: 202" in ran.out
    [(headers, body)] = taken
    assert Webhook(SECRET).verify(body, headers) == json.loads(BODY)


def test_a_port_in_use_is_said(alice: Run) -> None:
    with serve(lambda *_: None, lifespan="off") as url:
        port = url.rpartition(":")[2]
        ran = alice("webhooks", "listen", "--secret", SECRET, "--port", port, "--count", "1")
    assert ran.code == 2
    assert f"port {port} cannot be used" in ran.err
