"""The vendors that messages go out by, as the settings say."""

from datetime import timedelta
from email.utils import parseaddr
from typing import Final

from pydantic import SecretStr

from activities.channels import (
    AT_A_TIME,
    Channels,
    EmailVendor,
    Mailer,
    PushVendor,
    SlackVendor,
    SmsVendor,
    Vendor,
)
from activities.email_batches import EmailBatches
from core.crypto import derive
from core.db import Database
from core.keys import Keys
from core.models.deliveries import Channel
from core.rules import actions
from core.rules.push import ANY_SERVICE
from core.rules.retries import EVENT_WITHIN
from core.rules.tokens import PHONE_CODE_PURPOSE
from core.services import connections
from core.settings import Settings
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.http import Client
from integrations.pushes import Pushes
from integrations.sendgrid import SendGrid
from integrations.slack import Slack
from integrations.twilio import Twilio
from integrations.web_push import WebPush

SENDGRID: Final = "https://api.sendgrid.com"
SLACK: Final = "https://slack.com/api/"
TWILIO: Final = "https://api.twilio.com"


def channels(
    settings: Settings,
    keys: Keys,
    http: Client,
    guarded: Client,
    app_db: Database,
    slack: Slack,
) -> Channels:
    """Every vendor, the sandbox's where the dev profile names no other.

    `guarded` calls what people bring, `http` the addresses of the settings.
    """
    emails = Emails(Links.of(settings.api_url, keys.encryption))
    direct = sendgrid(settings, http)
    mailer: Mailer = direct
    if settings.sendgrid_batch > 1:
        mailer = EmailBatches(direct, most=settings.sendgrid_batch)
    pushes = Pushes(settings.api_url, derive(keys.encryption, actions.PURPOSE))
    web_push = WebPush(
        guarded,
        keys.vapid,
        f"mailto:{parseaddr(settings.mail_from)[1]}",
        # The guard lets the dev profile call nothing but the sandbox anyway.
        frozenset({ANY_SERVICE} if settings.dev else settings.push_services),
    )
    vendors: dict[Channel, Vendor] = {
        Channel.EMAIL: EmailVendor(emails, mailer),
        Channel.PUSH: PushVendor(pushes, web_push),
        Channel.SLACK: SlackVendor(app_db, keys.ring.of(connections.PURPOSE), slack),
    }
    if (twilio := _twilio(settings, http)) is not None:
        code_key = derive(keys.encryption, PHONE_CODE_PURPOSE)
        vendors[Channel.SMS] = SmsVendor(twilio, code_key)
    told = settings.sendgrid_webhook_key or (settings.dev and settings.sandbox_events)
    return Channels(
        vendors,
        # A call can only hold what is let out at once; the others then wait for connections.
        at_a_time=max(AT_A_TIME, settings.sendgrid_batch),
        patience=EVENT_WITHIN if told else timedelta(0),
    )


def sendgrid(settings: Settings, http: Client) -> SendGrid:
    return SendGrid(
        http,
        settings.sendgrid_api_key or SecretStr("sandbox"),
        settings.sendgrid_url or (settings.sandbox_url if settings.dev else SENDGRID),
        settings.mail_from,
    )


def slack(settings: Settings, http: Client) -> Slack:
    """One for all that a process says there: it keeps to Slack's rates."""
    sandbox = f"{settings.sandbox_url}/slack/api/"
    return Slack(http, settings.slack_url or (sandbox if settings.dev else SLACK))


def _twilio(settings: Settings, http: Client) -> Twilio | None:
    """Off unless it is set up: each message costs money."""
    sid, token, sender = (
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_from,
    )
    if sid is None or token is None or sender is None:
        return None
    url = settings.twilio_url or (settings.sandbox_url if settings.dev else TWILIO)
    return Twilio(http, sid, token, url, sender)
