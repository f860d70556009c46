"""What the worker of the task queue runs, and what each part is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final

from pydantic import SecretStr

from activities.calendar_syncs import CalendarSyncs
from activities.calendars import Calendars
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
from activities.clock import Clocks
from activities.connections import Connections
from activities.deliveries import Deliveries
from activities.digests import Digests
from activities.email_batches import EmailBatches
from activities.erasures import Erasures
from activities.executions import Executions
from activities.exports import Exports
from activities.imports import Imports
from activities.jobs import Jobs
from activities.memos import Memos
from activities.parked import Parked
from activities.recordings import Audio
from activities.reminders import Reminders
from activities.retention import Retention
from activities.series import Series
from activities.shift import Handler
from activities.slack_app import SlackApp
from activities.slack_homes import SlackHomes
from activities.tick import Ticks
from activities.transcribers import Transcribers
from activities.transcriptions import Transcriptions
from activities.webhooks import Posting, Webhooks
from activities.zones import Zones
from core import clock
from core.crypto import derive
from core.db import Database
from core.keys import Keys
from core.messages import Kind, Provider, Queue
from core.models.deliveries import Channel
from core.rules import actions
from core.rules.push import ANY_SERVICE
from core.rules.retries import EVENT_WITHIN
from core.rules.tokens import PHONE_CODE_PURPOSE
from core.services import connections, exports, import_files, memo_secrets, voice_seals
from core.services.export_seals import Seals
from core.services.voice_results import Adviser, Policy, Using
from core.settings import Settings
from integrations import blob_stores, oauth
from integrations import calendars as calendars_of
from integrations.audio.recordings import Recordings
from integrations.blobs import Blobs
from integrations.email_links import Links
from integrations.emails import Emails
from integrations.google_calendar import GoogleCalendar
from integrations.http import Client
from integrations.pushes import Pushes
from integrations.sendgrid import SendGrid
from integrations.slack import Slack
from integrations.slack_responses import Responses
from integrations.transcription.registry import Provider as SetUp
from integrations.twilio import Twilio
from integrations.web_push import WebPush
from workflows.accounts import SendMail, SendVerification
from workflows.calendars import CALENDARS, SyncCalendar
from workflows.clock import AdvanceClock
from workflows.connections import Disconnect
from workflows.deliveries import RetryDelivery, queue_of
from workflows.dispatch import TASK_QUEUE
from workflows.erasures import EraseAccount
from workflows.exports import EXPORTING, ExportData
from workflows.imports import ImportData, UndoImport
from workflows.memos import LISTENING, ProcessVoiceMemo
from workflows.retention import Forget
from workflows.slack import ANSWERING, HandleSlack
from workflows.tick import Tick
from workflows.zones import ChangeZone

SENDGRID: Final = "https://api.sendgrid.com"
SLACK: Final = "https://slack.com/api/"
TWILIO: Final = "https://api.twilio.com"

WORKFLOWS: Final[Sequence[type]] = (
    Tick,
    RetryDelivery,
    SendVerification,
    SendMail,
    Disconnect,
    AdvanceClock,
    ChangeZone,
    ProcessVoiceMemo,
    HandleSlack,
    SyncCalendar,
    ExportData,
    ImportData,
    UndoImport,
    EraseAccount,
    Forget,
)
ATTEMPTS_AT_A_TIME: Final = 100  # of each queue; how many calls are under way is bounded by channel
CALENDARS_AT_A_TIME: Final = 32  # slices; each has up to four calls under way
ARCHIVES_AT_A_TIME: Final = 2  # each takes what it can get of a processor and a disk
CALLS_AT_A_TIME: Final = 64  # of a transcriber outside; each holds its recording, of up to 10 MB


@dataclass(frozen=True, slots=True)
class Voice:
    """What recordings are worked on with."""

    audio: Audio
    transcribers: Transcribers
    using: Using


@dataclass(frozen=True, slots=True)
class VendorQueue:
    """A task queue beside the workflows' own, so that one vendor's backlog holds up nobody else.

    Temporal hands out `per_second` of it, to all workers together; null: as many as they take.
    """

    name: str
    activity: Callable[..., Any]
    per_second: float | None
    at_a_time: int


def activities(
    app_db: Database,
    worker_db: Database,
    channels: Channels,
    voice: Voice,
    *,
    dev: bool,
    lanes: int,
    ending: Connections,
    posting: Posting | None = None,
    slack_app: SlackApp | None = None,
    homes: SlackHomes | None = None,
    erasing: Erasures | None = None,
    importing: Imports | None = None,
    exporting: Exports | None = None,
    retaining: Retention | None = None,
) -> Sequence[Callable[..., Any]]:
    """Every activity. `app_db` works as `vt_app`, `worker_db` as `vt_worker`.

    Without `posting` nothing is posted to people's own endpoints.
    """

    def handlers_at(now: Callable[[], datetime]) -> Mapping[Kind, Handler]:
        # No vendor is in reach of a clock that somebody moves.
        return handlers(app_db, worker_db, Channels({}), dev=dev, now=now)

    due = handlers(app_db, worker_db, channels, dev=dev, posting=posting, homes=homes)
    memos = Memos(app_db, voice.audio, voice.transcribers, voice.using)
    return (
        Ticks(worker_db, due, lanes=lanes).run,
        Deliveries(app_db, channels, dev=dev).attempt,
        Executions(worker_db).close_execution,
        Clocks(app_db, handlers_at).advance,
        Zones(app_db).change,
        Jobs(app_db).stop,
        ending.give_back,
        ending.forget,
        CalendarSyncs(app_db).stop,
        memos.listen,
        memos.choose,
        memos.understand,
        memos.stop,
        Transcriptions(app_db, voice.audio, voice.transcribers).transcribe,
        *((slack_app.handle, slack_app.keep_silent) if slack_app else ()),
        *((erasing.begin, erasing.erase) if erasing else ()),
        *((importing.bring, importing.take_back) if importing else ()),
        *((exporting.write, exporting.give_up) if exporting else ()),
        *((retaining.forget,) if retaining else ()),
    )


def disconnecting(
    settings: Settings,
    keys: Keys,
    http: Client,
    app_db: Database,
    worker_db: Database,
    google: GoogleCalendar | None = None,
) -> Connections:
    ring = keys.ring.of(connections.PURPOSE)
    return Connections(app_db, worker_db, ring, oauth.providers(settings, http), google)


def importing(keys: Keys, app_db: Database, blobs: Blobs) -> Imports:
    return Imports(app_db, blobs, keys.ring.of(import_files.PURPOSE))


def exporting(keys: Keys, app_db: Database, voice: Voice) -> Exports:
    seals = Seals(voice.audio.ring, voice.using.ring)
    return Exports(app_db, voice.audio.blobs, seals, keys.ring.of(exports.PURPOSE))


def archives(exporting: Exports) -> VendorQueue:
    name = queue_of(TASK_QUEUE, EXPORTING)
    return VendorQueue(name, exporting.write, None, ARCHIVES_AT_A_TIME)


def sendgrid(settings: Settings, http: Client) -> SendGrid:
    return SendGrid(
        http,
        settings.sendgrid_api_key or SecretStr("sandbox"),
        settings.sendgrid_url or (settings.sandbox_url if settings.dev else SENDGRID),
        settings.mail_from,
    )


def voice(
    settings: Settings,
    keys: Keys,
    recordings: Recordings,
    providers: Sequence[SetUp],
    adviser: Adviser | None = None,
) -> Voice:
    audio = Audio(
        blob_stores.opened(settings),
        keys.ring.of(memo_secrets.PURPOSE),
        recordings,
        settings.voice_max_seconds,
        settings.audio_retention,
    )
    using = Using(voice_seals.ring_of(keys.ring), Policy.of(settings), adviser)
    return Voice(audio, Transcribers(providers), using)


def slack(settings: Settings, http: Client) -> Slack:
    """One for all that a process says there: it keeps to Slack's rates."""
    sandbox = f"{settings.sandbox_url}/slack/api/"
    return Slack(http, settings.slack_url or (sandbox if settings.dev else SLACK))


def slack_app(
    settings: Settings, keys: Keys, http: Client, app_db: Database, voice: Voice, slack: Slack
) -> SlackApp:
    return SlackApp(
        app_db,
        voice.using,
        keys.ring.of(connections.PURPOSE),
        slack,
        Responses(http, sandbox_url=settings.sandbox_url if settings.dev else None),
        key=keys.encryption,
        api_url=settings.api_url,
    )


def slack_homes(keys: Keys, app_db: Database, worker_db: Database, slack: Slack) -> SlackHomes:
    return SlackHomes(app_db, worker_db, keys.ring.of(connections.PURPOSE), slack)


def answers(app: SlackApp) -> VendorQueue:
    return VendorQueue(queue_of(TASK_QUEUE, ANSWERING), app.answer, None, ATTEMPTS_AT_A_TIME)


def calendars(
    settings: Settings, keys: Keys, app_db: Database, google: GoogleCalendar | None
) -> list[VendorQueue]:
    """A queue for calendars, where they are set up: one that hangs keeps no message waiting."""
    if google is None:
        return []
    ring = keys.ring.of(connections.PURPOSE)
    working = Calendars(app_db, ring, google, address=calendars_of.address(settings))
    name = queue_of(TASK_QUEUE, CALENDARS)
    return [VendorQueue(name, working.sync_slice, None, CALENDARS_AT_A_TIME)]


def retries(settings: Settings, attempt: Callable[..., Any]) -> list[VendorQueue]:
    """A queue of attempts for each kind of vendor that messages go out by."""
    per_second = {
        Queue.EMAIL: settings.retries_email,
        Queue.PUSH: settings.retries_push,
        Queue.SLACK: settings.retries_slack,
        Queue.SMS: settings.retries_sms,
    }
    return [
        VendorQueue(queue_of(TASK_QUEUE, queue), attempt, rate, ATTEMPTS_AT_A_TIME)
        for queue, rate in per_second.items()
    ]


def recordings(
    settings: Settings, providers: Sequence[SetUp], app_db: Database, voice: Voice
) -> list[VendorQueue]:
    """A queue for what decodes, and one for each transcriber that is set up, and for no other."""
    listen = Memos(app_db, voice.audio, voice.transcribers, voice.using).listen
    transcribe = Transcriptions(app_db, voice.audio, voice.transcribers).transcribe
    at_home = {Provider.EMBEDDED: settings.voice_processes}
    return [
        # Twice as many as work: one is read from its blob while another is decoded.
        VendorQueue(queue_of(TASK_QUEUE, LISTENING), listen, None, 2 * settings.voice_processes),
        *(
            VendorQueue(
                queue_of(TASK_QUEUE, each.queue),
                transcribe,
                each.per_second,
                at_home.get(Provider(each.name), CALLS_AT_A_TIME),
            )
            for each in providers
        ),
    ]


def handlers(
    app_db: Database,
    worker_db: Database,
    channels: Channels,
    *,
    dev: bool,
    now: Callable[[], datetime] = clock.now,
    posting: Posting | None = None,
    homes: SlackHomes | None = None,
) -> Mapping[Kind, Handler]:
    """What is done with the due rows of each kind."""
    ours: dict[Kind, Handler] = (
        {Kind.WEBHOOKS: Webhooks(app_db, posting, now=now)} if posting else {}
    )
    return {
        Kind.REMINDERS: Reminders(app_db, channels, dev=dev, now=now),
        Kind.SERIES: Series(app_db, now=now),
        Kind.PARKED: Parked(app_db, channels, dev=dev, now=now),
        Kind.DIGESTS: Digests(app_db, worker_db, channels, dev=dev, now=now),
        Kind.CALENDARS: CalendarSyncs(app_db, now=now),
        **({Kind.SLACK_HOMES: homes} if homes else {}),
        **ours,
    }


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
