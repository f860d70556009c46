"""What a person has agreed to. Looked at when it matters: a withdrawal counts from then on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from core.actor import Actor
from core.db import Transaction
from core.errors import ConsentRequired
from core.models.memos import ConsentKind, Consents
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
    """`granted` tells whether it counts now. Null instants: never."""

    kind: str
    granted: bool
    granted_at: datetime | None
    withdrawn_at: datetime | None


_ALL = query(
    select(Consents.kind, Consents.granted_at, Consents.withdrawn_at).where(
        Consents.user_id == bindparam("user_id")
    )
)
_GRANT: Final = Query(
    b"""
    INSERT INTO consents AS c (user_id, kind, granted_at) VALUES (%(user_id)s, %(kind)s, %(now)s)
    ON CONFLICT (user_id, kind) DO UPDATE SET granted_at = excluded.granted_at, withdrawn_at = NULL
    WHERE c.withdrawn_at IS NOT NULL
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


async def page(tx: Transaction, user_id: UUID) -> list[Consent]:
    """All kinds, those that nobody was asked for as well."""
    found = {kind: rest for kind, *rest in await tx.all(_ALL, user_id=user_id)}
    told = [(kind, *found.get(kind, (None, None))) for kind in ConsentKind]
    return [Consent(kind, bool(at) and not until, at, until) for kind, at, until in told]


async def stands(
    tx: Transaction,
    user_id: UUID,
    kind: ConsentKind = ConsentKind.THIRD_PARTY_TRANSCRIPTION,
) -> bool:
    """Whether the person agrees to it now."""
    return any(each.granted for each in await page(tx, user_id) if each.kind == kind)


async def put(
    tx: Transaction, actor: Actor, kind: ConsentKind, *, agrees: bool, now: datetime
) -> None:
    """Agree, or withdraw that; what stands already stays as it is. A change is audited."""
    if await stands(tx, actor.user_id, kind) == agrees:
        return
    tx.run(_GRANT if agrees else _WITHDRAW, user_id=actor.user_id, kind=kind, now=now)
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
