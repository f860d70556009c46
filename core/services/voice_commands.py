"""From words to todos: understood, decided, and carried out in the caller's transaction.

1. What is known is read: the session, names of lists and tags. One round trip, with who asks.
2. The rules read the text; which todo is meant is chosen among those that the person may see.
3. Each command acts, asks or is left out, by its confidence; what is destructive always asks.
4. All that acts is one change set, which `undo` takes back as a whole.
"""

from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.services.voice_results import Asked, Memo, Using, VoiceResult


async def run(
    tx: Transaction,
    actor: Actor,
    text: str,
    asked: Asked,
    *,
    using: Using,
    workspace_id: UUID,
    now: datetime,
    memo: Memo | None = None,
    stt_confidence: float | None = None,
) -> VoiceResult:
    """Understand an utterance and do what it says, as far as that is sure.

    `tx` must know the person (`enter`, or `act_for` in a worker). Of a recording, running it twice
    with one `command_id` does nothing the second time and answers the same. Raises `Forbidden`
    where the person may only look, `NotFound` for a foreign session.
    """
    raise NotImplementedError
