import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from core import clock
from core.errors import Gone, VendorError
from core.models.deliveries import Channel, DeliveryKind
from core.rules.reminders import Due
from core.services.deliveries import Person, Send
from integrations import sms_messages
from integrations import twilio as twilio_module
from integrations.http import Client
from integrations.twilio import Text, Twilio
from tests.integrations.conftest import Sandbox
from tests.patience import until

TOKEN = "a-secret-nobody-may-see"
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def number(end: str = "") -> str:
    return f"+49170{secrets.randbelow(10**6):06d}1{end}"


def text(to: str, body: str = "Water the plants") -> Text:
    reference = f"#{secrets.token_hex(4)}"
    return Text(to, f"{body} {reference}", reference)


def arrived(sandbox: Sandbox, to: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.http.get("/sms.json", params={"to": to}).json()
    return found


@pytest.fixture
def twilio(sandbox: Sandbox, client: Client) -> Twilio:
    return Twilio(client, f"AC{'0' * 32}", SecretStr(TOKEN), sandbox.url, "+4915299999999")


async def test_a_text_arrives(twilio: Twilio, sandbox: Sandbox) -> None:
    sent = text(number(), "Grüße & <b> +1 €")
    sid = await twilio.send(sent)
    [shown] = arrived(sandbox, sent.to)
    assert (shown["sid"], shown["body"], shown["from"]) == (sid, sent.body, "+4915299999999")
    [row] = sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == (
        "twilio",
        "messages.create",
        201,
    )
    assert row["request"]["headers"]["authorization"] == "Basic ***"
    assert TOKEN not in sandbox.http.get("/ledger.json").text
    assert TOKEN not in repr(twilio)
    assert sent.reference in sandbox.http.get("/sms").text


async def test_a_messaging_service_sends_as_well(client: Client, sandbox: Sandbox) -> None:
    sender = f"MG{'1' * 32}"
    service = Twilio(client, f"AC{'0' * 32}", SecretStr(TOKEN), sandbox.url, sender)
    sent = text(number())
    await service.send(sent)
    assert [each["messaging_service_sid"] for each in arrived(sandbox, sent.to)] == [sender]


@pytest.mark.parametrize(
    ("fault", "permanent", "ambiguous", "wait"),
    [
        ({"status": 400}, True, False, None),  # 21211: an invalid number
        ({"status": 401}, False, False, 60),
        ({"status": 403, "body": "<html>"}, True, False, None),
        ({"status": 429}, False, False, 30),
        ({"status": 429, "headers": {"Retry-After": "3"}}, False, False, 3),
        ({"status": 400, "body": {"code": 21611}}, False, False, 30),
        ({"status": 400, "body": {"code": 21606}}, True, False, None),
        ({"status": 500}, False, True, None),
        ({"status": 503, "body": "<html>\x00"}, False, True, None),
        ({"status": 200, "body": "garbage"}, False, True, None),
        ({"drop": "before"}, False, True, None),
        ({"drop": "after"}, False, True, None),
        ({"delay_ms": 1500}, False, True, None),
    ],
)
async def test_failures_say_whether_to_try_again_and_nothing_arrives_twice(
    twilio: Twilio,
    sandbox: Sandbox,
    fault: dict[str, Any],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    wait: int | None,
) -> None:
    sent, began = text(number()), clock.now()
    sandbox.fault(vendor="twilio", **fault)
    with pytest.raises(VendorError) as caught:
        await twilio.send(sent)
    error = caught.value
    asked = None if wait is None else timedelta(seconds=wait)
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, asked)
    if "delay_ms" in fault:
        await until(lambda: arrived(sandbox, sent.to))
    sid = await twilio.send(sent, looked_since=began if ambiguous else None)
    assert [each["sid"] for each in arrived(sandbox, sent.to)] == [sid]


@pytest.mark.parametrize("end", ["0009", "0006"])
async def test_a_number_that_takes_nothing_is_gone(
    twilio: Twilio, sandbox: Sandbox, end: str
) -> None:
    to = number(end)
    with pytest.raises(Gone) as caught:
        await twilio.send(text(to))
    assert to not in str(caught.value)
    assert arrived(sandbox, to) == []


async def test_it_finds_its_message_among_many(
    twilio: Twilio, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_module, "PAGE", 2)
    to, began = number(), clock.now()
    mine = text(to)
    sid = await twilio.send(mine)
    for _ in range(4):
        await twilio.send(text(to))
    assert await twilio.send(mine, looked_since=began) == sid
    assert len(arrived(sandbox, to)) == 5
    monkeypatch.setattr(twilio_module, "PAGES", 1)
    with pytest.raises(VendorError) as caught:
        await twilio.send(mine, looked_since=began)
    assert not caught.value.permanent


async def test_it_looks_no_further_back_than_its_first_attempt(
    twilio: Twilio, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_module, "PAGE", 1)
    to = number()
    for _ in range(3):
        await twilio.send(text(to))
    await twilio.send(text(to), looked_since=clock.now() + timedelta(hours=1))
    assert [row["kind"] for row in sandbox.ledger()].count("messages.list") == 1


def send(title: str, locale: str = "en") -> Send:
    person = Person(uuid4(), None, False, "Ada", "Europe/Berlin", locale, True, True)
    return Send(
        workspace_id=person.id,
        delivery_id=UUID(int=7),
        attempt=1,
        failures=0,
        kind=DeliveryKind.REMINDER,
        channel=Channel.EMAIL,
        subject_id=uuid4(),
        todo_id=uuid4(),
        title=title,
        due=Due(NOW.date(), NOW.time().replace(tzinfo=None), "UTC"),
        due_at=NOW,
        arm_no=1,
        began_at=NOW,
        person=person,
    )


def test_a_text_says_what_is_due_and_when() -> None:
    made = sms_messages.render(send("Water\nthe plants"), "+4917012345678")
    assert made.body == (
        f"Reminder: Water the plants\nDue today at 09:00 (Europe/Berlin). {made.reference}"
    )
    german = sms_messages.render(send("Gießen", "de-AT"), "+4917012345678")
    assert german.body.startswith("Erinnerung: Gießen\nFällig heute um 09:00 (Europe/Berlin). #")
    assert made.reference == german.reference  # the delivery's, whatever it says


@pytest.mark.parametrize("title", ["x" * 500, "€" * 500, "ж" * 500, "🪴" * 500, "[" * 300, "…"])
def test_a_text_is_two_segments_at_most_and_keeps_what_it_is_found_by(title: str) -> None:
    made = sms_messages.render(send(title), "+4917012345678")
    assert sms_messages.fits(made.body)
    assert made.body.endswith(made.reference)
    assert len(title) == 1 or "..." in made.body
