from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from core.errors import Gone, VendorError
from core.rules.push import Subscription
from integrations import web_push
from integrations.http import guarded_client
from integrations.http_connection import Connection
from integrations.http_transport import Limits
from integrations.sandbox import push_crypto
from integrations.web_push import MAX_CONTENT, Push, WebPush
from tests.integrations.conftest import Sandbox
from tests.patience import until

KEY = generate_private_key(SECP256R1())
CONTACT = "mailto:todo@voicetodo.example"
ANYWHERE = frozenset({"*"})


@pytest.fixture
async def sender(sandbox: Sandbox) -> AsyncIterator[WebPush]:
    limits = Limits(timeout=1, connections=128, max_body=64 * 1024, cut_body=True)
    async with guarded_client(limits, sandbox_url=sandbox.url) as client:
        yield WebPush(client, KEY, CONTACT, ANYWHERE)


@pytest.fixture
def browser(sandbox: Sandbox) -> Subscription:
    return subscribe(sandbox)


def subscribe(sandbox: Sandbox) -> Subscription:
    given = sandbox.http.post("/push/subscriptions").json()
    return Subscription(UUID(int=1), given["endpoint"], **given["keys"])


def push(to: Subscription, **changes: Any) -> Push:
    values: dict[str, Any] = {
        "to": to,
        "content": b'{"title":"Milk"}',
        "smaller": b"{}",
        "topic": "a-topic",
        "urgency": "normal",
        "lasts": timedelta(hours=1),
    }
    return Push(**values | changes)


def waiting(sandbox: Sandbox, to: Subscription) -> list[str]:
    path = to.endpoint.removeprefix(sandbox.url).replace("/push/", "/push/subscriptions/")
    return [each["payload"] for each in sandbox.http.get(f"{path}/messages").json()]


async def test_a_push_arrives(sender: WebPush, browser: Subscription, sandbox: Sandbox) -> None:
    assert await sender.send(push(browser, urgency="high"))
    (row,) = sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == ("web_push", "push", 201)
    assert row["request"]["decrypted"] == '{"title":"Milk"}'
    headers = row["request"]["headers"]
    assert (headers["ttl"], headers["urgency"], headers["topic"]) == ("3600", "high", "a-topic")


async def test_the_largest_content_fits(
    sender: WebPush, browser: Subscription, sandbox: Sandbox
) -> None:
    content = b"x" * MAX_CONTENT
    assert len(web_push.seal(browser, content)) == 4096
    assert await sender.send(push(browser, content=content))
    assert [row["response_status"] for row in sandbox.ledger()] == [201]


async def test_one_token_per_service_and_none_for_another(
    sender: WebPush, browser: Subscription, sandbox: Sandbox
) -> None:
    """`pywebpush.webpush` keeps the first service's `aud` for the next one."""
    for _ in range(3):
        await sender.send(push(browser))
    here = sender._token(sandbox.url)  # noqa: SLF001 - that it is the same cannot be seen outside
    there = sender._token("https://push.example.net")  # noqa: SLF001 - as above
    assert sender._token(sandbox.url) is here  # noqa: SLF001 - as above
    for token, audience in ((here, sandbox.url), (there, "https://push.example.net")):
        signed = token.split("t=")[1].split(",")[0]
        claims = jwt.decode(signed, KEY.public_key(), ["ES256"], audience=audience)
        assert claims["sub"] == CONTACT
        assert push_crypto.encode(push_crypto.point(KEY)) in token


async def test_an_old_token_is_signed_anew(
    sender: WebPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sender._token("https://a.example")  # noqa: SLF001 - its age cannot be seen outside
    monkeypatch.setattr(web_push, "TOKEN_LASTS", timedelta(hours=1))
    second = sender._token("https://b.example")  # noqa: SLF001 - lasts as long as it is renewed before
    assert sender._token("https://a.example") is first  # noqa: SLF001 - as above
    assert sender._token("https://b.example") is not second  # noqa: SLF001 - as above


async def test_tokens_of_many_services_are_not_kept_for_ever(
    sender: WebPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_push, "AUDIENCES", 3)
    for nth in range(10):
        sender._token(f"https://{nth}.example")  # noqa: SLF001 - its memory cannot be seen outside
    assert len(sender._tokens) == 3  # noqa: SLF001 - as above


@pytest.mark.parametrize(
    ("fault", "permanent", "ambiguous", "wait"),
    [
        ({"status": 400}, True, False, None),
        ({"status": 401}, True, False, None),
        ({"status": 403}, True, False, None),
        ({"status": 301, "headers": {"Location": "http://127.0.0.1:1/"}}, True, False, None),
        ({"status": 429, "headers": {"Retry-After": "30"}}, False, False, 30),
        ({"status": 500}, False, False, None),
        ({"status": 502, "body": "<html>\x00garbage"}, False, False, None),
        ({"status": 503, "headers": {"Retry-After": "2"}}, False, False, 2),
        ({"drop": "before"}, False, True, None),
        ({"drop": "after"}, False, True, None),
        ({"delay_ms": 1500}, False, True, None),
    ],
)
async def test_failures_say_whether_to_try_again(
    sender: WebPush,
    browser: Subscription,
    sandbox: Sandbox,
    fault: dict[str, Any],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    wait: int | None,
) -> None:
    sandbox.fault(vendor="web_push", **fault)
    with pytest.raises(VendorError) as caught:
        await sender.send(push(browser))
    error = caught.value
    assert not isinstance(error, Gone)
    asked = None if wait is None else timedelta(seconds=wait)
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, asked)
    assert await sender.send(push(browser))  # the fault is used up, the client still works
    if "delay_ms" in fault:
        await until(lambda: len(sandbox.ledger()) >= 2)
    assert waiting(sandbox, browser) == ['{"title":"Milk"}']  # whatever was in doubt: one


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_ended_is_gone(
    sender: WebPush, browser: Subscription, sandbox: Sandbox, status: int
) -> None:
    sandbox.fault(vendor="web_push", status=status)
    with pytest.raises(Gone) as caught:
        await sender.send(push(browser))
    assert caught.value.permanent
    assert browser.endpoint not in str(caught.value)


async def test_what_is_too_large_is_shortened_once(
    sender: WebPush, browser: Subscription, sandbox: Sandbox
) -> None:
    sandbox.fault(vendor="web_push", status=413)
    await sender.send(push(browser, smaller=b"short"))
    assert [row["request"].get("decrypted") for row in sandbox.ledger()] == [None, "short"]
    sandbox.fault(vendor="web_push", status=413, times=2)
    with pytest.raises(VendorError) as caught:
        await sender.send(push(browser))
    assert caught.value.permanent


async def test_only_known_services_are_called(sandbox: Sandbox, browser: Subscription) -> None:
    async with guarded_client(sandbox_url=sandbox.url) as client:
        strict = WebPush(client, KEY, CONTACT, frozenset({"*.push.apple.com"}))
        with pytest.raises(VendorError) as caught:
            await strict.send(push(browser))
    assert caught.value.permanent
    assert sandbox.ledger() == []


async def test_the_dev_profile_calls_the_sandbox_only(
    sender: WebPush, browser: Subscription, sandbox: Sandbox
) -> None:
    path = browser.endpoint.removeprefix(sandbox.url)
    port = sandbox.url.rpartition(":")[2]
    for endpoint in (
        "https://fcm.googleapis.com/fcm/send/x",
        f"{sandbox.url}/v3/mail/send",
        f"{sandbox.url}/push/../faults",
        f"http://localhost:{port}{path}",
    ):
        to = Subscription(browser.id, endpoint, browser.p256dh, browser.auth)
        with pytest.raises(VendorError) as caught:
            await sender.send(push(to))
        assert caught.value.permanent
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.192",
        "0.0.0.0",  # noqa: S104 - refused, not listened on
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",  # mapped: never written so by an honest resolver
        "64:ff9b::7f00:1",  # NAT64
        "2002:7f00:1::",  # 6to4
    ],
)
async def test_what_resolves_to_a_private_address_is_never_dialled(
    browser: Subscription, address: str
) -> None:
    dialled: list[str] = []

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14", str(ip_address(address))]  # one public answer does not help

    async def connect(host: str, port: int) -> Connection:
        dialled.append(host)
        raise AssertionError(port)

    client = guarded_client(sandbox_url=None, resolve=resolve, connect=connect)
    async with client:
        to = Subscription(
            browser.id, "https://fcm.googleapis.com/fcm/send/x", browser.p256dh, browser.auth
        )
        with pytest.raises(VendorError) as caught:
            await WebPush(client, KEY, CONTACT, ANYWHERE).send(push(to))
    assert caught.value.permanent
    assert not caught.value.ambiguous
    assert dialled == []


def test_the_key_and_the_secret_are_told_to_nobody(sender: WebPush, browser: Subscription) -> None:
    assert "PrivateKey" not in repr(sender)
    assert browser.auth not in repr(push(browser))
