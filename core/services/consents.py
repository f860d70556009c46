"""What a person has agreed to. Looked at before each call, so that a withdrawal counts at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from core.actor import Actor
from core.db import Transaction
from core.errors import ConsentRequired, Stale
from core.ids import uuid7
from core.models.memos import ConsentKind, Consents
from core.models.rights import ConsentLog
from core.rules import consents as texts
from core.services import audits
from core.settings import Settings
from core.statements import Query, query, row

# Whoever runs this service runs these as well.
OUR_OWN: Final = frozenset({"embedded", "speaches", "vllm", "localai"})
HOW: Final = (
    "your recordings would be transcribed by an outside service ({names}): agree with "
    'PUT /api/v1/me/consents {{"third_party_transcription": true}}'
)


@dataclass(frozen=True, slots=True)
class Consent:
    """`granted` tells whether it counts now: for `text`, which is `current_version`.

    `version` is of the text that was agreed to; an earlier one counts no more. Null: never.
    """

    kind: str
    granted: bool
    granted_at: datetime | None
    withdrawn_at: datetime | None
    version: int | None
    current_version: int
    text: str


_ALL = query(
    select(Consents.kind, Consents.granted_at, Consents.withdrawn_at, Consents.version).where(
        Consents.user_id == bindparam("user_id")
    )
)
_GRANT: Final = Query(
    b"""
    INSERT INTO consents AS c (user_id, kind, granted_at, version)
    VALUES (%(user_id)s, %(kind)s, %(now)s, %(version)s)
    ON CONFLICT (user_id, kind) DO UPDATE
    SET granted_at = excluded.granted_at, withdrawn_at = NULL, version = excluded.version
    WHERE c.withdrawn_at IS NOT NULL OR c.version <> excluded.version
    """,
    row,
    {},
    writes=True,
)
_WITHDRAW: Final = Query(
    b"""
    UPDATE consents SET withdrawn_at = %(now)s
    WHERE user_id = %(user_id)s AND kind = %(kind)s AND withdrawn_at IS NULL
    """,
    row,
    {},
    writes=True,
)
_LOG: Final = query(
    insert(ConsentLog).values(
        {name: bindparam(name) for name in ConsentLog.__table__.columns.keys()}  # noqa: SIM118 - not a dict
    )
)


async def page(tx: Transaction, user_id: UUID) -> list[Consent]:
    """All kinds, those that nobody was asked for as well."""
    found = {kind: rest for kind, *rest in await tx.all(_ALL, user_id=user_id)}
    return [_consent(kind, *found.get(kind, (None, None, None))) for kind in ConsentKind]


def _consent(
    kind: str, at: datetime | None, until: datetime | None, version: int | None
) -> Consent:
    current = texts.current(kind)
    granted = at is not None and until is None and version == current
    return Consent(kind, granted, at, until, version, current, texts.text(kind, current))


async def stands(
    tx: Transaction,
    user_id: UUID,
    kind: ConsentKind = ConsentKind.THIRD_PARTY_TRANSCRIPTION,
) -> bool:
    """Whether the person agrees to it now."""
    return any(each.granted for each in await page(tx, user_id) if each.kind == kind)


async def put(
    tx: Transaction,
    actor: Actor,
    kind: ConsentKind,
    *,
    agrees: bool,
    now: datetime,
    shown: int | None = None,
    address_hash: bytes | None = None,
) -> None:
    """Agree to the current text, or withdraw; what stands already stays as it is.

    A change is audited, and kept with `address_hash` as its proof. `shown` is the version that the
    person had before them: raises `Stale` if it is another.
    """
    found = next(each for each in await page(tx, actor.user_id) if each.kind == kind)
    if agrees and shown not in {None, found.current_version}:
        raise Stale(f"the text has changed: show version {found.current_version} of `{kind}`")
    agreed = found.granted_at is not None and found.withdrawn_at is None
    if found.granted if agrees else not agreed:
        return
    version = found.current_version if agrees or found.version is None else found.version
    tx.run(
        _GRANT if agrees else _WITHDRAW,
        user_id=actor.user_id,
        kind=kind,
        now=now,
        **({"version": version} if agrees else {}),
    )
    tx.run(
        _LOG,
        id=uuid7(),
        user_id=actor.user_id,
        kind=kind,
        granted=agrees,
        version=version,
        session_id=actor.session_id,
        address_hash=address_hash,
        at=now,
    )
    action = "consent.granted" if agrees else "consent.withdrawn"
    audits.record(tx, action, actor_id=actor.user_id, subject_id=actor.user_id)


def outside(settings: Settings) -> list[str]:
    """The transcribers that are set up and are somebody else's."""
    profile = settings.openai_transcription_profile
    names = [profile if each == "openai" else each for each in settings.transcriber_names]
    return [each for each in names if each not in OUR_OWN]


async def require_transcription(tx: Transaction, user_id: UUID, settings: Settings) -> None:
    """Raises `ConsentRequired` where somebody else may transcribe, unless the person agrees."""
    if (names := outside(settings)) and not await stands(tx, user_id):
        raise ConsentRequired(HOW.format(names=", ".join(names)))
