"""docs/operations.md says what is made of each answer of each vendor; this asks the code."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from pydantic import SecretStr

from core.errors import Gone, Revoked, VendorError
from integrations.google_calendar import Access, GoogleCalendar
from integrations.http import Client, guarded_client
from integrations.sendgrid import SendGrid
from integrations.slack import Slack
from integrations.transcription.openai import OpenAI
from integrations.twilio import Twilio
from integrations.web_push import WebPush
from tests.integrations.calendars import body, connect, event_id
from tests.integrations.calendars import client as calendars
from tests.integrations.conftest import Sandbox
from tests.integrations.test_sendgrid import email
from tests.integrations.test_slack import channel, message, token
from tests.integrations.test_twilio import number, text
from tests.integrations.test_web_push import ANYWHERE, CONTACT, push, subscribe
from tests.recordings import silent

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
ROW = re.compile(
    r"^\| \[?([\w ]+?)(?:\]\(https://[^)]+\))? \| ([\d ]+) \| ([a-z ]+) \|$", re.MULTILINE
)
NAMES = {
    "SendGrid": "sendgrid",
    "push services": "web_push",
    "Slack": "slack",
    "Twilio": "twilio",
    "Google Calendar": "google_calendar",
    "transcribers": "transcription",
}
TOLD = [
    (NAMES[name], int(status), made)
    for name, statuses, made in ROW.findall(OPERATIONS.read_text(encoding="utf-8"))
    for status in statuses.split()
]

Send = Callable[[], Awaitable[str]]


@pytest.fixture
async def senders(sandbox: Sandbox, client: Client) -> AsyncIterator[dict[str, Send]]:
    sendgrid = SendGrid(client, SecretStr("SG.key"), sandbox.url, "Todo <todo@example.com>")
    slack = Slack(client, f"{sandbox.url}/slack/api/")
    twilio = Twilio(client, f"AC{'0' * 32}", SecretStr("secret"), sandbox.url, "+4915299999999")
    openai = OpenAI(client, "openai", key=SecretStr("sk"), base_url=f"{sandbox.url}/openai/v1")
    access = connect(sandbox, "alice@sandbox.test")
    async with guarded_client(sandbox_url=sandbox.url) as guarded, calendars(sandbox) as google:
        await google.calendars(access)  # with its access token the next call is the event's
        web_push = WebPush(guarded, generate_private_key(SECP256R1()), CONTACT, ANYWHERE)
        yield {
            "sendgrid": lambda: sendgrid.send(email()),
            "web_push": lambda: web_push.send(push(subscribe(sandbox))),
            "slack": lambda: slack.send(message(channel(sandbox)), token()),
            "twilio": lambda: twilio.send(text(number())),
            "google_calendar": lambda: written(google, access),
            "transcription": lambda: heard(openai),
        }


async def written(google: GoogleCalendar, access: Access) -> str:
    made = await google.insert_event(access, "primary", event_id(), body())
    return made.id


async def heard(openai: OpenAI) -> str:
    found = await openai.transcribe(silent(1), language=None, keywords=[], idempotency_key="memo")
    return found.text


def made_of(error: VendorError) -> str:
    if isinstance(error, Gone | Revoked):
        return "ends"
    if error.permanent:
        return "give up"
    if error.retry_after is not None:
        return "throttle"
    return "in doubt" if error.ambiguous else "retry"


def test_every_vendor_is_told_of() -> None:
    assert {vendor for vendor, *_ in TOLD} == set(NAMES.values())
    assert len(TOLD) > 30


@pytest.mark.parametrize(("vendor", "status", "made"), TOLD)
async def test_the_table_is_what_is_done(
    senders: dict[str, Send], sandbox: Sandbox, vendor: str, status: int, made: str
) -> None:
    headers = {"Retry-After": "7"} if status == 429 else {}
    sandbox.fault(vendor=vendor, status=status, body="<html>", headers=headers, times=2)
    with pytest.raises(VendorError) as caught:
        await senders[vendor]()
    assert made_of(caught.value) == made
    assert str(status) in str(caught.value) or made == "ends"
