"""Task queues beside the workflows' own, and what the worker runs of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from activities.calendars import Calendars
from activities.exports import Exports
from activities.memos import Memos
from activities.slack_app import SlackApp
from activities.transcriptions import Transcriptions
from core.db import Database
from core.keys import Keys
from core.messages import Provider, Queue
from core.services import connections
from core.settings import Settings
from integrations import calendars as calendars_of
from integrations.google_calendar import GoogleCalendar
from integrations.transcription.registry import Provider as SetUp
from workflows.calendars import CALENDARS
from workflows.deliveries import queue_of
from workflows.dispatch import TASK_QUEUE
from workflows.exports import EXPORTING
from workflows.memos import LISTENING
from workflows.registry import Voice
from workflows.slack import ANSWERING

ATTEMPTS_AT_A_TIME: Final = 100  # of each queue; how many calls are under way is bounded by channel
CALENDARS_AT_A_TIME: Final = 32  # slices; each has up to four calls under way
ARCHIVES_AT_A_TIME: Final = 2  # each takes what it can get of a processor and a disk
CALLS_AT_A_TIME: Final = 64  # of a transcriber outside; each holds its recording, of up to 10 MB


@dataclass(frozen=True, slots=True)
class VendorQueue:
    """A task queue beside the workflows' own, so that one vendor's backlog holds up nobody else.

    Temporal hands out `per_second` of it, to all workers together; null: as many as they take.
    """

    name: str
    activity: Callable[..., Any]
    per_second: float | None
    at_a_time: int


def archives(exporting: Exports) -> VendorQueue:
    name = queue_of(TASK_QUEUE, EXPORTING)
    return VendorQueue(name, exporting.write, None, ARCHIVES_AT_A_TIME)


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
