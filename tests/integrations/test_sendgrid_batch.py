from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import SecretStr

from core.errors import VendorError
from integrations import sendgrid_batch
from integrations.http import Client
from integrations.sendgrid import Email, SendGrid
from integrations.sendgrid_batch import Part
from tests.integrations.conftest import Sandbox

ALICE, BOB = "alice@example.com", "bob@example.com"


def email(to: str, title: str = "Buy milk", *, category: str = "reminder", key: int = 7) -> Email:
    return Email(
        to=to,
        to_name="Ana, of the shop; or not",
        subject=f"Reminder: {title}",
        text=title,
        html=f"<p>{title}</p>",
        delivery_id=UUID(int=key),
        workspace_id=UUID(int=8),
        category=category,
        headers={"List-Unsubscribe": f"<https://todo.example/{key}>"},
    )


def part(mail: Email) -> Part:
    made = sendgrid_batch.part(mail)
    assert made is not None
    return made


def groups(mails: list[Email], **bounds: int) -> list[list[int]]:
    """Which of them share a call, by number."""
    parts = [(part(mail), nth) for nth, mail in enumerate(mails)]
    return [[nth for _, nth in call] for call in sendgrid_batch.calls(parts, **bounds)]


@pytest.fixture
def sendgrid(client: Client, sandbox: Sandbox) -> SendGrid:
    return SendGrid(client, SecretStr("SG.key"), sandbox.url, "Voice Todo <todo@voicetodo.example>")


def mails(sandbox: Sandbox, to: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.http.get(
        "/mail.json", params={"to": to, "since": sandbox.since}
    ).json()
    return found


async def test_everybody_gets_their_own_in_one_call(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    sent = [
        email(f"p{nth}@example.com", f"Number {nth} 🥛 <b>&-text-&</b>\n.\n", key=nth)
        for nth in range(1000)
    ]
    message_id = await sendgrid_batch.send_many(sendgrid, [part(each) for each in sent])
    assert message_id
    [row] = sandbox.ledger()
    assert row["response_status"] == 202
    arrived = mails(sandbox)
    assert [(each["to"], each["subject"], each["text"], each["html"]) for each in arrived] == [
        (each.to, each.subject, each.text, each.html) for each in sent
    ]
    assert [each["delivery_id"] for each in arrived] == [str(each.delivery_id) for each in sent]
    assert [each["headers"] for each in arrived] == [each.headers for each in sent]
    assert {each["category"] for each in arrived} == {"reminder"}


async def test_no_title_reaches_into_another_part(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    """The tags of one call tell nothing of those of the next process, and are in no e-mail."""
    await sendgrid_batch.send_many(sendgrid, [part(email(ALICE)), part(email(BOB))])
    [row] = sandbox.ledger()
    tags = orjson.loads(row["request"]["body"])["personalizations"][0]["substitutions"].keys()
    assert all(len(tag) > 20 and not set(tag) & set(" <>&") for tag in tags)
    assert not any(tag in str(mails(sandbox)) for tag in tags)


async def test_one_bad_address_refuses_all(sendgrid: SendGrid, sandbox: Sandbox) -> None:
    parts = [part(email(to)) for to in (ALICE, "no address", BOB)]
    assert await sendgrid_batch.send_many(sendgrid, parts) is None
    assert mails(sandbox) == []


@pytest.mark.parametrize("status", [400, 413])
async def test_a_refusal_for_what_is_in_it_is_told_apart(
    sendgrid: SendGrid, sandbox: Sandbox, status: int
) -> None:
    sandbox.fault(status=status)
    parts = [part(email(ALICE)), part(email(BOB))]
    assert await sendgrid_batch.send_many(sendgrid, parts) is None


@pytest.mark.parametrize(
    ("fault", "permanent", "ambiguous", "wait"),
    [
        ({"status": 401}, False, False, timedelta(minutes=1)),
        ({"status": 403}, False, False, timedelta(minutes=1)),
        ({"status": 429, "headers": {"Retry-After": "3"}}, False, False, timedelta(seconds=3)),
        ({"status": 503, "body": "<html>"}, False, False, None),
        ({"drop": "before"}, False, True, None),
        ({"drop": "after"}, False, True, None),
        ({"delay_ms": 3000, "drop": "before"}, False, True, None),
    ],
)
async def test_every_other_failure_is_everybodys(
    sendgrid: SendGrid,
    sandbox: Sandbox,
    fault: dict[str, object],
    *,
    permanent: bool,
    ambiguous: bool,
    wait: timedelta | None,
) -> None:
    sandbox.fault(**fault)
    with pytest.raises(VendorError) as failure:
        await sendgrid_batch.send_many(sendgrid, [part(email(ALICE)), part(email(BOB))])
    error = failure.value
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, wait)


async def test_garbage_behind_an_acceptance_is_an_acceptance(
    sendgrid: SendGrid, sandbox: Sandbox
) -> None:
    sandbox.fault(status=202, body="\x00<html>{")
    assert await sendgrid_batch.send_many(sendgrid, [part(email(ALICE))]) == ""


@pytest.mark.parametrize("letter", ["x", "ж", "中", '"'])
async def test_what_is_too_long_goes_by_itself(
    sendgrid: SendGrid, sandbox: Sandbox, letter: str
) -> None:
    assert sendgrid_batch.part(email(ALICE, letter * 10_000)) is None
    fitting = 0
    while sendgrid_batch.part(email(ALICE, letter * (fitting + 10))) is not None:
        fitting += 10
    assert fitting > 500
    longest = part(email(ALICE, letter * fitting))
    assert await sendgrid_batch.send_many(sendgrid, [longest, part(email(BOB))]) is not None
    assert len(mails(sandbox)) == 2


def test_who_shares_a_call() -> None:
    people = [email(f"p{nth}@example.com") for nth in range(5)]
    assert groups(people) == [[0, 1, 2, 3, 4]]
    assert groups(people, most=2) == [[0, 1], [2, 3], [4]]
    assert groups([]) == []
    twice = [email(ALICE), email(BOB), email(ALICE.upper()), email(ALICE), email(BOB)]
    assert groups(twice) == [[0, 1], [2, 4], [3]]
    kinds = [email(ALICE), email(BOB, category="digest"), email("c@example.com")]
    assert groups(kinds) == [[0, 2], [1]]


def test_a_call_is_bounded_in_bytes() -> None:
    long = [email(f"p{nth}@example.com", "x" * 4_000) for nth in range(1000)]
    sizes = [sum(len(part(long[nth]).body) + 1 for nth in call) for call in groups(long)]
    assert len(sizes) > 1
    assert all(size <= sendgrid_batch.MAX_BYTES for size in sizes)
    assert sum(map(len, groups(long))) == 1000
