"""What is kept for a while only, and then forgotten. Works as `vt_worker`."""

from core.db import Transaction
from core.settings import settings
from core.statements import Query, row

# A bounded bite: after a long pause one statement must not run into its timeout. At one bite a
# minute the keys of 1,600 requests a second are forgotten as fast as they come.
_KEYS = Query(
    b"""
    DELETE FROM idempotency_keys WHERE key_hash IN (
        SELECT key_hash FROM idempotency_keys WHERE created_at < now() - interval '72 hours'
        ORDER BY created_at LIMIT 100000
    )
    """,
    row,
    {},
    writes=True,
)
_LIMITS = Query(
    b"DELETE FROM rate_limits WHERE resets_at < now() - interval '1 hour'", row, {}, writes=True
)
_ACTIONS = Query(
    b"DELETE FROM used_actions WHERE expires_at < now() - interval '1 hour'", row, {}, writes=True
)
# A provider tells again for a day at most (SendGrid, Slack); the rest is margin.
_EVENTS = Query(
    b"""
    DELETE FROM inbound_events WHERE (provider, event_id) IN (
        SELECT provider, event_id FROM inbound_events
        WHERE received_at < now() - interval '7 days' ORDER BY received_at LIMIT 100000
    )
    """,
    row,
    {},
    writes=True,
)
# Slack tells again for an hour at most, and takes no answer after half an hour.
_SLACK = Query(
    b"""
    DELETE FROM slack_inbound WHERE id IN (
        (SELECT id FROM slack_inbound WHERE received_at < now() - interval '7 days'
         ORDER BY received_at LIMIT 10000)
        UNION ALL
        (SELECT id FROM slack_inbound
         WHERE answer IS NOT NULL AND received_at < now() - interval '1 day'
         ORDER BY received_at LIMIT 10000)
    )
    """,
    row,
    {},
    writes=True,
)
# Bites as well. Who never reads still finds the last three months.
_NOTIFICATIONS = Query(
    b"""
    DELETE FROM notifications WHERE (workspace_id, id) IN (
        (SELECT workspace_id, id FROM notifications
         WHERE read_at IS NOT NULL AND created_at < now() - interval '30 days'
         ORDER BY created_at LIMIT 10000)
        UNION ALL
        (SELECT workspace_id, id FROM notifications
         WHERE created_at < now() - interval '90 days' LIMIT 10000)
    )
    """,
    row,
    {},
    writes=True,
)


# Rows stay, for they are counted; the words in them go.
_SAID = Query(
    b"""
    UPDATE voice_commands SET sealed = NULL WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM voice_commands
        WHERE sealed IS NOT NULL AND created_at < now() - make_interval(days => %(days)s)
        ORDER BY created_at LIMIT 10000
    )
    """,
    row,
    {},
    writes=True,
)
_WORDS = Query(
    b"""
    UPDATE todo_voice SET original_text = NULL WHERE (workspace_id, todo_id) IN (
        SELECT workspace_id, todo_id FROM todo_voice
        WHERE original_text IS NOT NULL AND created_at < now() - make_interval(days => %(days)s)
        ORDER BY created_at LIMIT 10000
    )
    """,
    row,
    {},
    writes=True,
)
# Questions to providers that nobody came back from.
_STATES = Query(
    b"DELETE FROM oauth_states WHERE expires_at < now() - interval '1 hour'", row, {}, writes=True
)
# Its workflow gives up after a day; this is for one that an operator ended.
_ENDED = Query(
    b"""
    DELETE FROM connections
    WHERE status = 'disconnecting' AND updated_at < now() - interval '2 days'
    """,
    row,
    {},
    writes=True,
)
_DONE = Query(
    b"""
    DELETE FROM connection_activity WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM connection_activity
        WHERE at < now() - interval '30 days' ORDER BY at LIMIT 50000
    )
    """,
    row,
    {},
    writes=True,
)
# What was sent to people's own endpoints: the text for two weeks, that it was for a month.
_BODIES = Query(
    b"""
    UPDATE webhook_deliveries SET body = NULL WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM webhook_deliveries
        WHERE body IS NOT NULL AND created_at < now() - interval '14 days'
          AND status <> 'pending' ORDER BY created_at LIMIT 10000
    )
    """,
    row,
    {},
    writes=True,
)
_WEBHOOKS = Query(
    b"""
    DELETE FROM webhook_deliveries WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM webhook_deliveries
        WHERE created_at < now() - interval '30 days' AND status <> 'pending' LIMIT 10000
    )
    """,
    row,
    {},
    writes=True,
)


def tidy(tx: Transaction) -> None:
    """Queue forgetting keys after 72 h, events after a week, counters and links that are over.

    Notifications that were read go a month after they came, the others after three; what people
    said goes after `voice_retention_days`; what was sent to their endpoints after a fortnight; what
    their connections did after 30 days.
    """
    days = settings().voice_retention_days
    tx.run(_KEYS)
    tx.run(_LIMITS)
    tx.run(_ACTIONS)
    tx.run(_NOTIFICATIONS)
    tx.run(_EVENTS)
    tx.run(_SLACK)
    tx.run(_SAID, days=days)
    tx.run(_WORDS, days=days)
    tx.run(_STATES)
    tx.run(_ENDED)
    tx.run(_DONE)
    tx.run(_BODIES)
    tx.run(_WEBHOOKS)
