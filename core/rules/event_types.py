"""Every type of event that a workspace's feed can hold, and what happened when one is written.

What the feed, outgoing webhooks, `openapi.json` and docs/webhooks.md all speak of. A test reads our
own code and asks that each type that is emitted stands here.
"""

from typing import Final

EVENT_TYPES: Final[dict[str, str]] = {
    "todo.created": "A todo was made, in whichever way.",
    "todo.updated": "Some of its fields changed: `changed` names them.",
    "todo.completed": "It was done; of a repeating one, this occurrence.",
    "todo.reopened": "It is to be done again.",
    "todo.deleted": "It is gone; undoing brings it back.",
    "todo.restored": "A deletion was undone.",
    "list.created": "A list was made.",
    "list.updated": "Its name or position changed.",
    "list.deleted": "It is gone; its todos stay without a list.",
    "list.restored": "A deletion was undone.",
    "recurrence.created": "A todo repeats from now on.",
    "recurrence.updated": "Its rule, its wording or where it stands changed, or it ended.",
    "recurrence.generated": "The next occurrence was made.",
    "reminder.created": "A reminder was set.",
    "reminder.updated": "Its time or channels changed, or it was armed anew.",
    "reminder.snoozed": "It was put off.",
    "reminder.deleted": "It was taken away.",
    "reminder.armed": "It will fire at another instant, because a zone or a clock changed.",
    "reminder.due": "It fired; its messages are on their way.",
    "reminder.missed": "It came so late that it was told as missed.",
    "voice_command.processed": "Something said was understood, or asked about.",
    "voice_memo.received": "A recording came in.",
    "voice_memo.waiting": "It waits for a transcriber.",
    "voice_memo.done": "What it says was carried out.",
    "voice_memo.no_speech": "Nobody speaks in it.",
    "voice_memo.needs_confirmation": "What it says is being asked about.",
    "voice_memo.failed": "It could not be worked on.",
    "voice_memo.deleted": "It was taken away.",
    "job.created": "Long work began.",
    "job.succeeded": "It is done.",
    "job.failed": "It was given up.",
    "job.cancelled": "It was called off.",
    "user.updated": "The account changed: `changed` names the fields.",
    "workspace.created": "A sandbox was made.",
    "workspace.deleted": "A sandbox is gone.",
}
