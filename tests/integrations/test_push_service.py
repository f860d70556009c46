"""The sandbox's push service, by the RFCs: theirs are the vectors, not ours."""

import time
from base64 import urlsafe_b64decode
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from pywebpush import WebPusher

from integrations.sandbox import push_crypto
from integrations.sandbox.push_crypto import Refused
from tests.integrations.conftest import Sandbox

KEY = generate_private_key(SECP256R1())


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


# RFC 8291, Appendix A
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc"
    "InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLV"
    "WGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_rfc_is_read() -> None:
    key = derive_private_key(int.from_bytes(decode(RECEIVER)), SECP256R1())
    assert push_crypto.open_message(decode(MESSAGE), key, decode(AUTH)) == (
        b"When I grow up, I want to be a watermelon"
    )


def test_no_byte_of_it_can_be_another() -> None:
    key = derive_private_key(int.from_bytes(decode(RECEIVER)), SECP256R1())
    message = decode(MESSAGE)
    for at in range(len(message)):
        wrong = bytearray(message)
        wrong[at] ^= 1
        with pytest.raises(Refused):
            push_crypto.open_message(bytes(wrong), key, decode(AUTH))
    for length in range(len(message)):
        with pytest.raises(Refused):
            push_crypto.open_message(message[:length], key, decode(AUTH))


# RFC 8292, 2.4; signed for 2016
EXAMPLE = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5"
    "uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfx"
    "CDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, "
    "k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def test_the_token_of_the_rfc_is_read() -> None:
    checked = push_crypto.check_vapid(EXAMPLE, audience="https://push.example.net", now=1453523000)
    assert checked.claims["sub"] == "mailto:push@example.com"


@pytest.mark.parametrize(
    ("audience", "now"),
    [
        ("https://push.example.com", 1453523000),
        ("https://push.example.net", 1453523768),  # expired
        ("https://push.example.net", 1453523768 - 86_401),  # valid for too long
    ],
)
def test_a_token_for_others_or_another_time_is_refused(audience: str, now: int) -> None:
    with pytest.raises(Refused):
        push_crypto.check_vapid(EXAMPLE, audience=audience, now=now)


class Browser:
    """One subscription, and what a server of ours would send to it with the plain library."""

    def __init__(self, sandbox: Sandbox, **options: Any) -> None:
        answer = sandbox.http.post("/push/subscriptions", **options)
        assert answer.status_code == 201, answer.text
        self.subscription = answer.json()
        self.sandbox = sandbox
        self.path = self.subscription["endpoint"].removeprefix(sandbox.url)

    def token(self, key: EllipticCurvePrivateKey = KEY, **claims: object) -> str:
        values = {
            "aud": self.sandbox.url,
            "exp": int(time.time()) + 3600,
            "sub": "mailto:a@b.example",
        }
        token = jwt.encode({**values, **claims}, key, algorithm="ES256")
        return f"vapid t={token},k={push_crypto.encode(push_crypto.point(KEY))}"

    def push(self, text: bytes = b"hello", **headers: str | None) -> httpx2.Response:
        body = WebPusher(self.subscription).encode(text)["body"]
        return self.send(body, **headers)

    def send(self, body: bytes, **headers: str | None) -> httpx2.Response:
        given = {
            "ttl": "60",
            "content-encoding": "aes128gcm",
            "authorization": self.token(),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in given.items() if value is not None}
        return self.sandbox.http.post(self.path, content=body, headers=kept)

    def waiting(self) -> list[str]:
        path = self.path.replace("/push/", "/push/subscriptions/")
        return [each["payload"] for each in self.sandbox.http.get(f"{path}/messages").json()]


@pytest.fixture
def browser(sandbox: Sandbox) -> Browser:
    return Browser(sandbox)


def test_a_subscription_is_as_a_browser_makes_it(browser: Browser) -> None:
    given = browser.subscription
    assert set(given) == {"endpoint", "expirationTime", "keys"}
    assert given["endpoint"].startswith(f"{browser.sandbox.url}/push/")
    assert len(decode(given["keys"]["p256dh"])) == 65
    assert len(decode(given["keys"]["auth"])) == 16
    assert browser.sandbox.ledger() == []  # making one is no call of a vendor


def test_a_message_is_kept_and_read(browser: Browser) -> None:
    answer = browser.push("Grüße".encode(), urgency="high", topic="abc")
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].startswith(f"{browser.sandbox.url}/push/")
    assert answer.headers["ttl"] == "60"
    (row,) = browser.sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == ("web_push", "push", 201)
    assert row["request"]["decrypted"] == "Grüße"
    assert row["request"]["headers"]["authorization"] == "vapid ***"
    assert browser.waiting() == ["Grüße"]


def test_a_topic_replaces_what_waits(browser: Browser) -> None:
    for text, topic in (("1", "a"), ("2", "b"), ("3", "a"), ("4", None)):
        assert browser.push(text.encode(), topic=topic).status_code == 201
    assert browser.waiting() == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"ttl": None}, 400),
        ({"ttl": "-1"}, 400),
        ({"ttl": "soon"}, 400),
        ({"topic": "a b"}, 400),
        ({"topic": "a" * 33}, 400),
        ({"urgency": "urgent"}, 400),
        ({"content_encoding": "aesgcm"}, 400),
        ({"content_encoding": None}, 400),
        ({"authorization": None}, 401),
        ({"authorization": "Bearer x"}, 403),
        ({"authorization": "vapid t=a.b.c,k=AAAA"}, 403),
    ],
)
def test_what_the_rfcs_forbid_is_refused(
    browser: Browser, headers: dict[str, str | None], status: int
) -> None:
    assert browser.push(b"hello", **headers).status_code == status
    assert browser.waiting() == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://push.example.com"},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 90_000},
        {"exp": "tomorrow"},
        {"exp": None},
        {"sub": "a@b.example"},
        {"key": generate_private_key(SECP256R1())},  # signed by another than k
    ],
)
def test_a_wrong_token_is_refused(browser: Browser, claims: dict[str, Any]) -> None:
    assert browser.push(authorization=browser.token(**claims)).status_code == 403


def test_wrong_bytes_are_refused(browser: Browser) -> None:
    body = WebPusher(browser.subscription).encode(b"hello")["body"]
    for at in (0, 16, 20, 21, 90, len(body) - 1):
        wrong = bytearray(body)
        wrong[at] ^= 1
        assert browser.send(bytes(wrong)).status_code == 400, at
    other = Browser(browser.sandbox)
    assert other.send(body).status_code == 400
    assert browser.send(body).status_code == 201
    assert [row["request"].get("decrypted") for row in browser.sandbox.ledger()] == [
        *[None] * 7,
        "hello",
    ]


def test_size_and_end(browser: Browser) -> None:
    assert browser.push(b"x" * 3993).status_code == 201
    assert browser.send(b"x" * 4097).status_code == 413
    assert browser.sandbox.http.post("/push/unknown", headers={"ttl": "1"}).status_code == 404
    ending = browser.path.replace("/push/", "/push/subscriptions/")
    assert browser.sandbox.http.delete(ending).status_code == 204
    assert browser.push().status_code == 410
    assert browser.sandbox.http.delete("/push/subscriptions/unknown").status_code == 404


def test_a_subscription_may_belong_to_one_sender(sandbox: Sandbox) -> None:
    ours = push_crypto.encode(push_crypto.point(KEY))
    theirs = push_crypto.encode(push_crypto.point(generate_private_key(SECP256R1())))
    assert Browser(sandbox, json={"applicationServerKey": ours}).push().status_code == 201
    assert Browser(sandbox, json={"applicationServerKey": theirs}).push().status_code == 403
    refused = sandbox.http.post("/push/subscriptions", json={"applicationServerKey": "a"})
    assert refused.status_code == 422


def test_faults_are_scripted_as_for_other_vendors(browser: Browser) -> None:
    browser.sandbox.fault(vendor="web_push", status=429)
    answer = browser.push()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    browser.sandbox.fault(vendor="web_push", drop="after")
    with pytest.raises(httpx2.RemoteProtocolError):
        browser.push()
    assert [
        (row["response_status"], row["request"].get("decrypted"))
        for row in browser.sandbox.ledger()
    ] == [(429, None), (None, "hello")]
    assert browser.waiting() == ["hello"]


def test_the_page_shows_what_arrived(browser: Browser) -> None:
    content = (
        b'{"title": "<b>Milk</b>", "body": "today", "tag": "t", "actions": [{"title": "Done"}]}'
    )
    browser.push(content)
    browser.push(content)
    browser.push(b"no JSON")
    page = browser.sandbox.http.get("/push")
    assert page.status_code == 200
    assert page.text.count("&lt;b&gt;Milk&lt;/b&gt;") == 1  # of one tag there is one
    assert "no JSON" in page.text
    worker = browser.sandbox.http.get("/push-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
