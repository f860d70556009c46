"""What a button in Slack is about: its `value`, of at most 2,000 characters, names ids and no more.

- a delivery's id alone: the reminder or the todo which that message was about;
- `todo:<id>`, or `todo:<id>:<words>` in an answer that listed todos by these words;
- `answer:<command id>:<choice>`, to what was asked back;
- `undo:<change set id>`.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

# `action_id`. Slack wants it to differ within a block, so a number may follow an answer's.
COMPLETE: Final = "voicetodo_complete"
SNOOZE_10: Final = "voicetodo_snooze_10m"
SNOOZE_60: Final = "voicetodo_snooze_1h"
ANSWER: Final = "voicetodo_answer"
UNDO: Final = "voicetodo_undo"
OPEN: Final = "voicetodo_open"  # leads to a page; nothing is done
MINUTES: Final = {SNOOZE_10: 10, SNOOZE_60: 60}

# `callback_id` of the message shortcut.
MAKE_TODO: Final = "voicetodo_make_todo"

# `block_id`: messages of ours for one person begin so, and are replaced by what came of a press.
# In any other message, which several may read, only who pressed is answered.
REMINDER: Final = "voicetodo_reminder"
REPLY: Final = "voicetodo_reply"

LONGEST_WORDS: Final = 100


@dataclass(frozen=True, slots=True)
class OfDelivery:
    id: UUID


@dataclass(frozen=True, slots=True)
class OfTodo:
    """`words`: null where no list was answered."""

    id: UUID
    words: str | None = None


@dataclass(frozen=True, slots=True)
class OfQuestion:
    command_id: UUID
    choice: str


@dataclass(frozen=True, slots=True)
class OfChange:
    id: UUID


Subject = OfDelivery | OfTodo | OfQuestion | OfChange


def value(subject: Subject) -> str:
    match subject:
        case OfDelivery(key):
            return str(key)
        case OfTodo(key, None):
            return f"todo:{key}"
        case OfTodo(key, words):
            return f"todo:{key}:{(words or '')[:LONGEST_WORDS]}"
        case OfQuestion(command_id, choice):
            return f"answer:{command_id}:{choice}"
        case OfChange(key):
            return f"undo:{key}"


def read(text: str) -> Subject | None:
    """Null for what `value` never makes."""
    kind, _, rest = text.partition(":")
    key, colon, more = rest.partition(":")
    try:
        match kind:
            case "todo":
                return OfTodo(UUID(key), more if colon else None)
            case "answer":
                return OfQuestion(UUID(key), more) if more else None
            case "undo":
                return OfChange(UUID(key))
        return OfDelivery(UUID(text))
    except ValueError:
        return None


def is_ours(block_id: str) -> bool:
    """Whether the message was for who pressed alone."""
    return block_id.startswith((REMINDER, REPLY))
