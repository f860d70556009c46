"""Push subscriptions as deliveries see them: which of a person's there are, what came of a use."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.statements import Query, row

USED_AGAIN_AFTER: Final = timedelta(hours=1)  # `last_used_at` is as exact as this, and cheap

# Of a subscription `s`. A session that was ended ends its subscriptions; one that ran out does not:
# its browser is still its owner's, and reminders must not stop because nobody looked at the app.
LIVE: Final = b"""
    (s.session_id IS NULL
     OR EXISTS (SELECT FROM sessions x WHERE x.id = s.session_id AND x.revoked_at IS NULL))
"""
# Of a person `u`: what `Subscription` takes, for each, the oldest first.
ALL: Final = (
    b"""
    (SELECT jsonb_agg(jsonb_build_array(s.id, s.endpoint, s.p256dh, s.auth) ORDER BY s.id)
     FROM push_subscriptions s WHERE s.user_id = u.id AND """
    + LIVE
    + b")"
)
# Rows that another batch is at are skipped: what it writes says as much, and nobody waits.
_USED: Final = Query(
    b"""
    UPDATE push_subscriptions s SET
        last_used_at = CASE WHEN x.worked THEN x.at ELSE s.last_used_at END,
        failures = CASE WHEN x.worked THEN 0 ELSE least(s.failures + 1, 32000) END
    FROM (SELECT DISTINCT ON (id) * FROM unnest(%(ids)s::uuid[], %(at)s::timestamptz[],
                                                %(worked)s::boolean[]) AS x (id, at, worked)
          ORDER BY id, at DESC) x
    WHERE s.id = x.id AND s.id IN (
        SELECT l.id FROM push_subscriptions l WHERE l.id = ANY (%(ids)s::uuid[])
        FOR NO KEY UPDATE SKIP LOCKED)
      AND (NOT x.worked OR s.failures > 0 OR s.last_used_at IS NULL
           OR s.last_used_at < x.at - %(again_after)s)
    """,
    row,
    {"again_after": USED_AGAIN_AFTER},
    writes=True,
)
_PRUNE: Final = Query(
    b"""
    DELETE FROM push_subscriptions WHERE id IN (
        SELECT id FROM push_subscriptions WHERE id = ANY (%(ids)s::uuid[])
        ORDER BY id FOR UPDATE)
    """,
    row,
    {},
    writes=True,
)


def used(tx: Transaction, uses: Collection[tuple[UUID, datetime, bool]]) -> None:
    """Queue when each was used, and whether that worked."""
    if uses:
        ids, at, worked = map(list, zip(*uses, strict=True))
        tx.run(_USED, ids=ids, at=at, worked=worked)


def prune(tx: Transaction, ids: Collection[UUID]) -> None:
    """Queue forgetting those that their browsers gave up."""
    if ids:
        tx.run(_PRUNE, ids=list(ids))
