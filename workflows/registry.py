"""What the worker of the task queue runs, and what each part is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from activities.calendar_syncs import CalendarSyncs
from activities.channels import (
    Channels,
)
from activities.clock import Clocks
from activities.connections import Connections
from activities.deliveries import Deliveries
from activities.digests import Digests
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
from core.db import Database
from core.keys import Keys
from core.messages import Kind
from core.services import connections, exports, import_files, memo_secrets, voice_seals
from core.services.export_seals import Seals
from core.services.voice_results import Adviser, Policy, Using
from core.settings import Settings
from integrations import blob_stores, oauth
from integrations.audio.recordings import Recordings
from integrations.blobs import Blobs
from integrations.google_calendar import GoogleCalendar
from integrations.http import Client
from integrations.slack import Slack
from integrations.slack_responses import Responses
from integrations.transcription.registry import Provider as SetUp
from workflows.accounts import SendMail, SendVerification
from workflows.calendars import SyncCalendar
from workflows.clock import AdvanceClock
from workflows.connections import Disconnect
from workflows.deliveries import RetryDelivery
from workflows.erasures import EraseAccount
from workflows.exports import ExportData
from workflows.imports import ImportData, UndoImport
from workflows.memos import ProcessVoiceMemo
from workflows.retention import Forget
from workflows.slack import HandleSlack
from workflows.tick import Tick
from workflows.zones import ChangeZone

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


@dataclass(frozen=True, slots=True)
class Voice:
    """What recordings are worked on with."""

    audio: Audio
    transcribers: Transcribers
    using: Using


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
