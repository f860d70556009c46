from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from activities.channels import Channels, EmailVendor
from activities.deliveries import Deliveries
from activities.reminders import Reminders
from activities.tick import Ticks
from core.db import Database
from core.messages import Kind
from core.models.deliveries import Channel
from core.settings import Settings
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import vendor_client
from integrations.sandbox.app import create_app
from integrations.sendgrid import SendGrid
from tests import plain
from tests.patience import until
from tests.serving import serve

KEY = b"k" * 32


@dataclass(frozen=True, slots=True)
class Mailbox:
    url: str
    http: httpx2.Client

    def of(self, email: str | None) -> list[dict[str, Any]]:
        """Mails that were accepted for this address, oldest first."""
        found: list[dict[str, Any]] = self.http.get(
            "/mail.json", params={"to": email or "-"}
        ).json()
        return found

    async def met(self) -> None:
        """Return when every fault has met a call; one with a delay is under way then."""
        await until(lambda: not self.http.get("/faults.json").json())

    def fault(self, **fault: object) -> None:
        answer = self.http.post("/faults", json={"vendor": "sendgrid", "times": 1, **fault})
        assert answer.status_code == 201, answer.text


class Time:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def time() -> Time:
    """Of the circuits alone; it passes when it is told to."""
    return Time()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[httpx2.Client]:
    with (
        serve(create_app(Settings(_env_file=None))) as url,
        plain.client(url) as http,
    ):
        yield http


@pytest.fixture
def mailbox(sandbox: httpx2.Client) -> Mailbox:
    sandbox.delete("/faults")
    return Mailbox(str(sandbox.base_url).rstrip("/"), sandbox)


@pytest.fixture
async def channels(mailbox: Mailbox) -> AsyncIterator[Channels]:
    async with vendor_client() as client:
        sendgrid = SendGrid(client, SecretStr("SG.key"), mailbox.url, "Todo <todo@example.com>")
        emails = Emails(Links.of("https://todo.example", KEY))
        yield Channels({Channel.EMAIL: EmailVendor(emails, sendgrid)})


@pytest.fixture
def ticks(app_db: Database, worker_db: Database, channels: Channels) -> Ticks:
    """A tick that lives for a second, as production is: no mail to unverified addresses."""
    handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
    return Ticks(worker_db, handlers, lanes=1, life_s=1.0)


@pytest.fixture
def attempts(app_db: Database, channels: Channels) -> Deliveries:
    return Deliveries(app_db, channels, dev=False)
