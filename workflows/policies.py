"""Every timeout and retry policy, by the name of what it is for: the only place for such numbers.

    await workflow.execute_activity_method(Ticks.run, message, **policies.TICK)

Retries go on for ever unless a policy says otherwise: giving up is a decision of the activity,
which raises a non-retryable error when a repetition cannot help.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class Policy(TypedDict, total=False):
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    schedule_to_start_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# A tick lives 30 s; the rest is for the batch it has begun. A dead worker is noticed after 8 s.
# No limit on attempts: after an outage the tick that waited goes on, and the buffered one follows.
TICK: Policy = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=2),
    ),
}

# How long to wait for a vendor the activity says itself, and when to give up. These retries are
# for a worker that died at it, which is no fault of the message's: it is tried again soon.
DELIVERY_ATTEMPT: Policy = {
    "start_to_close_timeout": timedelta(seconds=20),
    "schedule_to_close_timeout": timedelta(hours=25),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=15),
    ),
}

# A slice of long work: some seconds of it, and up to a minute's wait for leases of a dead worker.
# No limit on attempts: each goes on where the database says that the work is.
JOB_SLICE: Policy = {
    "start_to_close_timeout": timedelta(minutes=15),  # of which reading a large file may be most
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=30),
    ),
}

# Something typed in Slack: one transaction, and before it perhaps one question to Slack.
SLACK_DEED: Policy = {
    "start_to_close_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=30),
    ),
}

# Slack takes answers for half an hour.
SLACK_ANSWER: Policy = {
    "start_to_close_timeout": timedelta(seconds=10),
    "schedule_to_close_timeout": timedelta(minutes=28),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=60),
    ),
}

# Reading a recording, decoding it and looking for speech: 42 ms a second of audio, and there may be
# a queue. When to give up on what kills its decoder each time the activity says itself.
LISTENING: Policy = {
    "start_to_close_timeout": timedelta(minutes=2),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=30),
    ),
}

# One provider's turn. After these attempts it is the next one's, and after the last one's the
# workflow waits and begins again, so an end here loses nothing. Nobody may work on a queue any more
# (the provider was taken out of the settings), hence a limit on waiting there, too.
TRANSCRIPTION: Policy = {
    "start_to_close_timeout": timedelta(minutes=5),
    "schedule_to_start_timeout": timedelta(minutes=10),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=2),
        maximum_interval=timedelta(seconds=20),
        maximum_attempts=3,
    ),
}

# One transaction, of up to as many changes as a recording has commands. What fails each time for a
# reason that no repetition mends the activity gives up itself.
UNDERSTANDING: Policy = {
    "start_to_close_timeout": timedelta(seconds=30),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=30),
    ),
}

# Giving an access back to the provider it is of. After a day nobody waits for one that does not
# answer: what we keep of it is forgotten all the same.
REVOCATION: Policy = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(hours=24),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=15),
    ),
}

# One store of an account that is erased: bites of rows, or a service that may be away for days. No
# limit on attempts: when to go on without that service the activity says itself, and all of the
# rest is to come to its end.
ERASURE: Policy = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=15),
    ),
}

# All rules of retention, each in bites and for a minute at most. A dead worker is noticed soon; the
# Schedule does not begin another run as long as this one tries.
RETENTION: Policy = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=1),
    ),
}

# A whole archive, from its beginning each time. After a day it is said to have failed.
EXPORT: Policy = {
    "start_to_close_timeout": timedelta(hours=6),
    "schedule_to_close_timeout": timedelta(hours=24),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(minutes=5),
    ),
}

# One short transaction of ours: repeated until PostgreSQL is there.
BOOKKEEPING: Policy = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=30),
    ),
}

# One call to Temporal's server, and how long a row of the outbox is in one relay's hands: a batch
# of a hundred rows at fifty a time ends well within it even if every call takes its whole time.
RPC_TIMEOUT = timedelta(seconds=5)
OUTBOX_LEASE = timedelta(seconds=30)
OUTBOX_POLL = timedelta(milliseconds=250)
OUTBOX_ATTEMPTS = 8  # 2, 4, 8 … 64 s apart: a deployment in the middle of them mends most refusals
OUTBOX_LONGEST_WAIT = timedelta(seconds=64)
# While Temporal is down: one probe after another, full jitter, so that relays do not march in step.
BACK_OFF_FIRST = timedelta(milliseconds=250)
BACK_OFF_LONGEST = timedelta(seconds=5)

SWEEP_EVERY = timedelta(seconds=60)
SWEEP_AGE = timedelta(seconds=60)  # younger executions may just be starting
TICK_EVERY = timedelta(seconds=30)
RETENTION_EVERY = timedelta(minutes=5)
# A tick that no worker can carry on (its input was sealed with a key that is gone) would hold its
# Schedule for ever. What falls due stands in rows, so nothing is lost when one is given up.
TICK_ENDS = timedelta(minutes=5)

# Of a worker that is asked to stop: then activities are cancelled. `voicetodo up` kills after 15 s.
GRACE = timedelta(seconds=10)
# Cancellation reaches an activity with its heartbeat, which the SDK would send every 6 s only.
HEARTBEAT_EVERY = timedelta(seconds=1)
