"""The digest that somebody would get now. Nothing is recorded, and nothing is sent."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.ids import uuid7
from core.models.deliveries import Channel, DeliveryKind
from core.rules import digest_words
from core.rules.digests import DigestContent, Frequency, Item
from core.rules.preferences import Preferences
from core.services import due_digests, users
from core.services.deliveries import Person, Send


@dataclass(frozen=True, slots=True)
class PreviewItem:
    todo_id: UUID
    title: str
    due: dict[str, str | None] | None


@dataclass(frozen=True, slots=True)
class PreviewSection:
    """`total` counts those that are left out of `items`, too."""

    section: str
    items: list[PreviewItem]
    total: int


@dataclass(frozen=True, slots=True)
class DigestPreview:
    """`short` is what push and Slack say; `sections` is empty where no digest would be sent."""

    subject: str
    frequency: str
    sections: list[PreviewSection]
    streak: int
    short: list[str]
    text: str
    html: str


async def read(
    tx: Transaction, actor: Actor, *, frequency: Frequency | None, now: datetime
) -> tuple[DigestContent, Send]:
    """What it says, and the message that would carry it."""
    user = await users.get(tx, actor.user_id)
    preferences = Preferences.of(user.preferences)
    if frequency is None and preferences.digest.frequency is Frequency.OFF:
        frequency = Frequency.DAILY
    person = Person(
        user.id,
        user.email,
        user.email_verified,
        user.name,
        user.timezone,
        user.locale,
        active=True,
        member=True,
    )
    content = await due_digests.read_one(
        tx, person, preferences, before=None, now=now, frequency=frequency
    )
    send = Send(
        workspace_id=user.id,
        delivery_id=uuid7(),
        attempt=1,
        failures=0,
        kind=DeliveryKind.DIGEST,
        channel=Channel.EMAIL,
        subject_id=user.id,
        todo_id=None,
        title=digest_words.headline(content, user.locale),
        due=None,
        due_at=now,
        arm_no=0,
        began_at=now,
        person=person,
    )
    return content, replace(send, digest=content)


def sections(content: DigestContent) -> list[PreviewSection]:
    return [
        PreviewSection(part.section, list(map(_item, part.items)), part.total)
        for part in content.parts
    ]


def _item(item: Item) -> PreviewItem:
    if item.due is None:
        return PreviewItem(item.id, item.title, None)
    at = item.due.at.isoformat("minutes") if item.due.at else None
    due = {"date": item.due.on.isoformat(), "time": at, "timezone": item.due.zone}
    return PreviewItem(item.id, item.title, due)
