"""When somebody else is asked what was meant, and what is made of the answer.

No transaction is held while an outside service thinks: `Unsure` ends it, with nothing done; then
`consult` asks, and the caller begins anew with the `Advice`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import metrics
from core.actor import Actor
from core.db import Transaction
from core.models.memos import ConsentKind
from core.rules.understanding.commands import Command, Reading
from core.rules.understanding.proposals import Proposal, checked
from core.services import consents
from core.services.voice_results import Adviser, Policy
from core.services.voice_steps import Ask, Step


@dataclass(frozen=True, slots=True)
class Advice:
    """What came of asking. Whoever has it is not told to ask again."""

    proposal: Proposal | None


class Unsure(Exception):
    """Nothing was done: ask the adviser, outside of the transaction, and begin anew."""

    def __init__(self, text: str, language: str) -> None:
        super().__init__()
        self.text = text
        self.language = language


async def consult(adviser: Adviser, unsure: Unsure) -> Advice:
    return Advice(await adviser.propose(unsure.text, unsure.language))


def is_wanted(
    found: Reading, steps: Sequence[Step], policy: Policy, *, foreign: str | None
) -> bool:
    """Whether a model might know more than we: of words, not of which todos there are.

    What is destructive or badly heard is asked about however well it is understood.
    """
    if foreign is not None:
        return True
    both = zip(found.commands, steps, strict=True)
    return any(_is_open(command, step, policy) for command, step in both)


def _is_open(command: Command, step: Step, policy: Policy) -> bool:
    if step.ask is Ask.WHICH:
        return False
    if step.ask is Ask.NOT_FOUND:
        return step.reference is not None
    return not step.is_whole or command.question is not None or command.confidence < policy.act


async def may_ask(tx: Transaction, actor: Actor, adviser: Adviser) -> bool:
    """Whether the person agrees, where that is needed."""
    if not adviser.third_party:
        return True
    return await consents.stands(tx, actor.user_id, ConsentKind.THIRD_PARTY_UNDERSTANDING)


def taken(
    advice: Advice, text: str, found: Reading, foreign: str | None, scene: Mapping[str, Any]
) -> Reading | None:
    """What the model proposes, where that holds; null: what we understood ourselves stands.

    That it finds nothing to do counts only of a language that we do not know: in ours, a question
    of ours is worth more. `scene` is when and where it was said.
    """
    if advice.proposal is None:
        return None
    language = foreign or found.language
    reading = checked(advice.proposal, text, language=language, **scene)
    stands = reading is not None and (bool(reading.commands) or foreign is not None)
    held = "used" if reading and reading.commands else "nothing"
    outcome = "invented" if reading is None else held
    metrics.LANGUAGE_MODEL_PROPOSALS.labels(outcome).inc()
    return reading if stands else None
