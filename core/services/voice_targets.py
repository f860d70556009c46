"""Which todos a command means, among those that the person may see."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.models.todos import Status
from core.rules.understanding import shortlist, targets
from core.rules.understanding.commands import Candidate, Filter, Intent, Reference
from core.rules.understanding.text import forms
from core.services import voice_rows
from core.services.voice_results import Named, Policy
from core.services.voice_rows import Standing
from core.services.voice_steps import Ask, Step
from core.statements import Query

MOST_AT_ONCE: Final = 500  # todos of one command
MOST_OFFERED: Final = 3


class Targets:
    """Reads each kind of candidates once, when a command of the utterance first needs it."""

    def __init__(
        self,
        tx: Transaction,
        actor: Actor,
        *,
        workspace_id: UUID,
        mentioned: Sequence[UUID],
        policy: Policy,
        language: str | None,
        now: datetime,
        today: date,
    ) -> None:
        self._tx = tx
        self._keys = {"workspace_id": workspace_id, "user_id": actor.user_id}
        self._mentioned = mentioned
        self._policy = policy
        self._language = language
        self._now = now
        self._today = today
        self._read: dict[str, list[Standing]] = {}

    async def found(self, step: Step, meant: Reference | None) -> Step:
        """The step with its todo, or with those to ask about; never surer than the match is."""
        meant = meant or Reference(position=0)
        done = step.told.intent is Intent.REOPEN
        if meant.every:
            return _of_all(step, await self._every(meant, step.filter, done=done))
        if meant.text is None:
            return await self._by_position(step, meant.position or 0)
        pool = await self._pool(done=done)
        near = shortlist.likely(meant.text, [each.title for _, each in pool])
        candidates = [
            Candidate(each.id, each.title, self._rank(nth, each))
            for nth, each in (pool[index] for index in near)
        ]
        thresholds = targets.Thresholds(self._policy.accept, self._policy.lead, self._policy.offer)
        choice = targets.choose(meant.text, candidates, thresholds, language=self._language)
        if choice.accepted is not None:
            surely = min(step.told.confidence, choice.confidence)
            [meant_row] = [each for _, each in pool if each.id == choice.accepted.id]
            found = _about(step, meant_row)
            return replace(found, told=replace(found.told, confidence=round(surely, 4)))
        offered = tuple(Named(each.id, each.title) for each in choice.offered[:MOST_OFFERED])
        return _offering(step, offered)

    async def _by_position(self, step: Step, position: int) -> Step:
        """Of those that were mentioned last and still stand, in the order they were told."""
        if not self._mentioned:
            return replace(step, ask=Ask.NOT_FOUND)
        rows = await self._rows("these", voice_rows.THESE, ids=list(self._mentioned))
        by_id = {each.id: each for each in rows}
        standing = [by_id[each] for each in self._mentioned if each in by_id]
        try:
            found = standing[position]
        except IndexError:
            offered = tuple(Named(each.id, each.title) for each in standing[:MOST_OFFERED])
            return _offering(step, offered)
        return _about(step, found)

    async def _every(self, meant: Reference, asked: Filter | None, *, done: bool) -> list[Standing]:
        words = set(forms(meant.text or ""))
        pool = [each for _, each in await self._pool(done=done)]
        fitting = [each for each in pool if words <= set(forms(each.title))]
        return [each for each in fitting if asked is None or fits(each, asked)]

    async def _pool(self, *, done: bool) -> list[tuple[int, Standing]]:
        if done:
            rows = await self._rows("done", voice_rows.DONE, now=self._now)
        else:
            rows = await self._rows("open", voice_rows.OPEN)
        return list(enumerate(rows))

    async def _rows(self, name: str, asked: Query[Standing], **more: object) -> list[Standing]:
        if name not in self._read:
            self._read[name] = await self._tx.all(asked, **self._keys, **more)
        return self._read[name]

    def _rank(self, nth: int, each: Standing) -> tuple[int, ...]:
        """Due today, overdue, just mentioned, then by how lately it changed."""
        if each.due_on == self._today:
            return (0, nth)
        if each.due_on is not None and each.due_on < self._today:
            return (1, nth)
        return (2 if each.id in self._mentioned else 3, nth)


def fits(todo: Standing, asked: Filter) -> bool:
    """Whether it is one of those asked for; of a completed one the days are none of its due."""
    due = todo.due_on
    conditions: list[tuple[object, Callable[[], bool]]] = [
        (asked.due_from, lambda: due is not None and due >= (asked.due_from or due)),
        (asked.due_to, lambda: due is not None and due <= (asked.due_to or due)),
        (asked.list, lambda: (todo.list or "").casefold() == (asked.list or "").casefold()),
        (asked.tag, lambda: (asked.tag or "").casefold() in {t.casefold() for t in todo.tags}),
        (asked.priority, lambda: todo.priority == asked.priority),
        (asked.text, lambda: set(forms(asked.text or "")) <= set(forms(todo.title))),
        (asked.status, lambda: todo.status == (asked.status or Status.PENDING)),
    ]
    return all(holds() for given, holds in conditions if given is not None)


def _about(step: Step, todo: Standing) -> Step:
    return step.about(Named(todo.id, todo.title)).due_with(todo.due)


def _of_all(step: Step, found: Sequence[Standing]) -> Step:
    if not found:
        return replace(step, ask=Ask.NOT_FOUND)
    meant = tuple(Named(each.id, each.title) for each in found[:MOST_AT_ONCE])
    return replace(step, targets=meant, offered=meant[:MOST_OFFERED])


def _offering(step: Step, offered: tuple[Named, ...]) -> Step:
    return replace(step, offered=offered, ask=Ask.WHICH if offered else Ask.NOT_FOUND)
