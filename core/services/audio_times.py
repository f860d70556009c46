"""Until when the audio of recordings is kept: as its person chose, else as the settings say."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.statements import Query, row

# `AUDIO_DAYS`, up to `MOST_AUDIO_DAYS`. The door checks it; a client of before there was one may
# have stored anything under this name.
_CHOSEN: Final = """
    (SELECT CASE WHEN jsonb_typeof(u.preferences -> 'audio_retention_days') = 'number'
            THEN make_interval(days => least(greatest(
                (u.preferences ->> 'audio_retention_days')::numeric, 0), 3650)::int) END
     FROM users u WHERE u.id = m.user_id)
"""
_UNTIL: Final = f"coalesce({_CHOSEN}, %(kept)s::interval)"
_RETAIN: Final = Query(
    f"""
    UPDATE voice_memos m SET retain_until = %(now)s::timestamptz + {_UNTIL}
    WHERE m.workspace_id = %(workspace_id)s AND m.id = %(memo_id)s
    """.encode(),  # noqa: S608 - constants of this module
    row,
    {},
    writes=True,
)
# What is not text yet is kept until it is. Where nothing was transcribed, its end changed it last.
_FOLLOW: Final = Query(
    f"""
    UPDATE voice_memos m SET retain_until = coalesce(
        (SELECT max(t.created_at) FROM transcriptions t
         WHERE t.workspace_id = m.workspace_id AND t.memo_id = m.id), m.updated_at) + {_UNTIL}
    WHERE m.user_id = %(user_id)s AND m.blob IS NOT NULL
      AND (m.retain_until IS NOT NULL OR m.status IN
           ('understanding', 'needs_confirmation', 'done', 'no_speech', 'failed'))
    """.encode(),  # noqa: S608 - as above
    row,
    {},
    writes=True,
)


def begin(
    tx: Transaction, workspace_id: UUID, memo_id: UUID, kept: timedelta | None, *, now: datetime
) -> None:
    """Queue that its time runs from `now`; `kept` where its person chose nothing, null for ever."""
    tx.run(_RETAIN, workspace_id=workspace_id, memo_id=memo_id, kept=kept, now=now)


def follow(tx: Transaction, user_id: UUID, kept: timedelta | None) -> None:
    """Queue that all of a person's recordings are kept as they chose by now."""
    tx.run(_FOLLOW, user_id=user_id, kept=kept)
