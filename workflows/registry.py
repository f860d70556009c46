"""What the worker of the task queue runs, and what each part is given."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import SecretStr

from activities.channels import Channels, EmailVendor
from activities.deliveries import Deliveries
from activities.executions import Executions
from activities.reminders import Reminders
from activities.series import Series
from activities.shift import Handler
from activities.tick import Ticks
from core.crypto import derive
from core.db import Database
from core.keys import Keys
from core.messages import Kind
from core.models.deliveries import Channel
from core.rules.tokens import VERIFICATION_PURPOSE
from core.settings import Settings
from integrations.emails import Emails
from integrations.http import Client
from integrations.sendgrid import SendGrid
from workflows.accounts import SendVerification
from workflows.deliveries import RetryDelivery
from workflows.tick import Tick

SENDGRID: Final = "https://api.sendgrid.com"

WORKFLOWS: Final[Sequence[type]] = (Tick, RetryDelivery, SendVerification)


def activities(
    app_db: Database, worker_db: Database, channels: Channels, *, dev: bool, lanes: int
) -> Sequence[Callable[..., Any]]:
    """Every activity. `app_db` works as `vt_app`, `worker_db` as `vt_worker`."""
    handlers: dict[Kind, Handler] = {
        Kind.REMINDERS: Reminders(app_db, channels, dev=dev),
        Kind.SERIES: Series(app_db),
    }
    return (
        Ticks(worker_db, handlers, lanes=lanes).run,
        Deliveries(app_db, channels, dev=dev).attempt,
        Executions(worker_db).close_execution,
    )


def channels(settings: Settings, keys: Keys, http: Client) -> Channels:
    """Every vendor, the sandbox's where the dev profile names no other."""
    emails = Emails(
        api_url=settings.api_url, token_key=derive(keys.encryption, VERIFICATION_PURPOSE)
    )
    sendgrid = SendGrid(
        http,
        settings.sendgrid_api_key or SecretStr("sandbox"),
        settings.sendgrid_url or (settings.sandbox_url if settings.dev else SENDGRID),
        settings.mail_from,
    )
    return Channels({Channel.EMAIL: EmailVendor(emails, sendgrid)})
