"""The statements of what people say."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from functools import cache
from typing import Final, Self
from uuid import UUID

from core.rules.reminders import Due
from core.statements import Query, row

MOST_CANDIDATES: Final = 5000


@dataclass(frozen=True, slots=True)
class Context:
    """What an utterance is heard in. `session_id` is null where none is live."""

    session_id: UUID | None
    mentioned: list[UUID]  # lately, in the order in which it was told
    lists: list[str]
    tags: list[str]
    wants_reminders: bool

    @classmethod
    def of_row(
        cls,
        session_id: UUID | None,
        mentioned: list[UUID] | None,
        lists: list[str] | None,
        tags: list[str] | None,
        reminders: str | None,
    ) -> Self:
        return cls(session_id, mentioned or [], lists or [], tags or [], reminders != "false")


@dataclass(frozen=True, slots=True)
class Standing:
    """A todo as far as it takes to know which one is meant."""

    id: UUID
    title: str
    status: str
    due_on: date | None
    due_time: time | None
    due_zone: str | None
    list: str | None
    tags: Sequence[str]
    priority: str

    @property
    def due(self) -> Due | None:
        return None if self.due_on is None else Due(self.due_on, self.due_time, self.due_zone)


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A stored command; every statement here asks for one's own."""

    id: UUID
    workspace_id: UUID
    session_id: UUID | None
    memo_id: UUID | None
    created_at: datetime
    language: str
    intent: str | None
    outcome: str
    confidence: float | None
    stt_confidence: float | None
    transcriber: str | None
    latency_ms: float
    change_sets: list[UUID]
    sealed: bytes | None
    expires_at: datetime | None
    answered_at: datetime | None
    resolver_version: int


CONTEXT: Final = Query(
    b"""
    SELECT s.id, CASE WHEN s.mentioned_at > %(now)s - interval '10 minutes' THEN s.mentioned END,
      (SELECT array_agg(l.name ORDER BY l.position) FROM lists l
       WHERE l.workspace_id = %(workspace_id)s AND l.deleted_at IS NULL),
      (SELECT array_agg(DISTINCT tag) FROM (
         SELECT unnest(t.tags) AS tag FROM (
           SELECT tags FROM todos WHERE workspace_id = %(workspace_id)s AND deleted_at IS NULL
           ORDER BY id DESC LIMIT 500) t) named),
      (SELECT u.preferences #>> '{voice,reminders}' FROM users u WHERE u.id = %(user_id)s)
    FROM (SELECT) one LEFT JOIN LATERAL (
      SELECT id, mentioned, mentioned_at FROM voice_sessions
      WHERE workspace_id = %(workspace_id)s AND user_id = %(user_id)s
        AND CASE WHEN %(session_id)s::uuid IS NULL
            THEN last_at > %(now)s - interval '30 minutes' ELSE id = %(session_id)s END
      ORDER BY last_at DESC LIMIT 1) s ON true
    """,
    Context.of_row,
    {},
    writes=False,
)
_STANDING: Final = b"""
    SELECT t.id, t.title, t.status, t.due_on, t.due_time, t.due_zone, l.name, t.tags, t.priority
    FROM todos t LEFT JOIN lists l ON l.workspace_id = t.workspace_id AND l.id = t.list_id
    WHERE t.workspace_id = %(workspace_id)s AND t.deleted_at IS NULL
      AND t.workspace_id IN (SELECT workspace_id FROM memberships WHERE user_id = %(user_id)s)
"""
OPEN: Final = Query(
    _STANDING + b"AND t.status = 'pending' ORDER BY t.updated_at DESC LIMIT %d" % MOST_CANDIDATES,
    Standing,
    {},
    writes=False,
)
DONE: Final = Query(
    _STANDING
    + b"AND t.completed_at > %(now)s - interval '30 days' ORDER BY t.completed_at DESC LIMIT "
    + b"%d" % MOST_CANDIDATES,
    Standing,
    {},
    writes=False,
)
THESE: Final = Query(_STANDING + b"AND t.id = ANY (%(ids)s)", Standing, {}, writes=False)
# Counted where two commands at once count both. A session that begins here has no device.
HEARD: Final = Query(
    b"""
    INSERT INTO voice_sessions AS s (workspace_id, id, user_id, started_at, last_at,
      total_commands, successful_commands, failed_commands, asked_commands,
      confidence_sum, confidence_count, mentioned, mentioned_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(now)s, %(now)s, %(total)s, %(successful)s,
      %(failed)s, %(asked)s, %(sum)s, %(count)s, %(mentioned)s::uuid[],
      CASE WHEN %(mentioned)s::uuid[] <> '{}' THEN %(now)s::timestamptz END)
    ON CONFLICT (workspace_id, id) DO UPDATE SET
      last_at = greatest(s.last_at, excluded.last_at),
      total_commands = s.total_commands + excluded.total_commands,
      successful_commands = s.successful_commands + excluded.successful_commands,
      failed_commands = s.failed_commands + excluded.failed_commands,
      asked_commands = s.asked_commands + excluded.asked_commands,
      confidence_sum = s.confidence_sum + excluded.confidence_sum,
      confidence_count = s.confidence_count + excluded.confidence_count,
      mentioned = CASE WHEN excluded.mentioned_at IS NULL THEN s.mentioned
                       ELSE excluded.mentioned END,
      mentioned_at = coalesce(excluded.mentioned_at, s.mentioned_at)
    """,
    row,
    {},
    writes=True,
)
ADD: Final = Query(
    b"""
    INSERT INTO voice_commands (workspace_id, id, user_id, session_id, memo_id, created_at,
      language, intent, outcome, confidence, stt_confidence, transcriber, latency_ms, change_sets,
      sealed, expires_at, resolver_version)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(session_id)s, %(memo_id)s, %(now)s,
      %(language)s, %(intent)s, %(outcome)s, %(confidence)s, %(stt_confidence)s, %(transcriber)s,
      %(latency_ms)s, %(change_sets)s, %(sealed)s, %(expires_at)s, %(resolver_version)s)
    """,
    row,
    {},
    writes=True,
)
ADD_VOICE: Final = Query(
    b"""
    INSERT INTO todo_voice (workspace_id, todo_id, command_id, memo_id, confidence, original_text,
      spans, resolver_version, created_at)
    VALUES (%(workspace_id)s, %(todo_id)s, %(command_id)s, %(memo_id)s, %(confidence)s,
      %(original_text)s, %(spans)s, %(resolver_version)s, %(now)s)
    """,
    row,
    {},
    writes=True,
)
APPLIED: Final = Query(
    b"""
    SELECT position FROM voice_applied
    WHERE workspace_id = %(workspace_id)s AND memo_id = %(memo_id)s
    """,
    row,
    {},
    writes=False,
)
APPLY: Final = Query(
    b"""
    INSERT INTO voice_applied (workspace_id, memo_id, position, command_id, todo_id, change_set)
    VALUES (%(workspace_id)s, %(memo_id)s, %(position)s, %(command_id)s, %(todo_id)s,
      %(change_set)s)
    """,
    row,
    {},
    writes=True,
)
# One at a time processes a recording: what was applied is then known for the rest of it.
LOCK_MEMO: Final = Query(
    b"SELECT pg_advisory_xact_lock(hashtextextended(%(memo_id)s::text, 5))", row, {}, writes=False
)
# The session's own first, then what was said lately anywhere; the newest of each, as UUIDv7 sort.
LAST_DONE: Final = Query(
    b"""
    SELECT done FROM voice_commands c, unnest(c.change_sets) done
    WHERE c.workspace_id = %(workspace_id)s AND c.user_id = %(user_id)s
      AND (c.session_id = %(session_id)s OR c.created_at > %(now)s - interval '10 minutes')
    ORDER BY (c.session_id IS NOT DISTINCT FROM %(session_id)s) DESC, done DESC LIMIT 1
    """,
    row,
    {},
    writes=False,
)
# Whoever took it back, and at which door: "undo" then goes on with what was done before it.
UNDONE: Final = Query(
    b"""
    UPDATE voice_commands SET change_sets = array_remove(change_sets, %(change_set)s)
    WHERE workspace_id = ANY ((SELECT vt_writable())::uuid[]) AND user_id = %(user_id)s
      AND created_at > %(now)s - interval '31 days' AND %(change_set)s = ANY (change_sets)
    """,
    row,
    {},
    writes=True,
)
COLUMNS: Final = b", ".join(b"c." + f.name.encode() for f in fields(CommandRow))
_MINE: Final = (
    b"SELECT "
    + COLUMNS
    + b"""
    FROM voice_commands c
    WHERE c.user_id = %(user_id)s
      AND c.workspace_id IN (SELECT workspace_id FROM memberships WHERE user_id = %(user_id)s)
"""
)
GET: Final = Query(_MINE + b"AND c.id = %(id)s", CommandRow, {}, writes=False)
LOCK: Final = Query(_MINE + b"AND c.id = %(id)s FOR UPDATE OF c", CommandRow, {}, writes=False)
# The question that was asked last in a session (without one: in that which goes on), unless it was
# answered, or something else was done since: then "yes" is no answer to it any more.
STANDING: Final = Query(
    _MINE
    + b"""
      AND c.outcome = 'asked' AND c.expires_at > %(now)s
      AND c.created_at > %(now)s - interval '10 minutes'
      AND c.workspace_id = %(workspace_id)s AND c.id = (
        SELECT last.id FROM voice_commands last
        WHERE last.workspace_id = %(workspace_id)s AND last.user_id = %(user_id)s
          AND last.outcome <> 'nothing'
          AND last.session_id = coalesce(%(session_id)s, (
            SELECT s.id FROM voice_sessions s
            WHERE s.workspace_id = %(workspace_id)s AND s.user_id = %(user_id)s
              AND s.last_at > %(now)s - interval '30 minutes'
            ORDER BY s.last_at DESC LIMIT 1))
        ORDER BY last.created_at DESC, last.id DESC LIMIT 1)
    """,
    CommandRow,
    {},
    writes=False,
)


@cache
def page(*, of_session: bool, continued: bool) -> Query[CommandRow]:
    """A statement for each shape: no plan for all of them begins where the last page ended."""
    sql = _MINE + b" AND c.workspace_id = %(workspace_id)s"
    if of_session:
        sql += b" AND c.session_id = %(session_id)s"
    if continued:
        sql += b" AND (c.created_at, c.id) < (%(before)s, %(before_id)s)"
    sql += b" ORDER BY c.created_at DESC, c.id DESC LIMIT %(limit)s"
    return Query(sql, CommandRow, {}, writes=False)


ANSWER: Final = Query(
    b"""
    UPDATE voice_commands SET outcome = %(outcome)s, sealed = %(sealed)s, answered_at = %(now)s,
      change_sets = change_sets || %(change_sets)s::uuid[]
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)
FORGET: Final = Query(
    b"""
    UPDATE voice_commands SET sealed = NULL
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)
FORGET_WORDS: Final = Query(
    b"""
    UPDATE todo_voice SET original_text = NULL
    WHERE workspace_id = %(workspace_id)s AND command_id = %(id)s
    """,
    row,
    {},
    writes=True,
)
