"""People as they see themselves, and what they may change of that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any, Final, Self
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, case, null, select, update

from core.db import Transaction
from core.errors import Invalid, NotFound, Stale
from core.events import Event
from core.models.users import Users, UserStatus
from core.rules.digests import Plan
from core.rules.preferences import AUDIO_DAYS
from core.services import audio_times, digests, rearming
from core.settings import settings
from core.statements import query


@dataclass(frozen=True, slots=True)
class User:
    """An account as its owner sees it; `anonymous` ones have no e-mail address yet."""

    id: UUID
    email: str | None
    email_verified: bool
    name: str
    timezone: str
    locale: str
    all_day_time: str  # HH:MM
    preferences: dict[str, Any]
    phone: str | None  # E.164
    phone_verified: bool
    anonymous: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of_row(
        cls,
        id: UUID,  # noqa: A002 (the column's name)
        email: str | None,
        email_verified_at: datetime | None,
        name: str,
        timezone: str,
        locale: str,
        all_day_time: time,
        preferences: dict[str, Any],
        phone: str | None,
        phone_verified_at: datetime | None,
        version: int,
        created_at: datetime,
        updated_at: datetime,
    ) -> Self:
        return cls(
            id,
            email,
            email_verified_at is not None,
            name,
            timezone,
            locale,
            all_day_time.isoformat("minutes"),
            preferences,
            phone,
            phone_verified_at is not None,
            email is None,
            version,
            created_at,
            updated_at,
        )

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


COLUMNS: Final = (
    Users.id,
    Users.email,
    Users.email_verified_at,
    Users.name,
    Users.timezone,
    Users.locale,
    Users.all_day_time,
    Users.preferences,
    Users.phone,
    Users.phone_verified_at,
    Users.version,
    Users.created_at,
    Users.updated_at,
)
MAX_PREFERENCES_BYTES: Final = 16 * 1024
# What a null in a merge patch means: these always have a value, but for the number.
DEFAULTS: Final[Mapping[str, Any]] = {
    "name": "",
    "timezone": "UTC",
    "locale": "en",
    "all_day_time": "09:00",
    "preferences": {},
    "phone": None,
}
FLOATS: Final = ("timezone", "all_day_time")  # what floating times are read by

_ACTIVE = (Users.id == bindparam("of_id"), Users.status == UserStatus.ACTIVE)
_GET = query(select(*COLUMNS).where(*_ACTIVE), User.of_row)
_LOCK = query(select(*COLUMNS).where(*_ACTIVE).with_for_update(), User.of_row)
_WRITE = query(
    update(Users)
    .where(Users.id == bindparam("of_id"))
    .values(
        **{name: bindparam(name) for name in DEFAULTS},
        phone_verified_at=case(
            (Users.phone.is_distinct_from(bindparam("phone")), null()),
            else_=Users.phone_verified_at,
        ),
        version=Users.version + 1,
        updated_at=bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class Edited:
    """The person as changed; `job_id`: the job that moves what is floating, where it is much."""

    user: User
    job_id: UUID | None = None


async def get(tx: Transaction, user_id: UUID) -> User:
    found = await tx.first(_GET, of_id=user_id)
    return _found(found)


async def lock(tx: Transaction, user_id: UUID) -> User:
    """As `get`; nobody changes it until this transaction ends."""
    found = await tx.first(_LOCK, of_id=user_id)
    return _found(found)


async def edit(
    tx: Transaction,
    user_id: UUID,
    patch: Mapping[str, Any],
    *,
    anew: Collection[str] = (),
    if_version: int | None = None,
    now: datetime,
) -> Edited:
    """Merge (RFC 7396) into the fields of `DEFAULTS`; null goes back to the default.

    `anew`: preferences that are replaced instead of merged. What is floating follows a new time
    zone or all-day time: in this transaction, or in a job that it starts. Raises `Stale`.
    """
    before = await lock(tx, user_id)
    if if_version is not None and if_version != before.version:
        raise Stale
    values = {name: getattr(before, name) for name in DEFAULTS}
    kept = {name: value for name, value in before.preferences.items() if name not in anew}
    values["preferences"] = kept
    merged = {name: _merge(values[name], value) for name, value in patch.items()}
    for name, value in merged.items():
        values[name] = DEFAULTS[name] if value is None else value
    if len(orjson.dumps(values["preferences"])) > MAX_PREFERENCES_BYTES:
        detail = f"all preferences together take at most {MAX_PREFERENCES_BYTES} bytes"
        raise Invalid(detail, pointer="/preferences", code="too_long")
    changed = [name for name in values if values[name] != getattr(before, name)]
    if not changed:
        return Edited(before)
    columns = {
        **values,
        "all_day_time": time.fromisoformat(values["all_day_time"]),
        "preferences": Jsonb(values["preferences"]),
    }
    tx.run(_WRITE, of_id=user_id, now=now, **columns)
    old = {name: getattr(before, name) for name in changed}
    tx.emit(Event(user_id, "user.updated", user_id, changed, old))
    proven = before.phone_verified and "phone" not in changed
    after = replace(
        before, **values, phone_verified=proven, version=before.version + 1, updated_at=now
    )
    if before.preferences.get(AUDIO_DAYS) != after.preferences.get(AUDIO_DAYS):
        audio_times.follow(tx, user_id, settings().audio_retention)
    if {"preferences", "timezone"} & set(changed):
        digests.follow(
            tx, user_id, Plan.of(after.preferences.get("digest")), after.timezone, now=now
        )
    moves: dict[str, Any] = {name: [old[name], values[name]] for name in FLOATS if name in changed}
    if not moves:
        return Edited(after)
    job_id = await rearming.follow(tx, user_id, key=after.version, changed=moves, now=now)
    return Edited(after, job_id)


def _found(user: User | None) -> User:
    if user is None:
        raise NotFound("there is no such account")
    return user


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
