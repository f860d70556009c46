"""How well one is understood: one's own commands, counted. Words play no part in it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.services.workspaces import Access, place
from core.statements import Query


@dataclass(frozen=True, slots=True)
class VoiceDay:
    day: date  # in one's own zone
    commands: int
    successful: int


@dataclass(frozen=True, slots=True)
class VoiceAnalytics:
    """`success_rate`: carried out at once or after an answer, of all that was meant for us.

    Rates and means are null where nothing was said.
    """

    commands: int
    by_intent: dict[str, int]
    by_language: dict[str, int]
    by_outcome: dict[str, int]
    by_transcriber: dict[str, int]  # `text`: the words came from the device
    success_rate: float | None
    ask_back_rate: float | None
    mean_confidence: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    days: list[VoiceDay]


@dataclass(frozen=True, slots=True)
class _Counted:
    by_intent: dict[str, int] | None
    by_language: dict[str, int] | None
    by_outcome: dict[str, int] | None
    by_transcriber: dict[str, int] | None
    asked: int
    confidence: float | None
    p50: float | None
    p95: float | None
    days: list[list[Any]] | None


def _tally(column: bytes) -> bytes:
    return (
        b"(SELECT json_object_agg(k, n) FROM (SELECT "
        + column
        + b" AS k, count(*) AS n FROM c GROUP BY 1) g)"
    )


_COUNT: Final = Query(
    b"""
    WITH c AS (
      SELECT * FROM voice_commands
      WHERE workspace_id = %(workspace_id)s AND user_id = %(user_id)s
        AND created_at >= %(since)s AND created_at < %(until)s
    )
    SELECT """
    + b", ".join(
        _tally(column)
        for column in (
            b"coalesce(intent, 'none')",
            b"language",
            b"outcome",
            b"coalesce(transcriber, 'text')",
        )
    )
    + b""",
      (SELECT count(*) FROM c WHERE expires_at IS NOT NULL),
      (SELECT avg(confidence) FROM c),
      (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) FROM c),
      (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FROM c),
      (SELECT json_agg(json_build_array(day, n, good) ORDER BY day) FROM (
         SELECT (created_at AT TIME ZONE %(zone)s)::date AS day, count(*) AS n,
           count(*) FILTER (WHERE outcome IN ('done', 'confirmed')) AS good
         FROM c GROUP BY 1) days)
    """,
    _Counted,
    {},
    writes=False,
)


async def of_person(
    tx: Transaction, actor: Actor, *, workspace_id: UUID, since: datetime, until: datetime
) -> VoiceAnalytics:
    """Of one's own commands in this workspace, from `since` up to but not including `until`."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    zone = (await tx.person()).timezone
    found = await tx.first(
        _COUNT,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        since=since,
        until=until,
        zone=zone,
    )
    assert found is not None  # noqa: S101 (a statement of counts has a row)
    outcomes = found.by_outcome or {}
    total = sum(outcomes.values())
    meant = total - outcomes.get("nothing", 0)
    good = outcomes.get("done", 0) + outcomes.get("confirmed", 0)
    return VoiceAnalytics(
        commands=total,
        by_intent=found.by_intent or {},
        by_language=found.by_language or {},
        by_outcome=outcomes,
        by_transcriber=found.by_transcriber or {},
        success_rate=good / meant if meant else None,
        ask_back_rate=found.asked / meant if meant else None,
        mean_confidence=found.confidence,
        latency_p50_ms=found.p50,
        latency_p95_ms=found.p95,
        days=[VoiceDay(date.fromisoformat(day), n, ok) for day, n, ok in found.days or ()],
    )
