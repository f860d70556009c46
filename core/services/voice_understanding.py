"""What an utterance asks for: read by the rules, with its todos found, and what is to be asked.

Each command acts, asks or is left out, by its confidence; what is destructive always asks.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.rules import zones
from core.rules.understanding import languages, reading
from core.rules.understanding.commands import Intent, Reading
from core.services import voice_rows, voice_steps
from core.services.voice_results import Asked, Policy
from core.services.voice_rows import Context
from core.services.voice_steps import NEEDS_TARGET, Ask, Step
from core.services.voice_targets import Targets


async def context_of(tx: Transaction, actor: Actor, asked: Asked, workspace_id: UUID) -> Context:
    """Raises `NotFound` for a session that is not the person's, or of another workspace."""
    found = await tx.first(
        voice_rows.CONTEXT,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        session_id=asked.session_id,
        now=tx.began_at,
    )
    if found is None or (asked.session_id is not None and found.session_id is None):
        raise NotFound("there is no such voice session of yours")
    return found


async def read(
    tx: Transaction, text: str, asked: Asked, context: Context, *, moment: datetime
) -> Reading:
    """What the rules make of it, in the person's place and time."""
    said_in = await scene(tx, asked, context, moment)
    return reading.read(text, language=asked.language, default=asked.default, **said_in)


async def scene(
    tx: Transaction, asked: Asked, context: Context, moment: datetime
) -> dict[str, Any]:
    """When and where it is said, and the names that the person knows."""
    own = (await tx.person()).timezone
    return {
        "now": moment,
        "zone": asked.zone or own,
        "due_zone": asked.zone if asked.zone != own else None,
        "lists": context.lists,
        "tags": context.tags,
    }


async def steps_of(
    tx: Transaction,
    actor: Actor,
    found: Reading,
    asked: Asked,
    context: Context,
    policy: Policy,
    *,
    workspace_id: UUID,
    moment: datetime,
    stt_confidence: float | None,
    confirmed: bool,
) -> list[Step]:
    """`confirmed`: nothing is done without a yes."""
    zone = asked.zone or (await tx.person()).timezone
    targets = Targets(
        tx,
        actor,
        workspace_id=workspace_id,
        mentioned=context.mentioned,
        policy=policy,
        language=languages.tabled(found.language),
        now=moment,
        today=moment.astimezone(zones.zone(zone)).date(),
    )
    steps = []
    for position, command in enumerate(found.commands):
        step = voice_steps.step(position, command)
        if command.intent in NEEDS_TARGET:
            step = await targets.found(step, command.target)
        if stt_confidence is not None:
            surely = min(step.told.confidence, stt_confidence)
            step = replace(step, told=replace(step.told, confidence=surely))
        step = replace(step, question=command.question)
        steps.append(replace(step, ask=_ask(step, policy, confirmed=confirmed)))
    return steps


def only_looks(step: Step) -> bool:
    return step.ask is None and step.told.intent is Intent.LIST


def _ask(step: Step, policy: Policy, *, confirmed: bool) -> Ask | None:
    """Why it waits; null: it is carried out."""
    told = step.told
    if step.ask is not None:
        return step.ask
    if not step.is_whole:
        return Ask.MISSING
    if told.confidence < policy.ask:
        return Ask.UNCLEAR
    destructive = told.intent is Intent.DELETE or step.everything
    sure = told.confidence >= policy.act and step.question is None
    return None if sure and not destructive and not confirmed else Ask.SURE
