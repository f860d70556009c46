"""The vendor sandbox: emulators of outside services, a ledger of what they got, scripted faults.

`uvicorn integrations.sandbox.app:app` in the dev profile; tests and benches call `create_app`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import orjson
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import Response
from starlette.types import Lifespan, Receive, Scope, Send

from core import keys
from core.errors import Misconfigured
from core.settings import Settings, settings
from integrations.sandbox import (
    chat_pages,
    google_consent,
    google_pages,
    hooks_pages,
    mailbox,
    pages,
    push_pages,
    slack_client_pages,
    slack_consent,
    slack_pages,
    transcription_pages,
    twilio_pages,
)
from integrations.sandbox.chat import ChatService
from integrations.sandbox.faults import FaultIn, Faults, VendorName
from integrations.sandbox.gate import Gate
from integrations.sandbox.google_accounts import GoogleAccounts
from integrations.sandbox.google_calendar import GoogleCalendarService
from integrations.sandbox.google_channels import Channels
from integrations.sandbox.hooks import HOOKS
from integrations.sandbox.mail_events import MailEvents
from integrations.sandbox.sendgrid import SENDGRID
from integrations.sandbox.slack import SlackService
from integrations.sandbox.slack_client import SlackClient
from integrations.sandbox.transcription import TranscriptionService
from integrations.sandbox.twilio import TwilioService
from integrations.sandbox.web_push import PushService
from integrations.sandbox.wire import Vendor

VENDORS: Final[tuple[Vendor, ...]] = (SENDGRID, HOOKS)  # those that remember nothing

Since = Annotated[int, Query(ge=0, le=2**62)]


class Sandbox(FastAPI):
    """Calls of vendors go around the framework: it costs more than the emulators themselves."""

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (vendor := self.gate.vendor_of(scope["path"])):
            await self.gate.handle(vendor, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    config: Settings | None = None,
    *,
    vendors: tuple[Vendor, ...] = VENDORS,
    events_to: str | None = None,
    slack_to: str | None = None,
) -> Sandbox:
    """Build a sandbox with a ledger and faults of its own.

    `events_to`: where to post what becomes of e-mails; `slack_to`: below which to tell what people
    do in Slack.
    Raises Misconfigured in the production profile: there it would swallow people's mail.
    """
    config = config or settings()
    if not config.dev:
        raise Misconfigured("the vendor sandbox does not run in the production profile")
    own_faults = Faults()
    mail_events = _mail_events(config, events_to, own_faults)
    slack_client = _slack_client(config, slack_to, own_faults)
    app = Sandbox(
        title="Voice Todo vendor sandbox",
        docs_url=None,
        redoc_url=None,
        lifespan=_posting(mail_events, slack_client),
    )
    push, slack, twilio = PushService(), SlackService(_secret(config)), TwilioService()
    transcription, chat = TranscriptionService(), ChatService()
    google = GoogleAccounts()
    calendars = GoogleCalendarService(google, Channels(config.api_url, own_faults))
    app.gate = Gate(
        (
            *_told(vendors, mail_events),
            push.vendor,
            slack.vendor,
            twilio.vendor,
            *transcription.vendors,
            chat.vendor,
            google.vendor,
            calendars.vendor,
        ),
        faults=own_faults,
    )
    # Every route is `async def` although none waits: run in threads they would read the ledger
    # while the loop appends to it.
    ledger, faults = app.gate.ledger, app.gate.faults

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ledger.json")
    async def read_ledger(vendor: VendorName | None = None, since: Since = 0) -> Response:
        """Rows after `since`, oldest first."""
        return _json([row.to_json() for row in ledger.rows(since=since, vendor=vendor)])

    @app.get("/latest.json")
    async def read_latest() -> dict[str, int]:
        """Number of the newest ledger row: pass it as `since` to see only later ones."""
        return {"seq": ledger.last_seq}

    @app.get("/mail.json")
    async def read_mail(to: str = "", since: Since = 0) -> Response:
        """Accepted mails after ledger row `since`, oldest first; `to` is one whole address."""
        wanted = to.casefold()
        return _json(
            [
                mail.to_json()
                for row in ledger.rows(since=since, vendor="sendgrid")
                for mail in mailbox.mails_of(row)
                if not wanted or wanted in mail.to.casefold().split(", ")
            ]
        )

    @app.get("/faults.json")
    async def read_faults() -> Response:
        return _json([fault.to_json() for fault in faults.active])

    @app.post("/faults", status_code=201)
    async def script_fault(body: FaultIn) -> Response:
        fault = body.to_fault()
        if not faults.add(fault):
            raise HTTPException(409, "too many faults are active")
        return _json(fault.to_json(), 201)

    @app.delete("/faults", status_code=204)
    async def clear_faults() -> Response:
        faults.clear()
        return Response(status_code=204)

    app.include_router(pages.router(app.gate))
    app.include_router(push_pages.router(push, host=config.host))
    app.include_router(slack_pages.router(slack, app.gate))
    app.include_router(slack_consent.router(slack))
    app.include_router(slack_client_pages.router(slack, slack_client, app.gate))
    app.include_router(twilio_pages.router(twilio, app.gate))
    app.include_router(transcription_pages.router(transcription))
    app.include_router(chat_pages.router(chat))
    app.include_router(google_consent.router(google))
    app.include_router(google_pages.router(google, calendars, app.gate))
    app.include_router(hooks_pages.router(app.gate))
    return app


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _mail_events(config: Settings, url: str | None, faults: Faults) -> MailEvents | None:
    return None if url is None else MailEvents(url, keys.sandbox_events(config), faults)


def _told(vendors: tuple[Vendor, ...], mail_events: MailEvents | None) -> tuple[Vendor, ...]:
    return vendors if mail_events is None else mail_events.told(vendors)


def _slack_client(config: Settings, url: str | None, faults: Faults) -> SlackClient | None:
    def signing_secret() -> str:
        return (keys.slack_signing(config) or b"").decode()

    return None if url is None else SlackClient(url, signing_secret, faults)


def _secret(config: Settings) -> str | None:
    given = config.slack_client_secret
    return None if given is None else given.get_secret_value()


def _posting(mail_events: MailEvents | None, slack_client: SlackClient | None) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        posting = asyncio.create_task(mail_events.run()) if mail_events else None
        yield
        if slack_client is not None:
            await slack_client.aclose()
        if posting is not None:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)

    return lifespan


def __getattr__(name: str) -> Sandbox:
    """`app` for uvicorn, built when asked for: importing this module reads no environment."""
    if name != "app":
        raise AttributeError(name)
    config = settings()
    webhooks = f"http://{config.host}:{config.api_port}/api/v1/webhooks"
    return create_app(
        config,
        events_to=f"{webhooks}/sendgrid" if config.sandbox_events else None,
        slack_to=f"{webhooks}/slack",
    )
