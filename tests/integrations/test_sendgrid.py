import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from python_http_client.exceptions import (
    BadRequestsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    Category,
    Content,
    CustomArg,
    From,
    Header,
    Mail,
    Personalization,
    Subject,
    To,
)

from core.errors import Misconfigured, VendorError
from integrations.http import Client
from integrations.sendgrid import Email, SendGrid
from tests.integrations.conftest import Sandbox
from tests.patience import until

HEADERS = {
    "List-Unsubscribe": "<https://todo.example/unsubscribe/x>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
KEY = "SG.a-secret.nobody-may-see"


def email(**changes: object) -> Email:
    values: dict[str, object] = {
        "to": "ana@example.com",
        "to_name": 'Ana, Müller; "x"',
        "subject": "Reminder: buy milk 🥛",
        "text": "Buy milk",
        "html": "<p>Buy milk</p>",
        "delivery_id": UUID(int=7),
        "workspace_id": UUID(int=8),
        "category": "reminder",
        "headers": HEADERS,
    } | changes
    return Email(**values)  # type: ignore[arg-type]  # the defaults above have the right types


@pytest.fixture
def sendgrid(client: Client, sandbox: Sandbox) -> SendGrid:
    return SendGrid(client, SecretStr(KEY), sandbox.url, "Voice Todo <todo@voicetodo.example>")


async def test_an_email_arrives(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    message_id = await sendgrid.send(email())
    assert message_id
    (row,) = sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == ("sendgrid", "mail.send", 202)
    assert row["request"]["headers"]["authorization"] == "Bearer ***"
    assert KEY not in sandbox.http.get("/ledger.json").text
    (mail,) = sandbox.http.get(
        "/mail.json", params={"to": "Ana@example.com", "since": sandbox.since}
    ).json()
    assert mail["subject"] == "Reminder: buy milk 🥛"
    assert (mail["text"], mail["html"]) == ("Buy milk", "<p>Buy milk</p>")
    assert (mail["delivery_id"], mail["category"]) == (str(UUID(int=7)), "reminder")
    assert mail["headers"] == HEADERS


def test_payload_is_the_documented_one(sendgrid: SendGrid) -> None:
    assert sendgrid.payload(email()) == {
        "from": {"email": "todo@voicetodo.example", "name": "Voice Todo"},
        "subject": "Reminder: buy milk 🥛",
        "personalizations": [
            {
                "to": [{"email": "ana@example.com", "name": 'Ana Müller "x"'}],
                "custom_args": {
                    "delivery_id": str(UUID(int=7)),
                    "workspace_id": str(UUID(int=8)),
                },
                "headers": HEADERS,
            }
        ],
        "content": [
            {"type": "text/plain", "value": "Buy milk"},
            {"type": "text/html", "value": "<p>Buy milk</p>"},
        ],
        "categories": ["reminder"],
    }


@pytest.mark.parametrize("to_name", ['Ana Müller "x"', None])
def test_payload_is_what_the_vendors_own_classes_build(
    sendgrid: SendGrid, to_name: str | None
) -> None:
    recipient = Personalization()
    recipient.add_to(To("ana@example.com", to_name))
    recipient.add_custom_arg(CustomArg("delivery_id", str(UUID(int=7))))
    recipient.add_custom_arg(CustomArg("workspace_id", str(UUID(int=8))))
    for name, value in HEADERS.items():
        recipient.add_header(Header(name, value))
    mail = Mail()
    mail.from_email = From("todo@voicetodo.example", "Voice Todo")
    mail.subject = Subject("Reminder: buy milk 🥛")
    mail.add_personalization(recipient)
    mail.add_content(Content("text/plain", "Buy milk"))
    mail.add_content(Content("text/html", "<p>Buy milk</p>"))
    mail.add_category(Category("reminder"))
    assert sendgrid.payload(email(to_name=to_name)) == mail.get()


@pytest.mark.parametrize(
    ("fault", "permanent", "ambiguous", "wait"),
    [
        ({"status": 400}, True, False, None),
        ({"status": 401}, False, False, timedelta(minutes=1)),
        ({"status": 403}, False, False, timedelta(minutes=1)),
        ({"status": 413}, True, False, None),
        ({"status": 429}, False, False, None),
        (
            {"status": 429, "headers": {"Retry-After": "3"}},
            False,
            False,
            timedelta(seconds=3),
        ),
        ({"status": 429, "headers": {"X-RateLimit-Reset": "1"}}, False, False, timedelta(0)),
        ({"status": 500}, False, False, None),
        (
            {"status": 503, "body": "<html>", "headers": {"Retry-After": "2"}},
            False,
            False,
            timedelta(seconds=2),
        ),
        ({"drop": "before"}, False, True, None),
        ({"drop": "after"}, False, True, None),
        ({"delay_ms": 1500}, False, True, None),
    ],
)
async def test_failures_say_whether_to_try_again(
    sendgrid: SendGrid,
    sandbox: Sandbox,
    fault: dict[str, object],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    wait: timedelta | None,
) -> None:
    sandbox.fault(**fault)
    with pytest.raises(VendorError) as caught:
        await sendgrid.send(email())
    error = caught.value
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, wait)
    assert await sendgrid.send(email())  # the fault is used up, the client still works
    if "delay_ms" in fault:  # carried out late, although nobody waits for the answer any more
        await until(lambda: len(sandbox.ledger()) >= 2)


async def test_rate_limit_reset_is_waited_for(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    reset = str(int(time.time()) + 60)
    sandbox.fault(status=429, headers={"X-RateLimit-Reset": reset})
    with pytest.raises(VendorError) as caught:
        await sendgrid.send(email())
    assert caught.value.retry_after is not None
    assert timedelta(seconds=55) < caught.value.retry_after <= timedelta(seconds=60)


@pytest.mark.parametrize("to", ["nobody@localhost", "nobody", "Ana <ana@example.com>", ""])
@pytest.mark.parametrize("to_name", ["Ana", None])
async def test_an_invalid_address_is_permanent(
    sendgrid: SendGrid, to: str, to_name: str | None
) -> None:
    with pytest.raises(VendorError) as caught:
        await sendgrid.send(email(to=to, to_name=to_name))
    assert caught.value.permanent


async def test_the_key_is_told_to_nobody(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    sandbox.fault(status=401)
    with pytest.raises(VendorError) as caught:
        await sendgrid.send(email())
    assert KEY not in f"{sendgrid!r}{caught.value!r}"


async def test_a_title_like_a_key_is_sent(sendgrid: SendGrid) -> None:
    """The vendor's own classes refuse it; the vendor does not."""
    assert await sendgrid.send(email(text="SG.abc.def is what I must look up"))


def test_a_sender_without_address_is_misconfigured(client: Client) -> None:
    with pytest.raises(Misconfigured):
        SendGrid(client, SecretStr(KEY), "http://127.0.0.1:1", "Voice Todo")


def _vendor_client(sandbox: Sandbox, key: str = KEY) -> SendGridAPIClient:
    vendor = SendGridAPIClient(key, host=sandbox.url)
    vendor.client.timeout = 5
    return vendor


def _vendor_mail(**changes: object) -> Mail:
    values: dict[str, object] = {
        "from_email": "todo@voicetodo.example",
        "to_emails": f"{uuid4().hex}@example.com",
        "subject": "Hello",
        "plain_text_content": "Hello",
    } | changes
    return Mail(**values)


def test_the_vendors_own_client_is_accepted(sandbox: Sandbox) -> None:
    answer = _vendor_client(sandbox).send(_vendor_mail(html_content="<b>Hello</b>"))
    assert (answer.status_code, answer.body) == (202, b"")
    assert answer.headers["X-Message-Id"]
    assert len(sandbox.ledger()) == 1


def test_the_vendors_own_client_understands_the_errors(sandbox: Sandbox) -> None:
    with pytest.raises(BadRequestsError) as bad:
        _vendor_client(sandbox).send(_vendor_mail(to_emails="nobody@localhost"))
    (error,) = bad.value.to_dict["errors"]
    assert error["field"] == "personalizations.0.to.0.email"
    with pytest.raises(UnauthorizedError):
        _vendor_client(sandbox, key=" ").send(_vendor_mail())
    sandbox.fault(status=429)
    with pytest.raises(TooManyRequestsError):
        _vendor_client(sandbox).send(_vendor_mail())
    assert [row["response_status"] for row in sandbox.ledger()] == [400, 401, 429]
